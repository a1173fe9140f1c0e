"""HTTP of the indicators."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from reporting.indicators import errors, repository, service
from reporting.indicators.links import Cell, Scope
from reporting.indicators.periods import FIRST_DAY, LAST_DAY, PATTERN
from reporting.indicators.schemas import FigureTaskPublic, GroupBy, IndicatorsPublic
from shared.auth import Actor
from shared.dependencies import PAGE, ActorDep, CursorParameter, CursorsDep, DatabaseDep, Limit
from shared.pagination import cut
from shared.schemas import Page

router = APIRouter(prefix="/indicators", tags=["indicators"])

PeriodQuery = Annotated[
    str | None,
    Query(pattern=PATTERN, description="An official period, such as `quarter:2024-4`.", examples=["quarter:2024-4"]),
]
From = Annotated[
    date | None, Query(alias="from", ge=FIRST_DAY, le=LAST_DAY, description="First day of any other period.")
]
To = Annotated[date | None, Query(alias="to", ge=FIRST_DAY, le=LAST_DAY, description="Its last day, included.")]
AsOf = Annotated[
    service.Moment | None,
    Query(description="Moment of the figures, or a day for its end; the end of the period, or now, if not given."),
]
AgreementQuery = Annotated[UUID | None, Query(description="Only tasks of this agreement.")]
FieldQuery = Annotated[str | None, Query(max_length=200, description="Only tasks of this field; empty: of none.")]
LocalityQuery = Annotated[
    str | None,
    Query(
        pattern=r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$",
        description="Only tasks led by an organization of this unit; empty: of an unknown one.",
    ),
]
LeadQuery = Annotated[UUID | None, Query(description="Only tasks that this organization leads.")]


@router.get("", operation_id="read_indicators", response_model=IndicatorsPublic)
async def read_indicators(
    actor: ActorDep,
    database: DatabaseDep,
    group_by: GroupBy = GroupBy.LOCALITY,
    period: PeriodQuery = None,
    first: From = None,
    last: To = None,
    as_of: AsOf = None,
    agreement_id: AgreementQuery = None,
    field: FieldQuery = None,
    locality: LocalityQuery = None,
    lead: LeadQuery = None,
) -> Response:
    """Completed, late, in time and overdue tasks of the agreements that the caller may see, by group.

    Rates are of due tasks, completed + overdue, as in report 1270/BC-TCTTTg. A month runs from the 15th of the one
    before to the 14th, a quarter ends on the 14th of its last month, and 6, 9 and 12 months run from 15 December.
    """
    organization_id = _organization(actor)
    days = service.period_of(period, first, last)
    async with database.read(actor) as connection:
        moment = service.moment_of(as_of, days, await repository.moment(connection))
        scope = Scope(moment, days, _filters(agreement_id, field, locality, lead))
        figures = await service.indicators(connection, organization_id, scope, group_by)
    return Response(figures.model_dump_json(by_alias=True), media_type="application/json")


@router.get("/tasks", operation_id="list_figure_tasks", response_model=Page[FigureTaskPublic])
async def list_figure_tasks(
    request: Request,
    actor: ActorDep,
    database: DatabaseDep,
    cursors: CursorsDep,
    figure: Cell = Cell.TOTAL,
    period: PeriodQuery = None,
    first: From = None,
    last: To = None,
    as_of: AsOf = None,
    agreement_id: AgreementQuery = None,
    field: FieldQuery = None,
    locality: LocalityQuery = None,
    lead: LeadQuery = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """The tasks that a figure counts, as they were at its moment: what the links of figures lead to."""
    organization_id = _organization(actor)
    days = service.period_of(period, first, last)
    filters = _filters(agreement_id, field, locality, lead)
    name = _list_name(figure, days and (days.first, days.last), as_of, filters)
    # All pages are of the moment of the first one, also where nobody named it.
    after, moment = _position(cursors.decode(name, cursor)) if cursor is not None else (None, None)
    async with database.read(actor) as connection:
        if moment is None:
            moment = service.moment_of(as_of, days, await repository.moment(connection))
        scope = Scope(moment, days, filters)
        found = await service.tasks(connection, organization_id, scope, figure, after=after, limit=limit + 1)
    items, end = cut(found, limit)
    page = Page[FigureTaskPublic](
        items=items, next_cursor=cursors.encode(name, [end.due_on, end.id, moment]) if end else None
    )
    headers = {}
    if page.next_cursor is not None:
        following = request.url.include_query_params(cursor=page.next_cursor)
        headers["Link"] = f'<{following.path}?{following.query}>; rel="next"'
    return Response(page.model_dump_json(by_alias=True), headers=headers, media_type="application/json")


def _organization(actor: Actor) -> UUID:
    if actor.organization_id is None:
        raise errors.NoOrganization
    return actor.organization_id


def _filters(agreement_id: UUID | None, field: str | None, locality: str | None, lead: UUID | None) -> dict[str, str]:
    given = {"agreement_id": agreement_id, "field": field, "locality": locality, "lead": lead}
    return {name: str(value) for name, value in given.items() if value is not None}


def _list_name(figure: Cell, *selection: object) -> str:
    """What a cursor holds for: this figure of this selection and of no other."""
    return f"indicators:{figure}:{selection!r}"


def _position(values: list[Any]) -> tuple[tuple[date | None, UUID], datetime]:
    due_on, task_id, moment = values
    return (date.fromisoformat(due_on) if due_on else None, UUID(task_id)), datetime.fromisoformat(moment)
