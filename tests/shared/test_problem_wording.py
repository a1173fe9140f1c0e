"""What is wrong with a field is said in the reader's language, whatever it is."""

import ast
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest
from pydantic import AwareDatetime, BaseModel, Field, HttpUrl, ValidationError

from shared.problem_handlers import field_errors

_ROOT = Path(__file__).parents[2]
_SOURCES = [*_ROOT.glob("services/*/src"), _ROOT / "shared" / "src"]


def own_kinds() -> Iterator[str]:
    """The kinds of errors that schemas raise by themselves."""
    for path in (path for source in _SOURCES for path in source.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "PydanticCustomError":
                kind = node.args[0]
                assert isinstance(kind, ast.Constant)
                yield str(kind.value)


class Everything(BaseModel):
    """The kinds of values that requests hold."""

    text: str = ""
    number: int = 0
    exact: Annotated[int, Field(strict=True)] = 0
    share: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] = 0.5
    moment: datetime | None = None
    size: Literal["small", "large"] = "small"
    instant: AwareDatetime | None = None
    identifier: UUID = UUID(int=0)
    link: Annotated[HttpUrl, Field(max_length=30)] | None = None
    parts: list[dict[str, Any]] = []
    inner: "Everything | None" = None


def vietnamese(details: list[Any]) -> list[str]:
    found = field_errors([{**detail, "loc": ("body", *detail["loc"])} for detail in details])
    return [error.detail["vi"] for error in found if not isinstance(error.detail, str)]


@pytest.mark.parametrize("kind", sorted(set(own_kinds())))
def test_a_rule_of_our_own_is_worded_in_vietnamese(kind: str) -> None:
    [told] = vietnamese([{"type": kind, "loc": ("x",), "msg": "English", "ctx": {"wording": "số điện thoại"}}])
    assert "English" not in told


@pytest.mark.parametrize(
    "body",
    [
        {"text": 1},
        {"number": "x"},
        {"number": 1.5},
        {"number": "9" * 5_000},
        {"exact": 1.0},
        {"share": "x"},
        {"share": []},
        {"share": float("inf")},
        {"share": 0},
        {"share": 1},
        {"moment": "x"},
        {"moment": []},
        {"instant": "2026-01-01T00:00:00"},
        {"identifier": "x"},
        {"link": "không có"},
        {"link": "ftp://example.vn"},
        {"link": "https://example.vn/" + "x" * 30},
        {"link": 1},
        {"parts": "x"},
        {"parts": ["x"]},
        {"inner": "x"},
    ],
)
def test_a_value_of_the_wrong_kind_is_told_in_vietnamese(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as error:
        Everything.model_validate(body)
    assert [told for told in vietnamese(list(error.value.errors())) if told.startswith("Giá trị không hợp lệ")] == []


def test_what_can_be_chosen_from_is_listed_in_vietnamese() -> None:
    with pytest.raises(ValidationError) as error:
        Everything.model_validate({"size": "x"})
    assert vietnamese(list(error.value.errors())) == ["Giá trị không thuộc danh mục: 'small' hoặc 'large'."]
