"""Words that the parts of an evaluation report share."""

from collections.abc import Iterable
from datetime import date, datetime

from reporting.reports.facts import AgreementFacts
from reporting.reports.parts import Paragraph, Run
from shared import clock
from shared.text import format_date, vietnamese_sort_key

INSTRUMENTS = {
    "conclusion": "Kết luận",
    "plan": "Kế hoạch phối hợp",
    "programme": "Chương trình",
    "regulation": "Quy chế phối hợp",
    "memorandum": "Biên bản ghi nhớ",
}
STATUSES = {
    "not_started": "Chưa thực hiện",
    "in_progress": "Đang thực hiện",
    "submitted": "Chờ xác nhận",
    "completed": "Hoàn thành",
    "suspended": "Tạm dừng",
    "cancelled": "Hủy bỏ",
}
DEMONSTRATION = "Dữ liệu minh họa"


def parent_name(instrument: str | None, number: str | None, title: str | None, issued_by: str | None) -> str | None:
    """The instrument that the agreement rests on, as a sentence names it."""
    if not (number or title):
        return None
    kind = INSTRUMENTS.get(instrument or "", "Văn bản")
    name = f"{kind} số {number}" if number else (title or kind)
    return f"{name} của {issued_by}" if issued_by else name


def name_of(agreement: AgreementFacts) -> str:
    """The agreement as a sentence names it: its kind once, its number where it has one."""
    kind = INSTRUMENTS.get(agreement.instrument, "Thỏa thuận hợp tác")
    title = agreement.title
    first_word = kind.split()[0].casefold()
    name = title if title.casefold().startswith(first_word) else f"{kind} {title[:1].lower()}{title[1:]}"
    return f"{name} (số {agreement.number})" if agreement.number and agreement.number not in name else name


def paragraph(text: str) -> Paragraph:
    return Paragraph(runs=[Run(text=text)])


def listed(names: Iterable[str]) -> str:
    """Each name once, in the order of the Vietnamese alphabet."""
    return ", ".join(sorted(dict.fromkeys(names), key=vietnamese_sort_key))


def sentence(text: str) -> str:
    text = text.strip()
    return text[:1].upper() + text[1:]


def day_of(moment: datetime) -> date:
    """The day in Vietnam."""
    return moment.astimezone(clock.VN_TZ).date()


def moment_of(moment: datetime) -> str:
    local = moment.astimezone(clock.VN_TZ)
    return f"{local:%H} giờ {local:%M} ngày {format_date(local.date())}"
