"""What people write into cells — days, numbers, lists of names — and what it means."""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from shared.text import fold, format_date, nfc

# How a cell comes out of the reading process: a day is its own type there, everything else is what JSON has.
Raw = str | int | float | bool | date | None

FIRST_DAY, LAST_DAY = date(1945, 9, 2), date(2199, 12, 31)
_EPOCH = date(1899, 12, 30)
# 1954 to 2173: smaller numbers are no days that anybody sets, larger ones are no serial numbers.
_SERIALS = range(20_000, 100_000)
# Whatever is longer says something else; patterns are only tried on what is short.
_LONGEST_DAY, _LONGEST_NUMBER = 100, 40
_ROMAN = {"i": 1, "ii": 2, "iii": 3, "iv": 4}
_OPEN_ENDED = frozenset(
    {
        "thuong xuyen",
        "lien tuc",
        "hang nam",
        "hang thang",
        "hang quy",
        "dinh ky",
        "khong thoi han",
        "theo ke hoach",
        "theo yeu cau",
    }
)
_LEAD_IN = re.compile(r"^(?:truoc ngay|truoc|den het ngay|den het|den ngay|den|het|xong truoc|trong|vao|ngay|khoang) ")
# What programs write behind a day that is kept as a moment.
_MIDNIGHT = r"(?:[t ]0?0:00(?::00)?(?:\.0+)?)?"
_NUMERIC = re.compile(r"(\d{1,2})\s*[/.\-]\s*(\d{1,2})\s*[/.\-]\s*(\d{4}|\d{2})" + _MIDNIGHT)
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})" + _MIDNIGHT)
_LONG = re.compile(r"(\d{1,2}) thang (\d{1,2})(?:,)? nam (\d{4})")
_MONTH = re.compile(r"(?:cuoi )?thang (\d{1,2})(?:\s*[/.\-]\s*| nam )(\d{4})|(\d{1,2})[/.\-](\d{4})")
_QUARTER = re.compile(r"(?:cuoi )?quy (i{1,3}|iv|[1-4])(?:\s*[/.\-,]\s*| nam | )(\d{4})")
_YEAR = re.compile(r"(?:cuoi nam|nam|het nam) (\d{4})")
_HALF = re.compile(r"(?:6|sau) thang (dau|cuoi) nam (\d{4})")


@dataclass(frozen=True)
class Understood:
    """A day, and whether it stands in the cell as such; `None` for what has no end."""

    day: date | None
    literal: bool


class NotUnderstood(Exception):
    """What stands in a cell means nothing here."""

    def __init__(self, code: str, vi: str, en: str) -> None:
        super().__init__(en)
        self.code = code
        self.wording = {"vi": vi, "en": en}


def text_of(raw: Raw) -> str:
    """A cell as text, composed (NFC) and without blanks at its ends; a whole number without its decimals."""
    if raw is None:
        return ""
    if isinstance(raw, bool):
        return "có" if raw else "không"
    if isinstance(raw, date):
        return format_date(raw)
    if isinstance(raw, float) and raw.is_integer():
        return str(int(raw))
    text = nfc(str(raw)).replace("\u00a0", " ").replace("\r\n", "\n").replace("\r", "\n")
    return _UNSTORABLE.sub("", text).strip()


# Word processors leave them behind; PostgreSQL takes no NUL.
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufeff\u200b]")


