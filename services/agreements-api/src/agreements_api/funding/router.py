"""HTTP of plan periods and of the funding of tasks."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, Query, Request, Response

from agreements_api.funding import errors, periods, repository, service
from agreements_api.funding.gates import Period, gate, message, next_period, soon_from
from agreements_api.funding.models import FundingStatus, Gate
from agreements_api.funding.permissions import allowed_actions, may_read_periods
from agreements_api.funding.repository import Narrowed
from agreements_api.funding.schemas import (
    FundingGatePublic,
    FundingPublic,
    FundingReplace,
    PeriodId,
    PlanPeriodCreate,
    PlanPeriodPublic,
    PlanPeriods,
)
from agreements_api.history.instants import AsOf
from agreements_api.policy import check_scope
from agreements_api.representation import json_response, page_response
from shared import clock
from shared.auth import Actor
from shared.dependencies import (
    PAGE,
    ActorDep,
    CursorParameter,
    CursorsDep,
    DatabaseDep,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    Language,
    Limit,
)
from shared.etags import etag, not_modified
from shared.idempotency import run_idempotent, write_once
from shared.pagination import cut
from shared.schemas import Page

router = APIRouter(tags=["funding"])

_GATES = "funding-gates"
_WAITING = (Gate.OPEN, Gate.CLOSING_SOON, Gate.MISSED)


@router.get("/plan-periods", operation_id="list_plan_periods", response_model=PlanPeriods)
async def list_plan_periods(database: DatabaseDep, actor: ActorDep) -> Response:
    """The periods of medium-term public investment plans, the first one first."""
    if not may_read_periods(actor):
        raise errors.NotAllowed
    async with database.read(actor) as connection:
        rows = await repository.register(connection)
    shown = PlanPeriods(items=[PlanPeriodPublic(**row) for row in rows])
    return json_response(shown.model_dump_json())


@router.post("/plan-periods", operation_id="add_plan_period", status_code=201, response_model=PlanPeriodPublic)
async def add_plan_period(body: PlanPeriodCreate, request: Request, actor: ActorDep, key: IdempotencyKey) -> Response:
    """Add a period of medium-term public investment plans: five years that no other period has a day of."""

    async def step(connection: "asyncpg.Connection[Any]") -> Response:
        [row] = await repository.register(connection, await periods.add(connection, actor, body))
        return json_response(PlanPeriodPublic(**row).model_dump_json(), status_code=201)

    return await write_once(request, actor, key, step)


@router.get("/tasks/{task_id}/funding", operation_id="read_task_funding", response_model=FundingPublic)
async def read_task_funding(
    task_id: UUID,
    database: DatabaseDep,
    actor: ActorDep,
    language: Language,
    as_of: AsOf = None,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """What the task needs of public investment, and how it stands to the end of its plan period today."""
    check_scope(actor, "funding.read")
    async with database.read(actor) as connection:
        shown = await _funding(connection, actor, task_id, language, as_of)
    return not_modified(if_none_match, _etag(shown, language)) or _answer(shown, language)


@router.put("/tasks/{task_id}/funding", operation_id="replace_task_funding", response_model=FundingPublic)
async def replace_task_funding(
    task_id: UUID,
    body: FundingReplace,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    key: IdempotencyKey,
    language: Language,
    if_match: IfMatch = None,
) -> Response:
    """Say what the task needs and how far it is. A period that was missed stays on record; another one may follow."""
    async with database.write(actor) as connection:

        async def handle() -> Response:
            await service.replace(connection, actor, task_id, if_match, body)
            return _answer(await _funding(connection, actor, task_id, language), language)

        return await run_idempotent(request, connection, actor, key, handle)


@router.get("/funding-gates", operation_id="list_funding_gates", response_model=Page[FundingGatePublic])
async def list_funding_gates(
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    language: Language,
    within: Annotated[int | None, Query(ge=0, le=3660, description="Periods that close in so many days.")] = None,
    state: Annotated[Sequence[Gate], Query(description="All but `funded` where absent.")] = (),
    plan_period: PeriodId | None = None,
    agreement_id: UUID | None = None,
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Tasks that need public investment, by the day on which their plan period closes; what was missed comes first."""
    check_scope(actor, "funding.read")
    today = _day(as_of)
    until = None if within is None else today + timedelta(days=within)
    narrowed = Narrowed(tuple(state) or _WAITING, agreement_id, until, plan_period)
    after = None if cursor is None else _position(cursors.decode(_GATES, cursor))
    async with database.read(actor) as connection:
        following = next_period(await repository.periods(connection, as_of), today)
        rows = await repository.list_gates(
            connection,
            actor.organization_id,
            narrowed,
            today=today,
            soon=soon_from(today),
            after=after,
            limit=limit + 1,
            as_of=as_of,
        )
    items, last = cut(rows, limit)
    next_cursor = cursors.encode(_GATES, [last["closes_on"], last["task_id"]]) if last else None
    return page_response(request, [_gate_body(row, following, language) for row in items], next_cursor, None)


async def _funding(
    connection: "asyncpg.Connection[Any]", actor: Actor, task_id: UUID, language: str, as_of: datetime | None = None
) -> FundingPublic:
    if as_of is None:
        row = await repository.read(connection, actor.organization_id, task_id)
    else:
        row = await repository.read_past(connection, actor.organization_id, task_id, as_of)
    if row is None:
        raise errors.TaskNotFound
    today = _day(as_of)
    following = next_period(await repository.periods(connection, as_of), today)
    status = FundingStatus(row["status"] or FundingStatus.NONE)
    found = gate(
        status,
        row["closes_on"],
        row["task_status"],
        today=today,
        needs_public_investment=row["needs_public_investment"],
    )
    words = message(
        found, plan_period=row["plan_period"], closes_on=row["closes_on"], status=status, following=following
    )
    return FundingPublic(
        task_id=row["task_id"],
        agreement_id=row["agreement_id"],
        version=row["version"] or 0,
        needs_public_investment=row["needs_public_investment"],
        plan_period=row["plan_period"],
        closes_on=row["closes_on"],
        source=row["source"],
        amount=row["amount"],
        status=status,
        remark=row["remark"],
        gate=found,
        message=words[language] if words else None,
        next_period=following.id if following else None,
        missed_periods=orjson.loads(row["missed_periods"]),
        updated_at=row["updated_at"],
        allowed_actions=[] if as_of is not None else allowed_actions(actor, row["task_status"], row["relations"]),
    )


def _day(as_of: datetime | None) -> date:
    """The day that gates are told of."""
    return clock.day_of(as_of or clock.now())


def _gate_body(row: asyncpg.Record, following: Period | None, language: str) -> str:
    found = Gate(row["gate"])
    words = message(
        found, plan_period=row["plan_period"], closes_on=row["closes_on"], status=row["status"], following=following
    )
    assert words is not None
    return FundingGatePublic(**row, message=words[language]).model_dump_json()


def _answer(shown: FundingPublic, language: str) -> Response:
    headers = {"ETag": _etag(shown, language), "Content-Language": language, "Vary": "Accept-Language"}
    return json_response(shown.model_dump_json(), headers=headers)


def _etag(shown: FundingPublic, language: str) -> str:
    # The state changes with the day and without a version, and its words with the language.
    return etag(shown.version, f"{shown.gate or 'none'}_{language}")


def _position(values: Sequence[str]) -> tuple[date, UUID]:
    day, identity = values
    return date.fromisoformat(day), UUID(identity)
