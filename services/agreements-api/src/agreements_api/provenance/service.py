"""Rules of open points: raised, carried into what comes next, or settled; each step is a version of the agreement."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements import errors as agreement_errors
from agreements_api.agreements import repository as agreement_repository
from agreements_api.agreements.models import Agreement
from agreements_api.agreements.service import record_beside
from agreements_api.provenance import errors, repository
from agreements_api.provenance.models import OpenPoint, OpenPointKind, OpenPointState
from agreements_api.provenance.permissions import STEPS, allowed_actions, may
from agreements_api.provenance.schemas import Carrying, OpenPointCreate
from shared import clock
from shared.auth import Actor
from shared.etags import check_if_match
from shared.events import AgreementOpenPointChanged, Change, OpenPointSnapshot


async def raise_point(session: AsyncSession, actor: Actor, agreement_id: UUID, body: OpenPointCreate) -> OpenPoint:
    """What was found wanting in an agreement that has been in force."""
    agreement, _ = await _locked(session, actor, agreement_id, "raise")
    if agreement.in_force_on is None:
        raise errors.NeverInForce
    now = clock.now()
    point = OpenPoint(
        agreement_id=agreement_id,
        kind=body.kind,
        text=body.text,
        raised_by=body.raised_by,
        raised_on=body.raised_on or clock.day_of(now),
        created_at=now,
        updated_at=now,
    )
    await _record(session, actor, agreement, point, "raise_open_point", None)
    return point


async def raise_of_evaluation(
    session: AsyncSession,
    actor: Actor,
    agreement_id: UUID,
    points: Sequence[tuple[OpenPointKind, str]],
    *,
    evaluation_id: UUID,
    raised_by: str,
    raised_on: date,
) -> list[OpenPoint]:
    """The points of a published evaluation; those that it told of before are left as they are."""
    agreement = await repository.lock_for_system(session, agreement_id)
    if agreement is None:
        raise agreement_errors.AgreementNotFound
    new = await repository.raise_of_evaluation(
        session,
        agreement_id,
        points,
        evaluation_id=evaluation_id,
        raised_by=raised_by,
        raised_on=raised_on,
        at=clock.now(),
    )
    for point in new:
        await _record(session, actor, agreement, point, "raise_open_point", None)
    return new


async def carry(session: AsyncSession, actor: Actor, point_id: UUID, if_match: str | None, body: Carrying) -> OpenPoint:
    """Into another agreement, or a clause or a task of any that the caller sees: there it is worked on from now on."""
    agreement, point = await _begin(session, actor, point_id, "carry", if_match)
    [(field, target)] = body.model_dump(exclude={"remark"}, exclude_none=True).items()
    taking_up = await repository.agreement_taking_up(session, actor, field, target)
    if taking_up is None:
        raise errors.unknown_reference(f"/{field}")
    if field == "agreement_id" and taking_up == agreement.id:
        raise errors.same_agreement()
    before, point.state = point.state, OpenPointState.CARRIED
    point.carried_to_agreement_id = taking_up
    point.carried_to_clause_id, point.carried_to_task_id = body.clause_id, body.task_id
    point.remark = body.remark
    more = Change(field="carried_to", to=f"{field.removesuffix('_id')}s/{target}")
    await _record(session, actor, agreement, point, "carry_open_point", before, more)
    return point


async def resolve(session: AsyncSession, actor: Actor, point_id: UUID, if_match: str | None, remark: str) -> OpenPoint:
    """Settled; where it was carried to stays on record."""
    agreement, point = await _begin(session, actor, point_id, "resolve", if_match)
    before, point.state, point.remark = point.state, OpenPointState.RESOLVED, remark
    await _record(session, actor, agreement, point, "resolve_open_point", before)
    return point


async def _begin(
    session: AsyncSession, actor: Actor, point_id: UUID, step: str, if_match: str | None
) -> tuple[Agreement, OpenPoint]:
    """The rows to change, once the caller, the version and the state allow the step, asked in this order."""
    agreement_id = await repository.agreement_of(session, actor, point_id)
    if agreement_id is None:
        raise errors.OpenPointNotFound
    agreement, relations = await _locked(session, actor, agreement_id, step)
    point = await repository.lock_point(session, point_id)
    check_if_match(if_match, point.version)
    if step not in STEPS[point.state]:
        raise errors.NotPossible(point.state, allowed_actions(actor, point.state, relations))
    return agreement, point


async def _locked(session: AsyncSession, actor: Actor, agreement_id: UUID, step: str) -> tuple[Agreement, list[str]]:
    agreement = await agreement_repository.lock(session, actor, agreement_id)
    if agreement is None:
        raise agreement_errors.AgreementNotFound
    relations = await agreement_repository.relations_of(session, actor, agreement_id)
    if not may(actor, step, relations):
        raise errors.NotAllowed
    return agreement, relations


async def _record(
    session: AsyncSession,
    actor: Actor,
    agreement: Agreement,
    point: OpenPoint,
    action: str,
    before: str | None,
    *more: Change,
) -> None:
    """The point's row, and one version of its agreement with history and event."""
    if before is not None:
        point.version += 1
        point.updated_at = clock.now()
    await repository.add(session, point)
    changes = [Change(field=f"open_points/{point.id}", from_=before, to=str(point.state)), *more]
    event = partial(AgreementOpenPointChanged, open_point=OpenPointSnapshot.model_validate(point.model_dump()))
    await record_beside(session, actor, agreement, action, event, changes=changes, remark=point.remark)
