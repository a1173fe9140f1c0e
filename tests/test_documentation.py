"""Documents that are made from the code say what the code says."""

from pathlib import Path

import pytest

from lienvung.documentation import generated, written

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.parametrize("document", ["operations.md", "permissions.md"])
def test_the_generated_tables_are_current(document: str) -> None:
    text = (DOCS / document).read_text(encoding="utf-8")
    assert written(text, generated()[document]) == text, "run `make docs`"


def test_every_setting_is_documented_with_words() -> None:
    for tables in generated().values():
        for name, table in tables.items():
            if name != "policy":
                assert "|  |" not in table, name
