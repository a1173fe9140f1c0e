"""Records as they were, in the shape that the API shows them in today."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from pydantic import BaseModel

from agreements_api.history import repository
from shared.auth import Actor
from shared.problems import FieldError, Unprocessable

Json = dict[str, Any]


class NotOfThePast(Unprocessable):
    """A list of the past is in an order, or narrowed by something, that only the present has an index for."""

    def __init__(self, parameter: str, vi: str, en: str, *, code: str = "not_of_the_past") -> None:
        super().__init__(errors=[FieldError(f"/query/{parameter}", code, {"vi": vi, "en": en})])


@dataclass(frozen=True)
class Past:
    """A version of a record, and when it came about."""

    version: int
    occurred_at: datetime
    state: Json


async def state_at(
    connection: asyncpg.Connection[Any], actor: Actor, subject_id: UUID, instant: datetime
) -> Past | None:
    """The record at the instant, if it was there and the caller may see it today."""
    row = await repository.state_at(connection, actor.organization_id, subject_id, instant)
    return None if row is None else Past(row["version"], row["occurred_at"], orjson.loads(row["state"]))


def refuse_words(words: str | None) -> None:
    """No list of the past can be narrowed by words."""
    if words:
        raise NotOfThePast(
            "q",
            "Không tìm theo từ trong danh sách của quá khứ.",
            "A list of the past cannot be narrowed by words.",
        )


def shown(model: type[BaseModel], state: Json) -> Json:
    """What the API shows of a state today; what was not kept in those days is null."""
    names = [name for name in model.model_fields if name != "allowed_actions"]
    return {name: state.get(name) for name in names}


def each_shown(model: type[BaseModel], states: Iterable[Json]) -> list[Json]:
    return [shown(model, state) for state in states]


def body_of(shown: Json) -> str:
    return orjson.dumps(shown).decode()
