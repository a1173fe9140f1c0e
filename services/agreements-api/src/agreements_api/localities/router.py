"""HTTP of units, successions and organisations."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from agreements_api.localities import contacts, repository, service
from agreements_api.localities.models import OrganizationKind, UnitLevel
from agreements_api.localities.schemas import (
    Code,
    ContactCreate,
    ContactPublic,
    ContactUpdate,
    Day,
    OrganizationCreate,
    OrganizationPublic,
    OrganizationUpdate,
    UnitPublic,
    UnitRelative,
)
from agreements_api.representation import json_response, page_response, record_response
from shared import clock
from shared.dependencies import (
    PAGE,
    ActorDep,
    CursorParameter,
    CursorsDep,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    Limit,
    SessionDep,
)
from shared.etags import content_etag, etag, not_modified, unless_held
from shared.idempotency import run_idempotent
from shared.pagination import Cursors, cut
from shared.schemas import Page
from shared.text import fold

router = APIRouter(tags=["localities"])

On = Annotated[Day | None, Query(description="As of this date; today in Vietnam without it.")]
Words = Annotated[str | None, Query(max_length=200, description="Words of the name; diacritics do not count.")]
Count = Annotated[bool, Query(description="Also count all that match.")]
P = TypeVar("P", bound=BaseModel)


@router.get("/units", operation_id="list_units", response_model=Page[UnitPublic])
async def list_units(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    cursors: CursorsDep,
    level: Annotated[Sequence[UnitLevel], Query()] = (),
    type: Annotated[Sequence[str], Query(max_length=20, description="As written: Phường, Xã, Thành phố …")] = (),
    code: Annotated[Sequence[Code], Query(max_length=100)] = (),
    parent: Annotated[UUID | None, Query(description="Unit right above on that date.")] = None,
    on: On = None,
    q: Words = None,
    count: Count = False,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Units in force on a date, in the order of the Vietnamese alphabet.

    Codes are reused: 24 is Bắc Giang until 30/06/2025 and Bắc Ninh from 01/07/2025.
    """
    service.check_may_read_units(actor)
    day = on or clock.today()
    filters: dict[str, Any] = {
        "levels": level,
        "types": type,
        "codes": code,
        "parent_id": parent,
        "folded": fold(q) if q else None,
    }
    after = _after(cursors, "units", cursor)
    rows = await repository.list_units(session, on=day, after=after, limit=limit + 1, **filters)
    total = await repository.count_units(session, on=day, **filters) if count else None
    return _page(request, cursors, "units", UnitPublic, rows, limit, total)


@router.get("/units/{unit_id}", operation_id="read_unit", response_model=UnitPublic)
async def read_unit(
    unit_id: UUID, session: SessionDep, actor: ActorDep, on: On = None, if_none_match: IfNoneMatch = None
) -> Response:
    """A unit of any era, with its parent and province on the date."""
    row = await service.read_unit(session, actor, unit_id, on=on or clock.today())
    body = _item(UnitPublic, row)
    # Not the version: with another date the same unit may lie in another province.
    tag = content_etag(body)
    return not_modified(if_none_match, tag) or json_response(body, headers={"ETag": tag})


