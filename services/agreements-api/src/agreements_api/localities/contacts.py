"""Rules of focal points. Every function runs inside the caller's transaction; each change is told by an event."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.administration.models import Action
from agreements_api.history.service import changes_between, plain
from agreements_api.localities import repository
from agreements_api.localities.errors import InvalidContact, TooManyContacts, fault, unknown
from agreements_api.localities.models import Organization, OrganizationContact
from agreements_api.localities.permissions import relations
from agreements_api.localities.schemas import ContactCreate, ContactPublic, ContactUpdate
from agreements_api.localities.service import (
    REACHED_BY,
    check_may_read_organizations,
    follow_contacts,
    lock_for,
    next_version,
)
from agreements_api.policy import allowed
from shared import clock
from shared.auth import Actor
from shared.etags import check_if_match
from shared.events import Change
from shared.problems import NotFound

MOST = 50
_CHANGED = (*REACHED_BY, "field", "account_id")
_TOLD = ("position", *_CHANGED)


@dataclass(frozen=True)
class Moved:
    """Focal points that became another person: as others are told of it, and field by field."""

    changes: list[Change]
    told: list[Change]


async def list_contacts(
    session: AsyncSession, actor: Actor, organization_id: UUID, *, after: int, limit: int
) -> Sequence[OrganizationContact]:
    """The focal points of an organisation in its own order."""
    check_may_read_organizations(actor)
    if not await repository.organization_exists(session, organization_id):
        raise NotFound
    return await repository.list_contacts(session, organization_id, after=after, limit=limit)


async def read_contact(session: AsyncSession, actor: Actor, organization_id: UUID, contact_id: UUID) -> ContactPublic:
    check_may_read_organizations(actor)
    return contact_public(actor, _find(await repository.contacts_of(session, organization_id), contact_id))


async def create_contact(
    session: AsyncSession, actor: Actor, organization_id: UUID, body: ContactCreate
) -> ContactPublic:
    """One more focal point, at the place that it asks for or at the end."""
    organization = await lock_for(session, actor, organization_id, "contact.update")
    contacts = list(await repository.contacts_of(session, organization_id))
    if len(contacts) >= MOST:
        raise TooManyContacts
    now = clock.now()
    place = min(body.position or MOST, len(contacts) + 1)
    values = body.model_dump(exclude={"position"})
    contact = OrganizationContact(
        organization_id=organization_id, position=place, created_at=now, updated_at=now, **values
    )
    await _check(session, contact)
    repository.add(session, contact)
    contacts.insert(place - 1, contact)
    change = Change(field="contacts", to=str(contact.id))
    told = [Change(field=f"contacts/{contact.id}", to=_whole(contact))]
    await _told(session, actor, organization, contacts, Action.ADD_CONTACT, change, told)
    return contact_public(actor, contact)


async def update_contact(
    session: AsyncSession,
    actor: Actor,
    organization_id: UUID,
    contact_id: UUID,
    if_match: str | None,
    body: ContactUpdate,
) -> ContactPublic:
    """Change what the patch names; a new position moves the others along."""
    organization = await lock_for(session, actor, organization_id, "contact.update")
    contacts = list(await repository.contacts_of(session, organization_id))
    contact = _find(contacts, contact_id)
    check_if_match(if_match, contact.version)
    before, position = _state(contact), contact.position
    given = body.model_fields_set
    for field in given - {"position"}:
        setattr(contact, field, getattr(body, field))
    await _check(session, contact)
    if "position" in given:
        contacts.remove(contact)
        contacts.insert(min(body.position, len(contacts) + 1) - 1, contact)
    changed = _state(contact) != before
    if changed:
        contact.version += 1
        contact.updated_at = clock.now()
    if changed or contacts.index(contact) + 1 != contact.position:
        change = Change(field="contacts", from_=str(contact.id), to=str(contact.id))
        now = _state(contact) | {"position": contacts.index(contact) + 1}
        told = _changes(contact, before | {"position": position}, now)
        await _told(session, actor, organization, contacts, Action.CHANGE_CONTACT, change, told)
    return contact_public(actor, contact)


async def delete_contact(
    session: AsyncSession, actor: Actor, organization_id: UUID, contact_id: UUID, if_match: str | None
) -> None:
    """One focal point less; the others move up."""
    organization = await lock_for(session, actor, organization_id, "contact.update")
    contacts = list(await repository.contacts_of(session, organization_id))
    contact = _find(contacts, contact_id)
    check_if_match(if_match, contact.version)
    contacts.remove(contact)
    await repository.remove_contact(session, contact)
    change = Change(field="contacts", from_=str(contact.id))
    told = [Change(field=f"contacts/{contact.id}", from_=_whole(contact))]
    await _told(session, actor, organization, contacts, Action.REMOVE_CONTACT, change, told)


async def hand_over(
    session: AsyncSession, organization: Organization, from_account_id: UUID, to_account_id: UUID
) -> Moved:
    """Whoever takes over is reached in the place of who leaves; the caller writes it and tells of it.

    Title and number are the former person's: nobody knows whether they are the new one's too.
    """
    person = await repository.person_of(session, to_account_id, organization_id=organization.id)
    assert person is not None
    contacts = await repository.contacts_of(session, organization.id)
    moved = Moved([], [])
    now = clock.now()
    for contact in [one for one in contacts if one.account_id == from_account_id]:
        before = _state(contact)
        values = {"name": person["name"], "email": person["email"], "title": None, "phone": None}
        contact.sqlmodel_update(
            {**values, "account_id": to_account_id, "version": contact.version + 1, "updated_at": now}
        )
        moved.changes.append(Change(field="contacts", from_=str(contact.id), to=str(contact.id)))
        moved.told.extend(_changes(contact, before, _state(contact)))
    follow_contacts(organization, contacts)
    return moved


def contact_public(actor: Actor, contact: OrganizationContact) -> ContactPublic:
    held = relations(actor, contact.organization_id)
    actions = ["update"] if allowed(actor, "contact.update", held) else []
    return ContactPublic.model_validate({**contact.model_dump(), "allowed_actions": actions})


async def _check(session: AsyncSession, contact: OrganizationContact) -> None:
    """Somebody can be reached, and a linked account is the organisation's own; its name stands in where none is."""
    if contact.account_id is not None:
        with session.no_autoflush:
            person = await repository.person_of(session, contact.account_id, organization_id=contact.organization_id)
        if person is None:
            raise InvalidContact(errors=[unknown("/account_id")])
        contact.name = contact.name or person["name"]
    if not any(getattr(contact, field) for field in REACHED_BY):
        nobody = fault(
            "/name",
            "unreachable",
            "Cần ít nhất một trong: họ tên, chức danh, điện thoại, thư điện tử.",
            "At least one of name, title, phone and e-mail is needed.",
        )
        raise InvalidContact(errors=[nobody])


async def _told(
    session: AsyncSession,
    actor: Actor,
    organization: Organization,
    contacts: Sequence[OrganizationContact],
    action: Action,
    change: Change,
    told: Sequence[Change],
) -> None:
    follow_contacts(organization, contacts)
    await next_version(session, actor, organization, action, [change], told=told)


def _changes(contact: OrganizationContact, before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Each field under the focal point that it is of."""
    return [
        change.model_copy(update={"field": f"contacts/{contact.id}/{change.field}"})
        for change in changes_between(before, after, _TOLD)
    ]


def _whole(contact: OrganizationContact) -> dict[str, Any]:
    """A focal point as it stands in the log where it comes or goes."""
    return {field: plain(getattr(contact, field)) for field in _TOLD}


def _find(contacts: Sequence[OrganizationContact], contact_id: UUID) -> OrganizationContact:
    found = next((contact for contact in contacts if contact.id == contact_id), None)
    if found is None:
        raise NotFound
    return found


def _state(contact: OrganizationContact) -> dict[str, Any]:
    return {field: getattr(contact, field) for field in _CHANGED}
