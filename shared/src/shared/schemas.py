"""The base of everything that the API takes and shows."""

import unicodedata
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

T = TypeVar("T")

MAX_TEXT = 20_000


def _clean(value: Any) -> Any:
    return unicodedata.normalize("NFC", value).strip() if isinstance(value, str) else value


# Composed (NFC) and without blanks at its ends. It stands last: the limits before it then speak of characters.
CLEAN = BeforeValidator(_clean)

# One line of text, and text of several lines.
Line = Annotated[str, Field(min_length=1, max_length=300), CLEAN]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT), CLEAN]


class Model(BaseModel):
    """Unknown fields are refused: a misspelt name must not look as if it had been taken."""

    model_config = ConfigDict(extra="forbid", str_max_length=MAX_TEXT, ser_json_timedelta="iso8601")


def _is_none(value: object) -> bool:
    return value is None


class Page(BaseModel, Generic[T]):
    """One page of a list; `next_cursor` leads to the next one and is null on the last."""

    items: list[T]
    next_cursor: str | None = None
    total: int | None = Field(default=None, description="All that match; only with `count=true`.", exclude_if=_is_none)
