"""Rules of corridors and segments. Every function runs inside the caller's transaction."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg

from agreements_api.agreements.errors import AgreementNotFound
from agreements_api.agreements.models import AgreementStatus
from agreements_api.corridors import errors, repository
from agreements_api.corridors.checking import refusals
from agreements_api.corridors.geometry import MAX_CORRIDOR_POSITIONS, Refused, line_of
from agreements_api.corridors.models import Corridor, Segment
from agreements_api.corridors.permissions import may
from agreements_api.corridors.repository import Held
from agreements_api.corridors.schemas import (
    CorridorCreate,
    CorridorUpdate,
    FundingPlan,
    HandOver,
    SegmentCreate,
    SegmentUpdate,
)
from agreements_api.corridors.telling import CORRIDOR_TOLD, tell_corridor, tell_segment
from agreements_api.history.service import changes_between
from agreements_api.policy import Relation
from agreements_api.tasks import assigning_repository
from shared import clock
from shared.auth import Actor
from shared.etags import check_if_match
from shared.problem_handlers import pointer_of
from shared.problems import FieldError
from shared.text import fold

Connection: TypeAlias = "asyncpg.Connection[Any]"

MAX_SEGMENTS = 200
# Between two segments that are added one after the other: room for what comes in between.
_STEP = 10
_PLAIN = (
    *("name", "position", "from_place", "to_place", "length_m", "road_class", "planned_start", "planned_finish"),
    *("actual_start", "actual_finish", "percent", "geometry_source"),
)
# What a locality alone says of its segment.
_OWNERS = ("funding", "planned_start", "planned_finish", "actual_start", "actual_finish", "percent")


async def create(connection: Connection, actor: Actor, agreement_id: UUID, body: CorridorCreate) -> UUID:
    """A corridor of an agreement in force."""
    agreement = await assigning_repository.lock_agreement(connection, actor.organization_id, agreement_id, None)
    if agreement is None:
        raise AgreementNotFound
    if not may(actor, "corridor.create", agreement["relations"].split(",")):
        raise errors.NotAllowed
    # What an amendment does, it did when it came into force: its corridors are the amended agreement's.
    _check_in_force(AgreementStatus.CONCLUDED if agreement["amendment"] else agreement["status"])
    await _check_parts(connection, agreement_id, body.task_id, body.clause_ids)
    now = clock.now()
    corridor = Corridor(
        agreement_id=agreement_id, **body.model_dump(), folded=fold(body.name), created_at=now, updated_at=now
    )
    await repository.write_corridor(connection, corridor)
    await tell_corridor(connection, actor, None, corridor, agreement["members"], "create_corridor")
    return corridor.id


async def update(
    connection: Connection, actor: Actor, corridor_id: UUID, if_match: str | None, body: CorridorUpdate
) -> None:
    """Change what the patch names; a patch that changes nothing makes no version."""
    held = await _held(connection, actor, corridor_id)
    if not may(actor, "corridor.update", held.relations):
        raise errors.NotAllowed
    before = held.corridor
    check_if_match(if_match, before.version)
    after = before.model_copy(update=body.model_dump(exclude_unset=True))
    if not changes_between(before.model_dump(), after.model_dump(), CORRIDOR_TOLD):
        return
    await _check_parts(connection, before.agreement_id, after.task_id, after.clause_ids)
    after = after.model_copy(
        update={"version": before.version + 1, "folded": fold(after.name), "updated_at": clock.now()}
    )
    await repository.write_corridor(connection, after)
    await tell_corridor(connection, actor, before, after, held.members, "update_corridor")


async def add_segment(connection: Connection, actor: Actor, corridor_id: UUID, body: SegmentCreate) -> UUID:
    """A segment of the caller's own organisation, or by the custodian one of another: where it runs, and no plans."""
    held = await _held(connection, actor, corridor_id)
    owner = body.organization_id or actor.organization_id
    own = [Relation.OWN] if owner == actor.organization_id and held.stands else []
    if owner is None or not may(actor, "segment.create", [*held.relations, *own]):
        raise errors.NotAllowed
    _check_in_force(held.agreement_status)
    refused = [] if own else [errors.owner_only(f"/{name}") for name in _OWNERS if name in body.model_fields_set]
    if not await repository.is_standing(connection, held.corridor.agreement_id, owner):
        refused.append(errors.no_member("/organization_id"))
    if refused:
        raise errors.NotTaken(refused)
    now = clock.now()
    blank = Segment(
        corridor_id=corridor_id,
        agreement_id=held.corridor.agreement_id,
        organization_id=owner,
        position=body.position or 0,
        name=body.name,
        created_at=now,
        updated_at=now,
    )
    others = await repository.others(connection, blank)
    if others.segments >= MAX_SEGMENTS:
        raise errors.NotTaken([errors.too_many_segments(MAX_SEGMENTS)])
    segment = _patched(blank, body)
    if body.position is None:
        segment = segment.model_copy(update={"position": others.last + _STEP})
    await _check(connection, segment)
    await repository.write_segment(connection, segment)
    await tell_segment(connection, actor, None, segment, held.members, "add_segment")
    return segment.id


async def update_segment(
    connection: Connection,
    actor: Actor,
    corridor_id: UUID,
    segment_id: UUID,
    if_match: str | None,
    body: SegmentUpdate,
) -> None:
    """Its owner changes what the patch names; a patch that changes nothing makes no version."""
    held, before = await _begin(connection, actor, corridor_id, segment_id, "update", if_match)
    after = _patched(before, body)
    if before.model_dump() == after.model_dump():
        return
    await _check(connection, after)
    await _end(connection, actor, held, before, after, "update_segment")


