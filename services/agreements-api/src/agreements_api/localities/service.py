"""Rules of units and organisations. Every function runs inside the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.administration.log import Subject, tell
from agreements_api.administration.models import Action, SubjectKind
from agreements_api.history.service import changes_between
from agreements_api.localities import repository
from agreements_api.localities.errors import InvalidOrganization, fault, unknown
from agreements_api.localities.models import Organization, OrganizationContact
from agreements_api.localities.permissions import relations
from agreements_api.localities.schemas import (
    OrganizationCreate,
    OrganizationPublic,
    OrganizationUpdate,
    SuccessionCreate,
    SuccessionPublic,
)
from agreements_api.localities.successions import carry_out
from agreements_api.policy import allowed
from shared import clock
from shared.auth import SYSTEM, Actor
from shared.etags import check_if_match
from shared.events import (
    Change,
    ContactPoint,
    EventActor,
    OrganizationChanged,
    OrganizationSnapshot,
    Person,
    UnitRef,
)
from shared.outbox import publish, publish_all
from shared.problems import FieldError, Forbidden, NotFound
from shared.text import fold, vietnamese_sort_key

_TOLD = (
    "name",
    "short_name",
    "kind",
    "superior_organization_id",
    "contact_name",
    "contact_title",
    "contact_phone",
    "contact_email",
)
# What is told of one that a succession founds, beside its name.
_FOUNDED = ("unit_id", "kind", "superior_organization_id")
# What a focal point is reached by.
REACHED_BY = ("name", "title", "phone", "email")
# What only the operator changes: an organisation does not choose its own name and place.
_GOVERNED = {"name", "kind", "superior_organization_id"}


async def read_unit(session: AsyncSession, actor: Actor, unit_id: UUID, *, on: date) -> repository.Row:
    """A unit of any era; 404 where there never was one."""
    check_may_read_units(actor)
    unit = await repository.read_unit(session, unit_id, on=on)
    if unit is None:
        raise NotFound
    return unit


def check_may_read_units(actor: Actor) -> None:
    if not allowed(actor, "unit.read"):
        raise Forbidden


async def check_may_read_history(session: AsyncSession, actor: Actor, organization_id: UUID) -> None:
    """403 for whoever only looks it up, as everybody may; 404 where there is none."""
    chain = await repository.superiors_of(session, organization_id)
    if not chain:
        raise NotFound
    if not allowed(actor, "organization.read_history", relations(actor, organization_id, chain)):
        raise Forbidden


def check_may_read_organizations(actor: Actor) -> None:
    if not allowed(actor, "organization.read"):
        raise Forbidden


async def record_succession(session: AsyncSession, actor: Actor, body: SuccessionCreate) -> SuccessionPublic:
    """One resolution: what begins, what ends the day before, what follows whom and what moves, all or nothing."""
    if not allowed(actor, "succession.record"):
        raise Forbidden
    return await carry_out(session, actor, body)


async def create_organization(session: AsyncSession, actor: Actor, body: OrganizationCreate) -> OrganizationPublic:
    """A new body of one unit, of whichever era."""
    if not allowed(actor, "organization.create"):
        raise Forbidden
    now = clock.now()
    organization = Organization(
        unit_id=body.unit_id,
        name=body.name,
        short_name=body.short_name,
        kind=body.kind,
        folded="",
        sort_key="",
        superior_organization_id=body.superior_organization_id,
        contact_name=body.contact.name,
        contact_title=body.contact.title,
        contact_phone=body.contact.phone,
        contact_email=body.contact.email,
        created_at=now,
        updated_at=now,
    )
    if not await repository.unit_exists(session, body.unit_id):
        raise InvalidOrganization(errors=[unknown("/unit_id")])
    await _check_organization(session, organization)
    repository.add(session, organization)
    await session.flush()
    changes = changes_between({}, _state(organization), _TOLD)
    _tell(session, actor, organization, Action.CREATE, [Change(field="unit_id", to=str(body.unit_id)), *changes])
    await _follow_first_contact(session, organization)
    await _announce(session, actor, organization, changes)
    return await read_organization(session, actor, organization.id)


async def update_organization(
    session: AsyncSession, actor: Actor, organization_id: UUID, if_match: str | None, body: OrganizationUpdate
) -> OrganizationPublic:
    """Change what the patch names; the administrator of an organisation changes its short name and contact only."""
    held = list(relations(actor, organization_id))
    given = body.model_fields_set
    organization = await lock_for(session, actor, organization_id, "organization.update")
    if given & _GOVERNED and not allowed(actor, "organization.govern", held):
        raise Forbidden(errors=[_govern(field) for field in sorted(given & _GOVERNED)])
    check_if_match(if_match, organization.version)
    before = _state(organization)
    for field in given - {"contact"}:
        setattr(organization, field, getattr(body, field))
    if "contact" in given:
        _patch_contact(organization, body)
    changes = changes_between(before, _state(organization), _TOLD)
    if changes:
        await _check_organization(session, organization)
        await _follow_first_contact(session, organization)
        # Where the first focal point was taken off, the next one stands in its place by now.
        told = changes_between(before, _state(organization), _TOLD)
        await next_version(session, actor, organization, Action.UPDATE, changes, told=told)
    return await read_organization(session, actor, organization_id)


async def read_organization(session: AsyncSession, actor: Actor, organization_id: UUID) -> OrganizationPublic:
    check_may_read_organizations(actor)
    await session.flush()
    row = await repository.read_organization(session, organization_id, on=clock.today())
    if row is None:
        raise NotFound
    return organization_public(actor, row)


def organization_public(actor: Actor, row: Mapping[str, Any]) -> OrganizationPublic:
    held = list(relations(actor, row["id"]))
    actions = [step for step in ("update", "govern") if allowed(actor, f"organization.{step}", held)]
    return OrganizationPublic.model_validate(
        {name: value for name, value in row.items() if name != "sort_key"} | {"allowed_actions": actions}
    )


async def announce_people(
    session: AsyncSession, actor: Actor, organization_id: UUID, changes: Sequence[Change]
) -> None:
    """Who works for an organisation changed: a new version of it, so that every service knows whom to tell."""
    organization = await hold_organization(session, organization_id)
    await next_version(session, actor, organization, Action.CHANGE_PEOPLE, changes)


async def hold_organization(session: AsyncSession, organization_id: UUID) -> Organization:
    """The organisation, held for a change that was decided on elsewhere."""
    organization = await repository.lock_organization(session, organization_id)
    assert organization is not None
    return organization


async def lock_for(session: AsyncSession, actor: Actor, organization_id: UUID, action: str) -> Organization:
    """The organisation, held for a change that the caller may make: 403 where it exists and he may not."""
    if not allowed(actor, action, relations(actor, organization_id)):
        # Asked before it is locked: PostgreSQL hides from a change what its own rules do not let the caller change.
        if await repository.organization_exists(session, organization_id):
            raise Forbidden
        raise NotFound
    organization = await repository.lock_organization(session, organization_id)
    if organization is None:
        raise NotFound
    return organization


async def announce_founded(session: AsyncSession, founded: Mapping[UUID, Sequence[Change]]) -> None:
    """The first events of organisations that a succession made necessary; they are in the tables, without people."""
    rows = await repository.read_organizations(session, list(founded), on=clock.today())
    chains = await repository.chains_of(session, list(founded))
    for row in rows:
        told = [*founded[row["id"]], *changes_between({}, {**row, "unit_id": row["unit"]["id"]}, _FOUNDED)]
        tell(session, SYSTEM, _subject(row["id"], row["version"]), Action.FOUND, told, at=row["updated_at"])
    await session.flush()
    await publish_all(session, [_changed(SYSTEM, row, chains[row["id"]], [], [], founded[row["id"]]) for row in rows])


async def place_under(session: AsyncSession, organization_id: UUID, superior_id: UUID) -> None:
    """What stands above an organisation is another body by now: its unit ended, and somebody took the place."""
    organization = await repository.lock_organization(session, organization_id)
    assert organization is not None
    await repository.lock_hierarchy(session)
    if organization_id in await repository.superiors_of(session, superior_id):
        return
    before = _state(organization)
    organization.superior_organization_id = superior_id
    changes = changes_between(before, _state(organization), _TOLD)
    if changes:
        await next_version(session, SYSTEM, organization, Action.PLACE_UNDER, changes)


async def next_version(
    session: AsyncSession,
    actor: Actor,
    organization: Organization,
    action: Action,
    changes: Sequence[Change],
    *,
    told: Sequence[Change] | None = None,
) -> None:
    """The next version with its event and its entry in the log, which may tell more (`told`) than the event does."""
    organization.version += 1
    organization.updated_at = clock.now()
    _tell(session, actor, organization, action, changes if told is None else told)
    await session.flush()
    await _announce(session, actor, organization, changes)


def _tell(
    session: AsyncSession, actor: Actor, organization: Organization, action: Action, changes: Sequence[Change]
) -> None:
    assert organization.updated_at is not None
    subject = _subject(organization.id, organization.version)
    tell(session, actor, subject, action, changes, at=organization.updated_at)


def _subject(organization_id: UUID, version: int) -> Subject:
    return Subject(SubjectKind.ORGANIZATION, organization_id, organization_id, version)


async def _announce(session: AsyncSession, actor: Actor, organization: Organization, changes: Sequence[Change]) -> None:
    row = await repository.read_organization(session, organization.id, on=clock.today())
    assert row is not None
    people = await repository.people_of(session, organization.id)
    contacts = await repository.contacts_of(session, organization.id)
    await publish(
        session,
        _changed(actor, row, await repository.superiors_of(session, organization.id), people, contacts, changes),
    )


def _changed(
    actor: Actor,
    row: Mapping[str, Any],
    chain: Sequence[UUID],
    people: Sequence[Mapping[str, Any]],
    contacts: Sequence[OrganizationContact],
    changes: Sequence[Change],
) -> OrganizationChanged:
    return OrganizationChanged(
        version=row["version"],
        actor=EventActor.of(actor),
        occurred_at=row["updated_at"],
        # The snapshot names people and their addresses: it is for the organisation and those above it.
        members=list(chain),
        changes=list(changes),
        organization=OrganizationSnapshot(
            id=row["id"],
            version=row["version"],
            name=row["name"],
            short_name=row["short_name"],
            kind=row["kind"],
            unit=UnitRef.model_validate(row["unit"]),
            superior_organization_id=row["superior_organization_id"],
            people=[Person.model_validate(person) for person in people],
            contacts=[ContactPoint.model_validate(contact.model_dump()) for contact in contacts],
        ),
    )


async def _check_organization(session: AsyncSession, organization: Organization) -> None:
    """Name and superior fit; also sets what search and order go by."""
    # Whoever takes a name in a unit comes after whoever is taking one, a succession that founds there included.
    await repository.lock_hierarchy(session)
    # Nothing is written before it is known to fit: the table's own checks would answer first, and less clearly.
    with session.no_autoflush:
        name_taken = await repository.name_taken(
            session, unit_id=organization.unit_id, name=organization.name, except_id=organization.id
        )
    if name_taken:
        taken = {"vi": "Đơn vị này đã có cơ quan cùng tên.", "en": "The unit has an organisation of this name."}
        raise InvalidOrganization(errors=[FieldError("/name", "taken", taken)])
    superior = organization.superior_organization_id
    if superior is not None:
        chain = await repository.superiors_of(session, superior)
        if not chain:
            raise InvalidOrganization(errors=[unknown("/superior_organization_id")])
        if organization.id in chain:
            cycle = {"vi": "Cơ quan cấp trên tạo thành vòng lặp.", "en": "The chain of superiors makes a cycle."}
            raise InvalidOrganization(errors=[FieldError("/superior_organization_id", "superior_cycle", cycle)])
    organization.folded = fold(f"{organization.name} {organization.short_name or ''}")
    organization.sort_key = vietnamese_sort_key(organization.name)


def _patch_contact(organization: Organization, body: OrganizationUpdate) -> None:
    contact = body.contact
    fields = contact.model_fields_set if contact is not None else {"name", "title", "phone", "email"}
    for field in fields:
        setattr(organization, f"contact_{field}", getattr(contact, field) if contact is not None else None)


async def _follow_first_contact(session: AsyncSession, organization: Organization) -> None:
    """What the organisation's own row says of its first focal point becomes the first of the list."""
    values = {field: getattr(organization, f"contact_{field}") for field in REACHED_BY}
    contacts = await repository.contacts_of(session, organization.id)
    first = contacts[0] if contacts else None
    now = clock.now()
    if first is None and any(values.values()):
        repository.add(
            session,
            OrganizationContact(organization_id=organization.id, position=1, created_at=now, updated_at=now, **values),
        )
    elif first is not None and values != {field: getattr(first, field) for field in REACHED_BY}:
        if any(values.values()):
            first.sqlmodel_update({**values, "version": first.version + 1, "updated_at": now})
        else:
            await repository.remove_contact(session, first)
            await session.flush()
            follow_contacts(organization, contacts[1:])
    await session.flush()


def follow_contacts(organization: Organization, contacts: Sequence[OrganizationContact]) -> None:
    """The list's order becomes its positions, and the first of it stands in the organisation's own row."""
    for position, contact in enumerate(contacts, 1):
        if contact.position != position:
            contact.sqlmodel_update({"position": position, "version": contact.version + 1, "updated_at": clock.now()})
    for field in REACHED_BY:
        setattr(organization, f"contact_{field}", getattr(contacts[0], field) if contacts else None)


def _state(organization: Organization) -> dict[str, Any]:
    return {field: getattr(organization, field) for field in _TOLD}


def _govern(field: str) -> FieldError:
    return fault(f"/{field}", "operator_only", "Chỉ quản trị hệ thống được sửa.", "Only the operator changes this.")
