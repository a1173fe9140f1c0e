"""Where the Typst template and its typeface lie inside the package, and which characters the typeface has."""

import re
import struct
from collections.abc import Iterator
from functools import cache
from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"
EVALUATION = TEMPLATES / "evaluation.typ"
FONTS = Path(__file__).parent / "fonts"

_SEGMENTS = 4


@cache
def characters() -> frozenset[int]:
    """The code points that every face of the typeface can show."""
    faces = [_characters(path.read_bytes()) for path in sorted(FONTS.glob("*.ttf"))]
    return frozenset.intersection(*faces)


@cache
def missing() -> re.Pattern[str]:
    """Matches one character that the typeface cannot show; a line break is none."""
    shown = "".join(f"\\U{code:08x}" for code in sorted(characters() | {ord("\n")}))
    return re.compile(f"[^{shown}]")


def _characters(font: bytes) -> frozenset[int]:
    """The code points of a TrueType font: its `cmap` table in format 4 (OpenType specification, cmap)."""
    (tables,) = struct.unpack_from(">H", font, 4)
    directory = (struct.unpack_from(">4sIII", font, 12 + 16 * number) for number in range(tables))
    cmap = next(offset for tag, _, offset, _ in directory if tag == b"cmap")
    (count,) = struct.unpack_from(">H", font, cmap + 2)
    for number in range(count):
        (offset,) = struct.unpack_from(">I", font, cmap + 4 + 8 * number + 4)
        if struct.unpack_from(">H", font, cmap + offset)[0] == _SEGMENTS:
            return frozenset(_in_segments(font, cmap + offset))
    raise ValueError("the font maps no characters in format 4")


def _in_segments(font: bytes, table: int) -> Iterator[int]:
    (doubled,) = struct.unpack_from(">H", font, table + 6)
    # Four arrays follow each other, with two bytes of padding after the first.
    ends, starts, deltas, offsets = table + 14, table + 16 + doubled, table + 16 + 2 * doubled, table + 16 + 3 * doubled
    for segment in range(0, doubled, 2):
        last, first = _number(font, ends + segment), _number(font, starts + segment)
        delta, offset = _number(font, deltas + segment), _number(font, offsets + segment)
        for code in range(first, last + 1):
            # An offset counts from its own place in the array to the glyph's number.
            glyph = code if offset == 0 else _number(font, offsets + segment + offset + 2 * (code - first))
            if glyph and (glyph + delta) % 0x10000:
                yield code


def _number(font: bytes, at: int) -> int:
    return int.from_bytes(font[at : at + 2], "big")