async def hand_over(
    connection: Connection, actor: Actor, corridor_id: UUID, segment_id: UUID, if_match: str | None, body: HandOver
) -> None:
    """Another organisation answers for the segment from now on, as after a unit has ended."""
    held, before = await _begin(connection, actor, corridor_id, segment_id, "hand_over", if_match)
    if body.organization_id == before.organization_id:
        raise errors.NotTaken([errors.same_owner("/organization_id")])
    if not await repository.is_standing(connection, before.agreement_id, body.organization_id):
        raise errors.NotTaken([errors.no_member("/organization_id")])
    after = before.model_copy(update={"organization_id": body.organization_id})
    await _end(connection, actor, held, before, after, "hand_over_segment", body.reason)


async def withdraw(
    connection: Connection, actor: Actor, corridor_id: UUID, segment_id: UUID, if_match: str | None, reason: str
) -> None:
    """Take the segment out of its corridor; it stays on record, and its position is free again."""
    held, before = await _begin(connection, actor, corridor_id, segment_id, "withdraw", if_match)
    after = before.model_copy(update={"withdrawn_at": clock.now()})
    await _end(connection, actor, held, before, after, "withdraw_segment", reason)


async def _held(connection: Connection, actor: Actor, corridor_id: UUID) -> Held:
    held = await repository.lock(connection, actor.organization_id, corridor_id)
    if held is None:
        raise errors.CorridorNotFound
    return held


async def _begin(
    connection: Connection, actor: Actor, corridor_id: UUID, segment_id: UUID, step: str, if_match: str | None
) -> tuple[Held, Segment]:
    """The segment to change, once the caller, the version and its state allow the step, asked in this order."""
    held = await repository.lock(connection, actor.organization_id, corridor_id)
    segment = await repository.segment_of(connection, corridor_id, segment_id) if held is not None else None
    if held is None or segment is None:
        raise errors.SegmentNotFound
    own = [Relation.OWN] if await repository.is_own(connection, actor.organization_id, segment_id) else []
    if not may(actor, f"segment.{step}", [*held.relations, *own]):
        raise errors.NotAllowed
    check_if_match(if_match, segment.version)
    if segment.withdrawn_at is not None:
        raise errors.Withdrawn
    return held, segment


async def _end(
    connection: Connection,
    actor: Actor,
    held: Held,
    before: Segment,
    after: Segment,
    action: str,
    remark: str | None = None,
) -> None:
    after = after.model_copy(update={"version": before.version + 1, "updated_at": clock.now()})
    await repository.write_segment(connection, after)
    await tell_segment(connection, actor, before, after, held.members, action, remark)


def _patched(segment: Segment, body: SegmentCreate | SegmentUpdate) -> Segment:
    """The segment with what the body names. A finish that is named makes it whole."""
    given = body.model_fields_set
    changed: dict[str, Any] = {name: getattr(body, name) for name in _PLAIN if name in given}
    if "width_m" in given:
        changed["width_m"] = None if body.width_m is None else Decimal(str(body.width_m)).quantize(Decimal("0.01"))
    if "funding" in given:
        changed |= _funded(body.funding)
    if "geometry" in given:
        changed |= _drawn(body)
    if body.actual_finish is not None and "percent" not in given:
        changed["percent"] = 100
    return segment.model_copy(update=changed)


def _funded(plan: FundingPlan | None) -> dict[str, Any]:
    if plan is None:
        return {"plan_period": None, "funding_source": None, "funding_amount": None, "funding_status": "none"}
    columns = {
        "plan_period": "plan_period",
        "source": "funding_source",
        "amount": "funding_amount",
        "status": "funding_status",
    }
    return {column: getattr(plan, name) for name, column in columns.items() if name in plan.model_fields_set}


def _drawn(body: SegmentCreate | SegmentUpdate) -> dict[str, Any]:
    if body.geometry is None:
        source = {} if "geometry_source" in body.model_fields_set else {"geometry_source": None}
        return {"geometry": None, "geometry_positions": 0, **source}
    try:
        line = line_of(body.geometry.type, body.geometry.coordinates)
    except Refused as why:
        raise errors.NotTaken(
            [FieldError(pointer_of(("geometry", *why.path)), why.code, {"vi": why.vi, "en": why.en})]
        ) from why
    return {"geometry": line.geometry, "geometry_positions": line.positions}


async def _check(connection: Connection, segment: Segment) -> None:
    """NotTaken with all that cannot be so, by itself or beside the other segments."""
    refused = refusals(segment, clock.today())
    if segment.plan_period is not None and not await repository.is_period(connection, segment.plan_period):
        refused.append(errors.unknown_reference("/funding/plan_period"))
    others = await repository.others(connection, segment)
    if others.taken:
        refused.append(errors.position_taken("/position"))
    if segment.geometry_positions and others.positions + segment.geometry_positions > MAX_CORRIDOR_POSITIONS:
        refused.append(errors.too_many_positions(MAX_CORRIDOR_POSITIONS))
    if refused:
        raise errors.NotTaken(refused)


async def _check_parts(
    connection: Connection, agreement_id: UUID, task_id: UUID | None, clause_ids: Sequence[UUID]
) -> None:
    of_tasks, of_clauses = await repository.parts(connection, agreement_id, task_id, clause_ids)
    refused = [errors.unknown_reference("/task_id")] if task_id is not None and task_id not in of_tasks else []
    refused += [
        errors.unknown_reference(f"/clause_ids/{index}")
        for index, clause_id in enumerate(clause_ids)
        if clause_id not in of_clauses
    ]
    if refused:
        raise errors.NotTaken(refused)


def _check_in_force(status: str) -> None:
    if status != AgreementStatus.IN_FORCE:
        raise errors.AgreementNotInForce(status)
