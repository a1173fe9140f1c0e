"""Obstacles as they were at an instant, with what was overdue on that day."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

import asyncpg
import orjson

from agreements_api.history.past import Json, NotOfThePast, body_of, each_shown, shown
from agreements_api.obstacles import errors
from agreements_api.obstacles.past import repository
from agreements_api.obstacles.repository import Filter
from agreements_api.obstacles.schemas import MeasurePublic, ObstaclePublic
from agreements_api.representation import with_actions
from shared import clock
from shared.auth import Actor


async def read(
    connection: asyncpg.Connection[asyncpg.Record], actor: Actor, obstacle_id: UUID, as_of: datetime
) -> Json:
    """Raises ObstacleNotFound where it was not there yet, or the caller may not see it."""
    state = await repository.read(connection, actor.organization_id, obstacle_id, as_of)
    if state is None:
        raise errors.ObstacleNotFound
    return on_day(orjson.loads(state), clock.day_of(as_of))


def on_day(state: Json, day: date) -> Json:
    """What a read showed on a day: what is overdue is not kept, as it changes without a version."""
    measures = each_shown(MeasurePublic, state["measures"])
    for measure in measures:
        measure["overdue"] = measure["done_at"] is None and _is_over(measure["due_on"], day)
    overdue = state["status"] == "open" and _is_over(state["due_on"], day)
    return shown(ObstaclePublic, state) | {"overdue": overdue, "measures": measures}


def stand(obstacle: Json) -> str:
    """What the entity tag goes by beside the version: the same words as in the present."""
    if obstacle["overdue"]:
        return "overdue"
    return "late" if any(measure["overdue"] for measure in obstacle["measures"]) else "in_time"


def body(obstacle: Json) -> str:
    return with_actions(body_of(obstacle), ())


def check_narrowing(narrowed: Filter) -> None:
    """What a list of the past can be asked for."""
    if narrowed.agreement_id is None and narrowed.task_id is None:
        raise NotOfThePast(
            "agreement_id",
            "Cần agreement_id hoặc task_id khi hỏi as_of.",
            "as_of needs agreement_id or task_id: obstacles of the past are listed for one agreement or task.",
            code="missing",
        )


def _is_over(due_on: str, day: date) -> bool:
    return date.fromisoformat(due_on) < day
