"""Differences between two instants, from the states that history keeps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from agreements_api.history import repository
from agreements_api.history.difference import Differing, Json, Stage, differences
from agreements_api.history.past import state_at
from agreements_api.history.schemas import (
    AgreementDifference,
    DifferenceKind,
    FieldDifference,
    Origin,
    PartDifference,
    TaskDifference,
)
from shared.auth import Actor
from shared.problems import FieldError, NotFound, Unprocessable

# What is told of an agreement part by part, with what each part is called by.
_PARTS = {"parties": "organization_name", "clauses": "heading", "signatures": "organization_name"}


class InstantsReversed(Unprocessable):
    """The later instant comes first."""

    def __init__(self) -> None:
        super().__init__(
            errors=[
                FieldError(
                    "/query/from",
                    "instants_reversed",
                    {"vi": "Thời điểm đầu phải trước thời điểm sau.", "en": "The first instant has to be the earlier."},
                )
            ]
        )


async def of_agreement(
    connection: asyncpg.Connection[Any],
    actor: Actor,
    agreement_id: UUID,
    *,
    begin: datetime,
    end: datetime,
    missing: type[NotFound],
) -> AgreementDifference:
    """What is different about an agreement and its tasks; before it was there, it was nothing."""
    if begin > end:
        raise InstantsReversed
    now = await state_at(connection, actor, agreement_id, end)
    # A task is a record as well, and has no parties.
    if now is None or "parties" not in now.state:
        raise missing
    stages = await _stages(connection, actor, agreement_id, begin, end)
    before = await repository.states_before(connection, actor.organization_id, [agreement_id, *stages], begin)
    states = {subject_id: orjson.loads(state) for subject_id, state in before.items()}
    old = states.get(agreement_id)
    found = differences(old, stages.pop(agreement_id, []))
    return AgreementDifference(
        agreement_id=agreement_id,
        from_=begin,
        to=end,
        from_version=old["version"] if old else None,
        to_version=now.version,
        changes=_fields(one for one in found if one.path[0] not in _PARTS),
        tasks=[_task(states.get(task_id), own, own[-1].state) for task_id, own in stages.items()],
        **{part: _parts(part, found, old or {}, now.state) for part in _PARTS},
    )


async def of_task(
    connection: asyncpg.Connection[Any],
    actor: Actor,
    task_id: UUID,
    *,
    begin: datetime,
    end: datetime,
    missing: type[NotFound],
) -> TaskDifference:
    if begin > end:
        raise InstantsReversed
    now = await state_at(connection, actor, task_id, end)
    # An agreement is a record as well, and belongs to none.
    if now is None or "agreement_id" not in now.state:
        raise missing
    agreement_id = UUID(now.state["agreement_id"])
    stages = await _stages(connection, actor, agreement_id, begin, end, task_id)
    before = await repository.states_before(connection, actor.organization_id, [task_id], begin)
    old = orjson.loads(before[task_id]) if task_id in before else None
    return _task(old, stages.get(task_id, []), now.state)


async def _stages(
    connection: asyncpg.Connection[Any],
    actor: Actor,
    agreement_id: UUID,
    begin: datetime,
    end: datetime,
    subject_id: UUID | None = None,
) -> dict[UUID, list[Stage]]:
    """The versions of each record that has some between the instants."""
    rows = await repository.stages_between(
        connection, actor.organization_id, agreement_id, begin=begin, end=end, subject_id=subject_id
    )
    return {
        subject: [Stage(orjson.loads(row["entry"]), orjson.loads(row["state"])) for row in group]
        for subject, group in groupby(rows, key=lambda row: row["subject_id"])
    }


def _task(old: Json | None, stages: Sequence[Stage], now: Json) -> TaskDifference:
    found = differences(old, stages) if old is not None else []
    kind = None
    if old is None:
        kind = DifferenceKind.ADDED
    elif any(one.path == ("status",) and one.after == "cancelled" for one in found):
        kind = DifferenceKind.CANCELLED
    elif found:
        kind = DifferenceKind.CHANGED
    return TaskDifference(
        task_id=now["id"],
        title=now["title"],
        kind=kind,
        status=now["status"],
        from_version=old["version"] if old else None,
        to_version=now["version"],
        changes=_fields(found),
        last=_origin(stages[-1]) if stages else None,
    )


def _parts(part: str, found: Sequence[Differing], old: Json, now: Json) -> list[PartDifference]:
    """The elements of a list that differ, each with what differs of it."""
    before, after = ({item["id"]: item for item in state.get(part) or []} for state in (old, now))
    # Of a record that was not there, or whose list was not kept, the whole list is one difference.
    whole = next((one for one in found if one.path == (part,)), None)
    by_key: dict[str, list[Differing]] = {}
    for one in found:
        if one.path[0] == part and len(one.path) > 1:
            by_key.setdefault(one.path[1], []).append(one)
    if whole is not None:
        by_key = {
            key: [Differing((part, key), before.get(key), after.get(key), whole.stage)]
            for key in dict.fromkeys((*after, *before))
        }
    return [
        PartDifference(
            id=UUID(key),
            kind=_kind_of(key, before, after),
            name=(after.get(key) or before[key]).get(_PARTS[part]),
            changes=[_field(one, "/".join(one.path[2:])) for one in own],
        )
        for key, own in by_key.items()
    ]


def _kind_of(key: str, before: Json, after: Json) -> DifferenceKind:
    if key not in before:
        return DifferenceKind.ADDED
    return DifferenceKind.CHANGED if key in after else DifferenceKind.REMOVED


def _fields(found: Iterable[Differing]) -> list[FieldDifference]:
    return [_field(one, one.field) for one in found]


def _field(one: Differing, name: str) -> FieldDifference:
    return FieldDifference(field=name, from_=one.before, to=one.after, changed=_origin(one.stage))


def _origin(stage: Stage) -> Origin:
    return Origin(**{name: stage.entry[name] for name in Origin.model_fields})
