"""Where the Typst template and its typeface lie inside the package."""

from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"
EVALUATION = TEMPLATES / "evaluation.typ"
FONTS = Path(__file__).parent / "fonts"
