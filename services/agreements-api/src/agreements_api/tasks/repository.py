"""SQL of the rows of tasks that are held for a change, and of how whoever changes them stands to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from agreements_api.tasks.reading_repository import EXTENDABLE, RELATIONS, REPEATABLE, SCOPE
from shared.events import LastReport, TaskParty, TaskSnapshot


@dataclass
class Locked:
    """A task whose row is held until the transaction ends, and how the caller stands to it."""

    task: TaskSnapshot
    submission: int
    note: str | None
    relations: str
    members: list[UUID]
    extendable: bool = True
    repeatable: bool = True
    # What its agreement sets of the window for answers.
    response_days: int | None = None


_MEMBERS = "array(select distinct m.organization_id from agreement_member m where m.agreement_id = t.agreement_id)"
_LOCK = f"""
select t.id, t.version, t.agreement_id, a.title as agreement_title, a.number as agreement_number, t.clause_id,
    t.title, t.description, t.deliverable, t.field, t.status, t.due_on, t.original_due_on, t.percent,
    t.completed_at, t.submitted_at, t.demonstration, t.created_at, t.updated_at,
    t.extension_count, t.recurrence_id, t.previous_occurrence_id, t.parties::text as parties,
    t.last_report::text as last_report, t.submission, t.note, {RELATIONS} as relations,
    {_MEMBERS} as members, {EXTENDABLE} as extendable, {REPEATABLE} as repeatable,
    a.response_working_days as response_days,
    (select s.version from task s where s.id = t.id) as seen_version
from task t join agreement a on a.id = t.agreement_id
where t.id = $2 and {SCOPE}
for no key update of t
"""  # noqa: S608


async def lock(connection: asyncpg.Connection[Any], organization_id: UUID | None, task_id: UUID) -> Locked | None:
    """The task's row for a change, if the caller is a member."""
    row = await connection.fetchrow(_LOCK, organization_id, task_id)
    if row is not None and row["version"] != row["seen_version"]:
        # It waited for another change, and who stands how to the task was read before that one came.
        row = await connection.fetchrow(_LOCK, organization_id, task_id)
    return None if row is None else _locked(row)


# Every open task of these agreements, in one order, for a change of who answers for it: that asks nobody's relations.
_LOCK_OPEN = (
    _LOCK.replace(
        f"t.id = $2 and {SCOPE}",
        "t.agreement_id = any($1::uuid[]) and t.status not in ('completed', 'cancelled') order by t.id",
    )
    .replace(f"{RELATIONS} as relations", "'' as relations")
    .replace(_MEMBERS, "'{}'::uuid[]")
)


# A task as the product itself sees it, for what becomes of it by a rule.
_SNAPSHOT = (
    _LOCK.replace(f"t.id = $2 and {SCOPE}", "t.id = $1")
    .replace(f"{RELATIONS} as relations", "'' as relations")
    .replace("for no key update of t", "")
)


async def snapshot(connection: asyncpg.Connection[Any], task_id: UUID) -> Locked:
    """The task as it is, without anybody's relations to it."""
    row = await connection.fetchrow(_SNAPSHOT, task_id)
    assert row is not None
    return _locked(row)


async def lock_open_of(connection: asyncpg.Connection[Any], agreement_ids: Sequence[UUID]) -> list[Locked]:
    """The rows of all open tasks of these agreements, which are locked, without anybody's relations to them."""
    return [_locked(row) for row in await connection.fetch(_LOCK_OPEN, agreement_ids)]


_LOCK_AS_SYSTEM = _LOCK.replace(f"t.id = $2 and {SCOPE}", "t.id = any($1::uuid[]) order by t.id").replace(
    f"{RELATIONS} as relations", "'' as relations"
)


async def lock_as_system(connection: asyncpg.Connection[Any], task_ids: Sequence[UUID]) -> list[Locked]:
    """The rows of these tasks for a change that no organisation makes."""
    return [_locked(row) for row in await connection.fetch(_LOCK_AS_SYSTEM, task_ids)]


# The task whose window has been over for longest; one that another transaction holds is left to it.
_LOCK_LAPSED = _LOCK.replace(f"t.id = $2 and {SCOPE}", "t.respond_by < $1 order by t.respond_by, t.id limit 1").replace(
    f"{RELATIONS} as relations", "'' as relations"
) + (" skip locked")


async def lock_lapsed(connection: asyncpg.Connection[Any], today: date) -> Locked | None:
    """A submitted task whose window was over before today."""
    row = await connection.fetchrow(_LOCK_LAPSED, today)
    return None if row is None else _locked(row)


_REPORT_TO_CORRECT = """
select r.reported_at, (select k.id from task_progress_report k where k.corrects_report_id = r.id) as corrected_by
from task_progress_report r where r.task_id = $1 and r.id = $2
"""


async def report_to_correct(
    connection: asyncpg.Connection[Any], task_id: UUID, report_id: UUID
) -> asyncpg.Record | None:
    """When an earlier report of a locked task was given, and which one corrects it."""
    return await connection.fetchrow(_REPORT_TO_CORRECT, task_id, report_id)


def _locked(row: asyncpg.Record) -> Locked:
    values = dict(row)
    del values["seen_version"]
    parties = orjson.loads(values.pop("parties"))
    report = values.pop("last_report")
    submission, note = values.pop("submission"), values.pop("note")
    relations, members, response_days = values.pop("relations"), values.pop("members"), values.pop("response_days")
    extendable, repeatable = values.pop("extendable"), values.pop("repeatable")
    task = TaskSnapshot(
        **values,
        lead=TaskParty.model_validate(parties["lead"]),
        coordinating=[TaskParty.model_validate(party) for party in parties["coordinating"]],
        monitoring=[TaskParty.model_validate(party) for party in parties["monitoring"]],
        last_report=LastReport.model_validate_json(report) if report else None,
    )
    return Locked(task, submission, note, relations, members, extendable, repeatable, response_days)
