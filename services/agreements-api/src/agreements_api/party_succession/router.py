"""HTTP of who answers: on a day, by whose decision, and carrying successions out."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query, Request, Response

from agreements_api.agreements.errors import AgreementNotFound
from agreements_api.history.instants import AsOf
from agreements_api.localities.schemas import SuccessionCreate
from agreements_api.party_succession import cases_repository, errors, queue_repository, repository, service
from agreements_api.party_succession.models import CaseState
from agreements_api.party_succession.schemas import (
    Responsible,
    SuccessionCase,
    SuccessionDecision,
    SuccessionRecorded,
    SuccessionRun,
)
from agreements_api.policy import check_scope
from agreements_api.representation import json_response, page_response, record_response
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
    Limit,
    SessionDep,
)
from shared.etags import unless_held
from shared.idempotency import run_idempotent
from shared.pagination import Cursors, cut
from shared.schemas import Page

router = APIRouter(tags=["successions"])

Connection: TypeAlias = "asyncpg.Connection[Any]"


@router.get("/agreements/{agreement_id}/responsible", operation_id="list_responsible", response_model=Responsible)
async def list_responsible(
    agreement_id: UUID,
    database: DatabaseDep,
    actor: ActorDep,
    on: Annotated[
        date | None, Query(description="The day asked about; without it today, or that of the instant `as_of`.")
    ] = None,
    as_of: AsOf = None,
) -> Response:
    """Who answers for each promise of the agreement on a day, through every merger, division and dissolution.

    With `as_of`, what this gave for the day at that instant: what was promised, recorded of units and decided by then.
    Organisations bear the names of today.
    """
    check_scope(actor, "succession.read")
    day = on or clock.day_of(as_of or clock.now())
    async with database.read(actor) as connection:
        found = await service.responsible(connection, actor.organization_id, agreement_id, day, as_of=as_of)
    return json_response(found.model_dump_json())


@router.get(
    "/agreements/{agreement_id}/successions",
    operation_id="list_agreement_successions",
    response_model=Page[SuccessionCase],
)
async def list_agreement_successions(
    agreement_id: UUID,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    state: Annotated[Sequence[CaseState], Query()] = (),
    as_of: AsOf = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """By which successions others answer in the agreement and its tasks, the oldest first.

    With `as_of`, which bodies the candidates have is what is known today.
    """
    check_scope(actor, "succession.read")
    scope = f"successions:{agreement_id}"
    async with database.read(actor) as connection:
        rows = await cases_repository.list_cases(
            connection,
            actor.organization_id,
            agreement_id,
            states=state,
            after=_after(cursors, scope, cursor),
            limit=limit + 1,
            as_of=as_of,
        )
        if not rows and not await repository.is_visible(connection, actor.organization_id, agreement_id, as_of):
            raise AgreementNotFound
        return await _page(request, connection, actor, cursors, scope, rows, limit)


@router.get("/successions/worklist", operation_id="list_succession_worklist", response_model=Page[SuccessionCase])
async def list_succession_worklist(
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    cursors: CursorsDep,
    status: Annotated[Sequence[CaseState], Query(description="`open` or `decided`; open without it.")] = (
        CaseState.OPEN,
    ),
    agreement_id: Annotated[UUID | None, Query(description="Only of this agreement.")] = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """What a leader has to decide, or has decided, in agreements that the caller's organisation stands in."""
    check_scope(actor, "succession.read")
    scope = "successions:worklist"
    async with database.read(actor) as connection:
        rows = await cases_repository.list_worklist(
            connection,
            actor.organization_id,
            states=status,
            agreement_id=agreement_id,
            after=_after(cursors, scope, cursor),
            limit=limit + 1,
        )
        return await _page(request, connection, actor, cursors, scope, rows, limit)


