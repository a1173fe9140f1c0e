"""Tasks as they were at an instant, with the timeliness that they had then."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import asyncpg
import orjson

from agreements_api.history.past import Json, NotOfThePast, body_of, each_shown, refuse_words, shown, state_at
from agreements_api.representation import with_actions
from agreements_api.tasks import errors
from agreements_api.tasks.lists_repository import Filter
from agreements_api.tasks.schemas import TaskPartyPublic, TaskPublic
from agreements_api.tasks.timeliness import Timeliness, soon_until, timeliness
from shared import clock
from shared.auth import Actor


async def read(
    connection: asyncpg.Connection[asyncpg.Record], actor: Actor, task_id: UUID, as_of: datetime
) -> tuple[int, Timeliness | None, str]:
    """Version, timeliness and body. Raises TaskNotFound where it was not there yet, or the caller may not see it."""
    past = await state_at(connection, actor, task_id, as_of)
    # An agreement is a record as well, and has no lead.
    if past is None or "lead" not in past.state:
        raise errors.TaskNotFound
    stand = _timeliness(past.state, clock.day_of(as_of))
    return past.version, stand, body(past.state, stand)


def body(state: Json, stand: Timeliness | None) -> str:
    task = shown(TaskPublic, state) | {
        "timeliness": stand,
        # What was kept before there were extensions had none.
        "extension_count": state.get("extension_count", 0),
        "lead": shown(TaskPartyPublic, state["lead"]),
        "coordinating": each_shown(TaskPartyPublic, state["coordinating"]),
        "monitoring": each_shown(TaskPartyPublic, state["monitoring"]),
    }
    return with_actions(body_of(task), ())


def bodies(rows: Sequence[asyncpg.Record]) -> list[str]:
    return [body(orjson.loads(row["state"]), row["timeliness"]) for row in rows]


def check_narrowing(narrowed: Filter) -> None:
    """What a list of the past can be asked for."""
    if narrowed.agreement_id is None:
        raise NotOfThePast(
            "agreement_id",
            "Cần agreement_id khi hỏi as_of: nhiệm vụ của quá khứ được liệt kê theo từng thỏa thuận.",
            "as_of needs agreement_id: tasks of the past are listed for one agreement.",
            code="missing",
        )
    refuse_words(narrowed.folded)


def _timeliness(state: Json, day: date) -> Timeliness | None:
    due_on, completed_at = state["due_on"], state["completed_at"]
    return timeliness(
        state["status"],
        date.fromisoformat(due_on) if due_on else None,
        datetime.fromisoformat(completed_at) if completed_at else None,
        today=day,
        soon=soon_until(day),
    )
