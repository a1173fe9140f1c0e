"""What the notifier's tests are arranged from: organisations, people, tasks, agreements and their events."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID, uuid4

from shared.auth import SYSTEM, Actor
from shared.events import (
    AgreementEvent,
    AgreementOpenedForSignature,
    AgreementSnapshot,
    Envelope,
    Event,
    EventActor,
    OrganizationChanged,
    OrganizationSnapshot,
    PartySnapshot,
    Person,
    TaskAssigned,
    TaskEvent,
    TaskParty,
    TaskSnapshot,
    UnitRef,
    envelope_bytes,
    parse_envelope,
)
from shared.ids import new_id


def envelope_of(event: Event) -> Envelope:
    """The event as a consumer gets it: serialised and read again."""
    return parse_envelope(envelope_bytes(event, event_id=new_id()))


@dataclass(frozen=True)
class Body:
    """An organisation of a test, with the people that its events tell of."""

    name: str = "UBND thị xã Đông Triều"
    people: tuple[Person, ...] = ()
    superior: UUID | None = None
    id: UUID = field(default_factory=uuid4)

    def joined_by(self, *people: Person) -> "Body":
        return replace(self, people=(*self.people, *people))

    def of(self, role: str) -> Person:
        """The first person with a role."""
        return next(person for person in self.people if role in person.roles)

    def snapshot(self, version: int = 1) -> OrganizationSnapshot:
        return OrganizationSnapshot(
            id=self.id,
            version=version,
            name=self.name,
            kind="peoples_committee",
            unit=UnitRef(id=uuid4(), code="205", name="Thị xã Đông Triều", level="district"),
            superior_organization_id=self.superior,
            people=list(self.people),
        )

    def event(self, moment: datetime, version: int = 1) -> OrganizationChanged:
        return OrganizationChanged(
            version=version,
            actor=EventActor.of(SYSTEM),
            occurred_at=moment,
            organization=self.snapshot(version),
        )


def person(*roles: str, email: str | None = "", language: str = "vi", active: bool = True) -> Person:
    """Somebody with these roles; with an address unless it is said to be none."""
    account_id = uuid4()
    return Person(
        account_id=account_id,
        name=f"Người thử {account_id.hex[:4]}",
        email=f"{account_id.hex[:12]}@demo.lienvung.example" if email == "" else email,
        roles=list(roles),
        language=language,
        active=active,
    )


def staffed(name: str = "UBND thị xã Đông Triều", *, superior: UUID | None = None) -> Body:
    """An organisation with one specialist and one leader."""
    return Body(name, (person("specialist"), person("leader")), superior)


def actor_for(body: Body, role: str = "specialist") -> Actor:
    someone = body.of(role)
    return Actor(
        id=someone.account_id, kind="user", name=someone.name, organization_id=body.id, roles=frozenset(someone.roles)
    )


def party(body: Body, due_on: date | None = None) -> TaskParty:
    return TaskParty(organization_id=body.id, name=body.name, due_on=due_on)


def task_event(
    lead: Body,
    *,
    due_on: date | None,
    moment: datetime,
    kind: type[TaskEvent] = TaskAssigned,
    task_id: UUID | None = None,
    version: int = 1,
    status: str = "in_progress",
    coordinating: Sequence[TaskParty] = (),
    monitoring: Sequence[TaskParty] = (),
    members: Sequence[UUID] | None = None,
    **more: Any,
) -> TaskEvent:
    """An event with a whole task after its change."""
    snapshot = TaskSnapshot(
        **{
            "id": task_id or uuid4(),
            "version": version,
            "agreement_id": more.pop("agreement_id", None) or uuid4(),
            "agreement_title": "Kế hoạch phối hợp",
            "title": "Rà soát khu vực xâm canh",
            "status": status,
            "due_on": due_on,
            "lead": party(lead),
            "coordinating": list(coordinating),
            "monitoring": list(monitoring),
            "created_at": moment,
            "updated_at": moment,
            **more,
        }
    )
    everyone = [lead.id, *(one.organization_id for one in (*coordinating, *monitoring))]
    return kind(
        version=version,
        actor=EventActor.of(SYSTEM),
        occurred_at=moment,
        members=list(everyone if members is None else members),
        task=snapshot,
    )


def signing(body: Body, *, signed_at: datetime | None = None, ordinal: int = 1, **more: Any) -> PartySnapshot:
    """A party of an agreement, which has signed where it is said when."""
    return PartySnapshot(
        id=uuid4(),
        organization_id=body.id,
        organization_name=body.name,
        signed_at=signed_at,
        ordinal=ordinal,
        **more,
    )


def agreement_event(
    *parties: PartySnapshot,
    sign_by: date | None,
    moment: datetime,
    kind: type[AgreementEvent] = AgreementOpenedForSignature,
    agreement_id: UUID | None = None,
    version: int = 2,
    status: str = "open_for_signature",
    **more: Any,
) -> AgreementEvent:
    """An event with a whole agreement after its change; its custodian is the first party."""
    snapshot = AgreementSnapshot(
        **{
            "id": agreement_id or uuid4(),
            "version": version,
            "instrument": "plan",
            "title": "Kế hoạch phối hợp vùng giáp ranh",
            "status": status,
            "custodian_organization_id": parties[0].organization_id,
            "sign_by": sign_by,
            "parties": list(parties),
            **more,
        }
    )
    return kind(
        version=version,
        actor=EventActor.of(SYSTEM),
        occurred_at=moment,
        members=[party.organization_id for party in parties],
        agreement=snapshot,
    )