def day_of(raw: Raw) -> Understood:
    """The day that a cell names. Day comes before month, a year of two digits is of this century."""
    if isinstance(raw, datetime):
        raw = raw.date()
    if isinstance(raw, date):
        return Understood(_in_range(raw, format_date(raw)), literal=True)
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return Understood(_serial(raw), literal=True)
    text = text_of(raw)
    if not text:
        return Understood(None, literal=True)
    if len(text) > _LONGEST_DAY:
        raise _no_day(text)
    words = re.sub(r"\s*\([^)]*\)$", "", fold(text).rstrip(".;"))
    if words in _OPEN_ENDED:
        return Understood(None, literal=False)
    while (shorter := _LEAD_IN.sub("", words)) != words:
        words = shorter
    for pattern, order in ((_ISO, (1, 2, 3)), (_NUMERIC, (3, 2, 1)), (_LONG, (3, 2, 1))):
        found = pattern.fullmatch(words)
        if found:
            year, month, day = (int(found.group(at)) for at in order)
            return Understood(_day(year + 2000 if year < 100 else year, month, day, text), literal=True)
    if words.isdigit() and int(words) in _SERIALS:
        return Understood(_serial(int(words)), literal=True)
    return Understood(_end_of_period(words, text), literal=False)


def number_of(raw: Raw) -> Decimal:
    """A number with Vietnamese separators (1.234,5), or with a decimal point where it can be nothing else."""
    text = text_of(raw)[:_LONGEST_NUMBER].replace(" ", "").removesuffix("%")
    if re.fullmatch(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?", text) or "," in text:
        text = text.replace(".", "").replace(",", ".")
    # Without an exponent: a few characters would be a number of millions of digits.
    if not re.fullmatch(r"[+-]?\d+(\.\d+)?", text):
        raise NotUnderstood("no_number", f"«{shortened(raw)}» không phải là số.", f"“{shortened(raw)}” is no number.")
    return Decimal(text)


def lines_of(raw: Raw) -> list[str]:
    """The entries of a cell: one a line, or between semicolons."""
    return [entry for line in paragraphs_of(raw) for entry in (part.strip(" ,.") for part in line.split(";")) if entry]


def paragraphs_of(raw: Raw) -> list[str]:
    """The lines of a cell, without bullets and numbers before them."""
    found = (re.sub(r"^(?:[-–•+*]|\d{1,2}[.)])\s+", "", part.strip()).strip() for part in text_of(raw).split("\n"))
    return [part for part in found if part]


def shortened(value: Any, most: int = 80) -> str:
    """A value as it is quoted in a message."""
    text = " ".join(text_of(value).split())
    return text if len(text) <= most else text[: most - 1] + "…"


def _end_of_period(words: str, text: str) -> date:
    """The last day of the month, quarter, half-year or year that is named."""
    if found := _MONTH.fullmatch(words):
        month, year = (int(group) for group in found.groups() if group is not None)
        return _last_of(year, month, text)
    if found := _QUARTER.fullmatch(words):
        quarter = _ROMAN.get(found.group(1)) or int(found.group(1))
        return _last_of(int(found.group(2)), quarter * 3, text)
    if found := _HALF.fullmatch(words):
        return _last_of(int(found.group(2)), 6 if found.group(1) == "dau" else 12, text)
    if found := _YEAR.fullmatch(words):
        return _last_of(int(found.group(1)), 12, text)
    raise _no_day(text)


def _last_of(year: int, month: int, text: str) -> date:
    if not 1 <= month <= 12:
        raise _no_day(text)
    return _day(year, month, monthrange(year, month)[1], text)


def _day(year: int, month: int, day: int, text: str) -> date:
    try:
        found = date(year, month, day)
    except ValueError as error:
        raise _no_day(text) from error
    return _in_range(found, text)


def _serial(number: float) -> date:
    if not _SERIALS.start <= number < _SERIALS.stop:
        raise _no_day(str(number))
    return _EPOCH + timedelta(days=int(number))


def _in_range(day: date, text: str) -> date:
    if not FIRST_DAY <= day <= LAST_DAY:
        raise _no_day(text)
    return day


def _no_day(text: str) -> NotUnderstood:
    said = shortened(text)
    return NotUnderstood(
        "no_date",
        f"«{said}» không phải là ngày; hãy viết như 31/12/2026.",
        f"“{said}” is no date; write it as 31/12/2026.",
    )
