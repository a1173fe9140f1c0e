"""Vietnamese text: folding for search, the order of the alphabet, and how numbers and dates are written."""

import unicodedata
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

# Dictionaries order letters first and, between words of the same letters, by tone in this order.
_LETTERS = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"
_RANK = {letter: index for index, letter in enumerate(_LETTERS)}
_TONES = {"\u0300": 1, "\u0309": 2, "\u0303": 3, "\u0301": 4, "\u0323": 5}


def nfc(text: str) -> str:
    """The composed form in which all text is kept."""
    return unicodedata.normalize("NFC", text)


def fold(text: str) -> str:
    """What search compares: "Đông Triều" → "dong trieu"."""
    decomposed = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return " ".join("".join(mark for mark in decomposed if not unicodedata.combining(mark)).split())


def vietnamese_sort_key(text: str) -> str:
    """A key that orders by code point as the Vietnamese alphabet does: a ă â b c d đ e ê …, then by tone.

    Numbers come before letters and by their value; the tones (ngang, huyền, hỏi, ngã, sắc, nặng) and then the
    text itself decide between words of the same letters.
    """
    letters: list[str] = []
    tones: list[str] = []
    word = unicodedata.normalize("NFC", text.casefold())
    position = 0
    while position < len(word):
        if word[position].isdecimal():
            end = position
            while end < len(word) and word[end].isdecimal():
                end += 1
            number = str(int(word[position:end]))
            letters.append("0" + chr(0x40 + min(len(number), 50)) + number)
            position = end
            continue
        letter, tone = _letter(word[position])
        letters.append(letter)
        tones.append(tone)
        position += 1
    return "".join(letters) + "\x01" + "".join(tones) + "\x01" + word


def _letter(character: str) -> tuple[str, str]:
    marks = unicodedata.normalize("NFD", character)
    tone = next((_TONES[mark] for mark in marks if mark in _TONES), 0)
    base = unicodedata.normalize("NFC", "".join(mark for mark in marks if mark not in _TONES))
    if base in _RANK:
        return chr(0x61 + _RANK[base]), str(tone)
    return (" " if base.isspace() or not base.isalnum() else "~" + base), str(tone)


def format_number(number: int | float | Decimal, digits: int = 0) -> str:
    """21914 → "21.914"; 3.5 with one digit → "3,5"."""
    value = Decimal(str(number)).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return f"{value:,.{digits}f}".translate(str.maketrans(",.", ".,"))


def format_percent(share: float | Decimal) -> str:
    """A share of one as percent with at most two digits: 0.9863 → "98,63 %", 0.5 → "50 %"."""
    text = format_number(Decimal(str(share)) * 100, 2).rstrip("0").rstrip(",")
    return f"{text} %"


def format_date(day: date) -> str:
    """18/10/2024."""
    return f"{day:%d/%m/%Y}"


def format_long_date(day: date) -> str:
    """As under a document's head: days below 10 and months 1 and 2 with a zero (Decree 30/2020/NĐ-CP, Annex I)."""
    month = f"{day.month:02d}" if day.month < 3 else str(day.month)
    return f"ngày {day.day:02d} tháng {month} năm {day.year}"


def escape_like(text: str) -> str:
    """The text as LIKE takes it literally: its wildcards are letters like any other."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
