"""Which columns a table has: the words that people head them with, and the row in which these stand."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from agreements_api.imports.kinds import ImportKind
from shared.text import fold

# Titles, addresses and the date stand above the headers.
LOOKED_AT = 20


@dataclass(frozen=True)
class Column:
    """One column: the header that templates give it, and what else people write there (folded)."""

    key: str
    header: str
    english: str
    synonyms: tuple[str, ...]
    required: bool = False


ORDINAL = Column("ordinal", "STT", "No.", ("so tt", "tt", "so thu tu", "no", "#", "stt"))
TASK_COLUMNS = (
    ORDINAL,
    Column(
        "title",
        "Nội dung nhiệm vụ",
        "Task",
        (
            "noi dung",
            "nhiem vu",
            "ten nhiem vu",
            "noi dung cong viec",
            "noi dung thuc hien",
            "cong viec",
            "ten cong viec",
            "nhiem vu cu the",
            "noi dung, nhiem vu",
            "noi dung nhiem vu, cong viec",
            "nhiem vu, giai phap",
            "title",
        ),
        required=True,
    ),
    Column("description", "Mô tả", "Description", ("chi tiet", "dien giai", "noi dung chi tiet", "yeu cau")),
    Column(
        "lead",
        "Đơn vị chủ trì",
        "Lead",
        (
            "chu tri",
            "co quan chu tri",
            "don vi chu tri thuc hien",
            "co quan, don vi chu tri",
            "don vi thuc hien",
            "co quan thuc hien",
            "dia phuong chu tri",
            "don vi chiu trach nhiem",
        ),
        required=True,
    ),
    Column(
        "coordinating",
        "Đơn vị phối hợp",
        "Coordinating",
        (
            "phoi hop",
            "co quan phoi hop",
            "cac don vi phoi hop",
            "don vi phoi hop thuc hien",
            "co quan, don vi phoi hop",
            "dia phuong phoi hop",
        ),
    ),
    Column("monitoring", "Đơn vị theo dõi", "Monitoring", ("theo doi", "co quan theo doi", "don vi giam sat")),
    Column(
        "due_on",
        "Thời hạn",
        "Due",
        (
            "han",
            "han hoan thanh",
            "thoi han hoan thanh",
            "thoi gian hoan thanh",
            "thoi gian thuc hien",
            "thoi gian",
            "tien do hoan thanh",
            "ngay hoan thanh",
            "thoi han thuc hien",
            "han xu ly",
            "deadline",
        ),
    ),
    Column(
        "deliverable",
        "Sản phẩm",
        "Deliverable",
        (
            "ket qua",
            "san pham, ket qua",
            "san pham du kien",
            "ket qua du kien",
            "san pham dau ra",
            "san pham hoan thanh",
        ),
    ),
    Column("field", "Lĩnh vực", "Field", ("nganh, linh vuc", "nhom linh vuc")),
    Column("clause", "Điều khoản", "Clause", ("dieu", "dieu khoan thuc hien", "thuoc dieu", "muc")),
    Column("note", "Ghi chú", "Note", ("chu thich", "ghi chu khac")),
)
AGREEMENT_COLUMNS = (
    ORDINAL,
    Column(
        "title",
        "Tên thỏa thuận",
        "Title",
        (
            "ten thoa thuan hop tac",
            "ten van ban",
            "trich yeu",
            "trich yeu noi dung",
            "ten",
            "ten ke hoach",
            "thoa thuan",
            "title",
        ),
        required=True,
    ),
    Column(
        "instrument",
        "Loại văn bản",
        "Instrument",
        ("hinh thuc", "hinh thuc van ban", "loai", "the loai", "loai thoa thuan"),
        required=True,
    ),
    Column("number", "Số, ký hiệu", "Number", ("so hieu", "so ky hieu", "so/ky hieu", "so van ban", "so")),
    Column("parties", "Các bên tham gia", "Parties", ("cac ben", "ben tham gia", "don vi tham gia", "cac ben ky ket")),
    Column("fields", "Lĩnh vực", "Fields", ("linh vuc hop tac", "cac linh vuc", "nganh, linh vuc")),
    Column("clauses", "Nội dung hợp tác", "Clauses", ("noi dung", "dieu khoan", "cac noi dung hop tac")),
    Column("term_from", "Hiệu lực từ", "From", ("tu ngay", "ngay bat dau", "ngay hieu luc", "bat dau")),
    Column("term_to", "Hiệu lực đến", "Until", ("den ngay", "ngay ket thuc", "ngay het hieu luc", "ket thuc")),
    Column("sign_by", "Hạn ký", "Sign by", ("thoi han ky", "ky truoc ngay")),
    Column("source_url", "Nguồn", "Source", ("duong dan", "link", "url", "nguon tin")),
    Column("note", "Ghi chú", "Note", ("chu thich", "ghi chu khac")),
)
COLUMNS: dict[ImportKind, tuple[Column, ...]] = {
    ImportKind.TASKS: TASK_COLUMNS,
    ImportKind.AGREEMENTS: AGREEMENT_COLUMNS,
}


@dataclass(frozen=True)
class Header:
    """Where the headers stand and what they mean; positions count from 0."""

    row: int
    columns: Mapping[int, str]
    texts: Mapping[int, str]
    ignored: Sequence[str]
    missing: Sequence[str]


def find_header(kind: ImportKind, rows: Sequence[Sequence[str]]) -> Header | None:
    """The row, of the first ones, with the most headers that are known; none where fewer than two are."""
    best: Header | None = None
    for at, row in enumerate(rows[:LOOKED_AT]):
        found = _header(kind, at, row)
        if len(found.columns) >= 2 and (best is None or len(found.columns) > len(best.columns)):
            best = found
    return best


def _header(kind: ImportKind, at: int, row: Sequence[str]) -> Header:
    known = _known(kind)
    columns: dict[int, str] = {}
    texts: dict[int, str] = {}
    ignored: list[str] = []
    for position, text in enumerate(row):
        shown = " ".join(text.split())
        key = known.get(simplified(text))
        if key is not None and key not in columns.values():
            columns[position] = key
            texts[position] = shown
        elif shown and shown not in ignored:
            ignored.append(shown[:100])
    missing = [column.header for column in COLUMNS[kind] if column.required and column.key not in columns.values()]
    return Header(at, columns, texts, ignored, missing)


def simplified(text: str) -> str:
    """A header without diacritics, remarks in brackets and signs: "Thời hạn\n(ngày/tháng/năm) *" → "thoi han"."""
    bare = re.sub(r"\([^)]*\)|\[[^]]*\]", " ", fold(text))
    return " ".join(re.sub(r"\s*/\s*|\s+va\s+", ", ", re.sub(r"[*:.]", " ", bare)).split()).strip(" ,")


def _known(kind: ImportKind) -> Mapping[str, str]:
    return {
        simplified(word): column.key
        for column in reversed(COLUMNS[kind])
        for word in (column.header, column.english, *column.synonyms)
    }
