"""The typeface has every letter of the Vietnamese alphabet in every face."""

import unicodedata
from itertools import product

import pytest
import typst

from reporting.reports.templates import FONTS, characters

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
    _draw(source, TEXT)


def test_a_letter_that_a_face_lacks_would_be_noticed() -> None:
    with pytest.raises(typst.TypstError):
        _draw('#set text(font: "Liberation Serif")\n#text(sys.inputs.text)', "\u4e2d")


def test_the_typeface_is_said_to_have_what_it_has() -> None:
    assert {ord(letter) for letter in TEXT} <= characters()
    assert not {0x4E2D, 0x1F600, 0x07} & characters()


def test_the_licence_travels_with_the_typeface() -> None:
    assert "SIL OPEN FONT LICENSE Version 1.1" in (FONTS / "OFL.txt").read_text(encoding="utf-8")


def _draw(source: str, text: str) -> None:
    # PDF/A refuses a document with a glyph that its fonts do not have.
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONTS])
    typst.Compiler(source.encode(), font_paths=fonts).compile(
        format="pdf", sys_inputs={"text": text}, pdf_standards=["a-2b"]
    )
