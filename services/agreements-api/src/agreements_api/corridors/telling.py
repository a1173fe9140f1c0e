"""Telling of what happened to a corridor or a segment: its history, and the event for everybody else."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson

from agreements_api.corridors import repository
from agreements_api.corridors.models import Corridor, CorridorHistory, Segment
from agreements_api.funding.models import FundingStatus
from agreements_api.history.service import changes_between
from shared.auth import Actor
from shared.events import Change, CorridorChanged, CorridorSnapshot, EventActor, SegmentChanged, SegmentSnapshot

Connection: TypeAlias = "asyncpg.Connection[Any]"

# Fields whose changes history tells of.
CORRIDOR_TOLD = ("name", "from_place", "to_place", "description", "task_id", "clause_ids")
_SEGMENT_TOLD = (
    *("name", "position", "from_place", "to_place", "length_m", "road_class", "planned_start", "planned_finish"),
    *("actual_start", "actual_finish", "percent", "geometry_source"),
    *("organization_id", "width_m", "plan_period", "funding_source", "funding_amount", "funding_status"),
    "withdrawn_at",
)


async def tell_corridor(
    connection: Connection,
    actor: Actor,
    before: Corridor | None,
    after: Corridor,
    members: Sequence[UUID],
    action: str,
) -> None:
    values = after.model_dump(mode="json")
    then = before.model_dump(mode="json") if before else {"clause_ids": []}
    changes = changes_between(then, values, CORRIDOR_TOLD)
    event = CorridorChanged(
        version=after.version,
        actor=EventActor.of(actor),
        occurred_at=after.updated_at,
        members=list(members),
        changes=changes,
        corridor=CorridorSnapshot(**values),
    )
    entry = _entry(actor, after.id, None, after.agreement_id, after.version, action, None, values, after.updated_at)
    await repository.tell(connection, actor, event, entry)


async def tell_segment(
    connection: Connection,
    actor: Actor,
    before: Segment | None,
    after: Segment,
    members: Sequence[UUID],
    action: str,
    remark: str | None = None,
) -> None:
    values = _told(after)
    then = _told(before) if before else {"percent": 0, "funding_status": FundingStatus.NONE.value}
    changes = changes_between(then, values, _SEGMENT_TOLD)
    if _digest(before) != _digest(after):
        changes.append(Change(field="geometry", from_=_digest(before), to=_digest(after)))
        values["geometry"] = after.geometry
    event = SegmentChanged(
        version=after.version,
        actor=EventActor.of(actor),
        occurred_at=after.updated_at,
        members=list(members),
        changes=changes,
        segment=SegmentSnapshot(**{name: value for name, value in values.items() if name != "geometry"}),
    )
    entry = _entry(
        actor,
        after.corridor_id,
        after.id,
        after.agreement_id,
        after.version,
        action,
        remark,
        values,
        after.updated_at,
    )
    await repository.tell(connection, actor, event, entry)


def _entry(
    actor: Actor,
    corridor_id: UUID,
    segment_id: UUID | None,
    agreement_id: UUID,
    version: int,
    action: str,
    remark: str | None,
    state: dict[str, Any],
    at: datetime,
) -> CorridorHistory:
    return CorridorHistory(
        corridor_id=corridor_id,
        segment_id=segment_id,
        subject_id=segment_id or corridor_id,
        agreement_id=agreement_id,
        version=version,
        action=action,
        actor_id=actor.id,
        actor_kind=actor.kind,
        actor_name=actor.name,
        organization_id=actor.organization_id,
        changes=[],
        remark=remark,
        state=state,
        occurred_at=at,
    )


def _told(segment: Segment) -> dict[str, Any]:
    """The segment as plain JSON without its line, its width as the number that it is."""
    values = segment.model_dump(mode="json", exclude={"geometry"})
    return values | {"width_m": None if segment.width_m is None else float(segment.width_m)}


def _digest(segment: Segment | None) -> str | None:
    """What tells one line from another in history, which keeps the line itself beside it."""
    if segment is None or segment.geometry is None:
        return None
    return f"sha256:{hashlib.sha256(orjson.dumps(segment.geometry)).hexdigest()}"
