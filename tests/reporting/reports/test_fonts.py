"""The typeface has every letter of the Vietnamese alphabet in every face."""

import unicodedata
from itertools import product

import pytest
import typst

from reporting.reports.templates import FONTS

TONES = ("", "\u0300", "\u0309", "\u0303", "\u0301", "\u0323")
VOWELS = "aăâeêioôơuưy"
LETTERS = [unicodedata.normalize("NFC", vowel + tone) for vowel, tone in product(VOWELS, TONES)]
ALPHABET = "".join(LETTERS) + "bcdđghklmnpqrstvx"
TEXT = ALPHABET + ALPHABET.upper() + "0123456789.,;:%/()–…*-'\"“”"


@pytest.mark.parametrize("weight", ["regular", "bold"])
@pytest.mark.parametrize("style", ["normal", "italic"])
def test_every_letter_is_in_the_face(weight: str, style: str) -> None:
    source = (
        f'#set text(font: "Liberation Serif", weight: "{weight}", style: "{style}", fallback: false)\n'
        "#text(sys.inputs.text)"
    )
    # PDF/A refuses a document with a glyph that its font does not have.
    typst.compile(
        source.encode(),
        format="pdf",
        font_paths=[str(FONTS)],
        ignore_system_fonts=True,
        sys_inputs={"text": TEXT},
        pdf_standards=["a-2b"],
    )


def test_a_letter_that_a_face_lacks_would_be_noticed() -> None:
    with pytest.raises(typst.TypstError):
        typst.compile(
            '#set text(font: "Liberation Serif", fallback: false)\n\u4e2d'.encode(),
            format="pdf",
            font_paths=[str(FONTS)],
            ignore_system_fonts=True,
            pdf_standards=["a-2b"],
        )


def test_the_licence_travels_with_the_typeface() -> None:
    assert "SIL OPEN FONT LICENSE Version 1.1" in (FONTS / "OFL.txt").read_text(encoding="utf-8")