@router.get("/units/{unit_id}/successors", operation_id="list_successors", response_model=Page[UnitRelative])
async def list_successors(
    unit_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    cursors: CursorsDep,
    on: On = None,
    default: Annotated[bool, Query(description="Only those that most of it went to.")] = False,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Who stands in the unit's place on the date; empty while it is in force itself.

    A district without a successor of its own is succeeded by the successors of its communes; a unit that was dissolved
    with nobody named to follow it by that under which its sub-units lie since, else by the unit above.
    """
    day = on or clock.today()
    await service.read_unit(session, actor, unit_id, on=day)
    scope = f"units:{unit_id}:successors"
    after = _after(cursors, scope, cursor)
    rows = await repository.list_successors(
        session, unit_id, on=day, only_default=default, after=after, limit=limit + 1
    )
    return _page(request, cursors, scope, UnitRelative, rows, limit)


@router.get("/units/{unit_id}/predecessors", operation_id="list_predecessors", response_model=Page[UnitRelative])
async def list_predecessors(
    unit_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    cursors: CursorsDep,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Whose place the unit took, through every resolution."""
    day = clock.today()
    await service.read_unit(session, actor, unit_id, on=day)
    scope = f"units:{unit_id}:predecessors"
    after = _after(cursors, scope, cursor)
    rows = await repository.list_predecessors(session, unit_id, on=day, after=after, limit=limit + 1)
    return _page(request, cursors, scope, UnitRelative, rows, limit)


@router.get("/units/{unit_id}/children", operation_id="list_children", response_model=Page[UnitPublic])
async def list_children(
    unit_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    cursors: CursorsDep,
    on: On = None,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Units right below it on the date."""
    day = on or clock.today()
    await service.read_unit(session, actor, unit_id, on=day)
    scope = f"units:{unit_id}:children"
    after = _after(cursors, scope, cursor)
    rows = await repository.list_children(session, unit_id, on=day, after=after, limit=limit + 1)
    return _page(request, cursors, scope, UnitPublic, rows, limit)


@router.get("/organizations", operation_id="list_organizations", response_model=Page[OrganizationPublic])
async def list_organizations(
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    cursors: CursorsDep,
    unit: Annotated[UUID | None, Query(description="Unit that they act for.")] = None,
    kind: Annotated[Sequence[OrganizationKind], Query()] = (),
    superior: Annotated[UUID | None, Query(description="Organisation right above them.")] = None,
    q: Words = None,
    count: Count = False,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Organisations in the order of the Vietnamese alphabet."""
    service.check_may_read_organizations(actor)
    filters: dict[str, Any] = {
        "unit_id": unit,
        "kinds": kind,
        "superior_id": superior,
        "folded": fold(q) if q else None,
    }
    after = _after(cursors, "organizations", cursor)
    rows = await repository.list_organizations(session, on=clock.today(), after=after, limit=limit + 1, **filters)
    total = await repository.count_organizations(session, **filters) if count else None
    items, last = cut(rows, limit)
    return page_response(
        request,
        [service.organization_public(actor, row).model_dump_json() for row in items],
        cursors.encode("organizations", [last["sort_key"], last["id"]]) if last else None,
        total,
    )


@router.post("/organizations", operation_id="create_organization", status_code=201, response_model=OrganizationPublic)
async def create_organization(
    body: OrganizationCreate, request: Request, session: SessionDep, actor: ActorDep, key: IdempotencyKey
) -> Response:
    """Register a body that signs, leads or confirms for a unit (operator only)."""

    async def handle() -> Response:
        return _shown(await service.create_organization(session, actor, body), status_code=201)

    return await run_idempotent(request, session, actor, key, handle)


@router.get("/organizations/{organization_id}", operation_id="read_organization", response_model=OrganizationPublic)
async def read_organization(
    organization_id: UUID, session: SessionDep, actor: ActorDep, if_none_match: IfNoneMatch = None
) -> Response:
    """An organisation with its unit, superior and focal point."""
    organization = await service.read_organization(session, actor, organization_id)
    return unless_held(if_none_match, _shown(organization))


@router.patch("/organizations/{organization_id}", operation_id="update_organization", response_model=OrganizationPublic)
async def update_organization(
    organization_id: UUID,
    body: OrganizationUpdate,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Change an organisation by a merge patch (RFC 7396); its own administrator changes short name and contact."""

    async def handle() -> Response:
        return _shown(await service.update_organization(session, actor, organization_id, if_match, body))

    return await run_idempotent(request, session, actor, key, handle)


@router.get(
    "/organizations/{organization_id}/contacts", operation_id="list_contacts", response_model=Page[ContactPublic]
)
async def list_contacts(
    organization_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    cursors: CursorsDep,
    limit: Limit = PAGE,
    cursor: CursorParameter = None,
) -> Response:
    """Focal points of an organisation in its own order; the first one is for whatever no other one is for."""
    scope = f"organizations:{organization_id}:contacts"
    after = int(cursors.decode(scope, cursor)[0]) if cursor is not None else 0
    rows = await contacts.list_contacts(session, actor, organization_id, after=after, limit=limit + 1)
    items, last = cut(list(rows), limit)
    return page_response(
        request,
        [contacts.contact_public(actor, contact).model_dump_json() for contact in items],
        cursors.encode(scope, [last.position]) if last else None,
        None,
    )


@router.post(
    "/organizations/{organization_id}/contacts",
    operation_id="create_contact",
    status_code=201,
    response_model=ContactPublic,
)
async def create_contact(
    organization_id: UUID,
    body: ContactCreate,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
) -> Response:
    """One more focal point, added by the organisation's administrator or by the operator."""

    async def handle() -> Response:
        contact = await contacts.create_contact(session, actor, organization_id, body)
        return _contact(contact, status_code=201)

    return await run_idempotent(request, session, actor, key, handle)


@router.get(
    "/organizations/{organization_id}/contacts/{contact_id}",
    operation_id="read_contact",
    response_model=ContactPublic,
)
async def read_contact(
    organization_id: UUID,
    contact_id: UUID,
    session: SessionDep,
    actor: ActorDep,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """A focal point of an organisation."""
    contact = await contacts.read_contact(session, actor, organization_id, contact_id)
    return not_modified(if_none_match, etag(contact.version)) or _contact(contact)


@router.patch(
    "/organizations/{organization_id}/contacts/{contact_id}",
    operation_id="update_contact",
    response_model=ContactPublic,
)
async def update_contact(
    organization_id: UUID,
    contact_id: UUID,
    body: ContactUpdate,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Change or move a focal point by a merge patch (RFC 7396)."""

    async def handle() -> Response:
        return _contact(await contacts.update_contact(session, actor, organization_id, contact_id, if_match, body))

    return await run_idempotent(request, session, actor, key, handle)


@router.delete(
    "/organizations/{organization_id}/contacts/{contact_id}",
    operation_id="delete_contact",
    status_code=204,
    response_class=Response,
)
async def delete_contact(
    organization_id: UUID,
    contact_id: UUID,
    request: Request,
    session: SessionDep,
    actor: ActorDep,
    key: IdempotencyKey,
    if_match: IfMatch = None,
) -> Response:
    """Take a focal point off the list; those after it move up."""

    async def handle() -> Response:
        await contacts.delete_contact(session, actor, organization_id, contact_id, if_match)
        return Response(status_code=204)

    return await run_idempotent(request, session, actor, key, handle)


def _contact(contact: ContactPublic, *, status_code: int = 200) -> Response:
    headers = {"ETag": etag(contact.version)}
    if status_code == 201:
        headers["Location"] = f"/v1/organizations/{contact.organization_id}/contacts/{contact.id}"
    return json_response(contact.model_dump_json(), status_code=status_code, headers=headers)


def _shown(organization: OrganizationPublic, *, status_code: int = 200) -> Response:
    location = f"/v1/organizations/{organization.id}"
    return record_response(
        organization.model_dump_json(), organization.version, status_code=status_code, location=location
    )


def _after(cursors: Cursors, scope: str, cursor: str | None) -> tuple[str, UUID] | None:
    if cursor is None:
        return None
    sort_key, identity = cursors.decode(scope, cursor)
    return sort_key, UUID(identity)


def _page(
    request: Request,
    cursors: Cursors,
    scope: str,
    model: type[P],
    rows: list[dict[str, Any]],
    limit: int,
    total: int | None = None,
) -> Response:
    items, last = cut(rows, limit)
    following = cursors.encode(scope, [last["sort_key"], last["id"]]) if last else None
    return page_response(request, [_item(model, row) for row in items], following, total)


def _item(model: type[P], row: Mapping[str, Any]) -> str:
    return model.model_validate({name: value for name, value in row.items() if name != "sort_key"}).model_dump_json()
