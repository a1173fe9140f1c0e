"""Names of files, as they are kept and as a download is named."""

import pytest

from agreements_api.documents.naming import clean, disposition, extended
from agreements_api.documents.receiving import name_of


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Biên bản.pdf", "Biên bản.pdf"),
        # Decomposed, as some systems write it.
        ("Bie\u0302n ba\u0309n.pdf", "Biên bản.pdf"),
        ("C:\\Users\\an\\Biên bản.pdf", "Biên bản.pdf"),
        ("../../etc/passwd", "passwd"),
        ("  a.pdf ", "a.pdf"),
        ("bao-cao\u202efdp.exe", "bao-caofdp.exe"),
        ("x" * 255, "x" * 255),
    ],
)
def test_a_name_is_kept_without_folders_and_unseen_marks(given: str, kept: str) -> None:
    assert clean(given) == kept


@pytest.mark.parametrize("given", ["", "   ", "..", "a/", "a\nb.pdf", "a\x00b", "x" * 256, "\u200b"])
def test_what_could_be_no_name_is_none(given: str) -> None:
    assert clean(given) is None


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("report.pdf", "attachment; filename=\"report.pdf\"; filename*=UTF-8''report.pdf"),
        (
            "Đề án số 1.pdf",
            "attachment; filename=\"De an so 1.pdf\"; filename*=UTF-8''%C4%90%E1%BB%81%20%C3%A1n%20s%E1%BB%91%201.pdf",
        ),
        ('a"b\\c.pdf', "attachment; filename=\"a_b_c.pdf\"; filename*=UTF-8''a%22b%5Cc.pdf"),
        ("会议.pdf", "attachment; filename=\"__.pdf\"; filename*=UTF-8''%E4%BC%9A%E8%AE%AE.pdf"),
    ],
)
def test_a_download_is_named_for_old_and_new_browsers(name: str, header: str) -> None:
    assert disposition(name) == header
    # What is written is read again as it was.
    assert name_of(header) == name


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (None, None),
        ("attachment", None),
        ('form-data; name="file"; filename="Bi\xc3\xaan b\xe1\xba\xa3n.pdf"', "Biên bản.pdf"),
        ("attachment; filename=\"x.pdf\"; filename*=UTF-8''%C4%90.pdf", "Đ.pdf"),
        ("attachment; filename*=iso-8859-1'en'%e9t%e9.txt", "été.txt"),
    ],
)
def test_a_name_is_read_from_a_disposition(header: str | None, name: str | None) -> None:
    assert name_of(header) == name


@pytest.mark.parametrize("value", ["UTF-8''%ff%fe", "klingon''x", "plain.pdf"])
def test_an_extended_name_that_cannot_be_read_is_none(value: str) -> None:
    assert extended(value) is None