@router.get("/successions/worklist/{case_id}", operation_id="read_succession_case", response_model=SuccessionCase)
async def read_succession_case(
    case_id: UUID, database: DatabaseDep, actor: ActorDep, if_none_match: IfNoneMatch = None
) -> Response:
    """One promiser whose unit ended, those who could take the place, and what the caller may do."""
    check_scope(actor, "succession.read")
    async with database.read(actor) as connection:
        row = await cases_repository.read_case(connection, actor.organization_id, case_id)
        if row is None:
            raise errors.CaseNotFound
        [case] = await service.shown(connection, actor, [row])
    return unless_held(if_none_match, _shown(case))


@router.post("/successions/worklist/{case_id}/decide", operation_id="decide_succession", response_model=SuccessionCase)
async def decide_succession(
    case_id: UUID,
    body: SuccessionDecision,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Say which of several units takes the place, of all that was promised or of some tasks apart (`task_ids`).

    Whoever answered provisionally reads on. 409 once somebody has decided, 422 `not_a_candidate` for another unit.
    """

    async def handle() -> Response:
        await service.decide(session, actor, case_id, if_match, body)
        connection = await repository.connection_of(session)
        row = await cases_repository.read_case(connection, actor.organization_id, case_id)
        assert row is not None
        [case] = await service.shown(connection, actor, [row])
        return _shown(case)

    return await run_idempotent(request, session, actor, key, handle)


@router.post("/successions", operation_id="record_succession", status_code=201, response_model=SuccessionRecorded)
async def record_succession(
    body: SuccessionCreate, request: Request, session: SessionDep, actor: ActorDep, key: IdempotencyKey
) -> Response:
    """Record a resolution that renames, upgrades, merges, splits or dissolves units (operator only).

    Old units end on the day before; their children follow the unit that succeeds them whole, else `moves` says where
    they lie. From that day on others take their places in agreements and tasks: `run_id` names the run.
    A `dissolve` may name nobody to follow a unit: that under which its sub-units lie then, else the unit above, answers
    provisionally.
    422 `succession_cycle` where a unit would, in the end, succeed itself.
    """

    async def handle() -> Response:
        recorded = await service.record_succession(session, actor, body)
        return json_response(recorded.model_dump_json(), status_code=201)

    return await run_idempotent(request, session, actor, key, handle)


@router.post("/successions/apply", operation_id="apply_successions", status_code=202, response_model=SuccessionRun)
async def apply_successions(request: Request, session: SessionDep, actor: ActorDep, key: IdempotencyKey) -> Response:
    """Have others take the places of all units that have ended by today (operator only); the answer is a run to follow.

    A resolution is carried out by itself; this finds what was signed by bodies of ended units since, and what was
    loaded and not recorded.
    """

    async def handle() -> Response:
        run_id = await service.apply_all(session, actor)
        row = await queue_repository.read_run(await repository.connection_of(session), run_id)
        assert row is not None
        headers = {"Location": f"/v1/successions/runs/{run_id}"}
        return json_response(service.run_shown(row).model_dump_json(), status_code=202, headers=headers)

    return await run_idempotent(request, session, actor, key, handle)


@router.get("/successions/runs/{run_id}", operation_id="read_succession_run", response_model=SuccessionRun)
async def read_succession_run(run_id: UUID, database: DatabaseDep, actor: ActorDep) -> Response:
    """How far a run has come (operator only)."""
    async with database.read(actor) as connection:
        run = await service.read_run(connection, actor, run_id)
    return json_response(run.model_dump_json())


def _shown(case: SuccessionCase) -> Response:
    return record_response(case.model_dump_json(), case.version)


def _after(cursors: Cursors, scope: str, cursor: str | None) -> UUID | None:
    return UUID(cursors.decode(scope, cursor)[0]) if cursor is not None else None


async def _page(
    request: Request,
    connection: Connection,
    actor: Actor,
    cursors: Cursors,
    scope: str,
    rows: list[asyncpg.Record],
    limit: int,
) -> Response:
    items, last = cut(rows, limit)
    cases = await service.shown(connection, actor, items)
    following = cursors.encode(scope, [last["id"]]) if last else None
    return page_response(request, [case.model_dump_json() for case in cases], following, None)
