"""What an evaluation report is made of: facts of an agreement and its tasks, and what the requester decided."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID


class Layout(StrEnum):
    """Whose official form the document takes."""

    STATE = "state"
    PARTY = "party"


@dataclass(frozen=True, slots=True)
class PartyFacts:
    organization_id: UUID
    name: str
    signed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClauseFacts:
    id: UUID
    ordinal: int
    heading: str
    field: str | None


@dataclass(frozen=True, slots=True)
class AgreementFacts:
    id: UUID
    title: str
    instrument: str
    number: str | None
    status: str
    parent: str | None
    in_force_on: date | None
    term_from: date | None
    term_to: date | None
    demonstration: bool
    parties: tuple[PartyFacts, ...] = ()
    clauses: tuple[ClauseFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class Participant:
    name: str
    due_on: date | None
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class TaskFacts:
    id: UUID
    title: str
    field: str | None
    status: str
    deliverable: str | None
    due_on: date | None
    original_due_on: date | None
    percent: int
    completed_at: datetime | None
    demonstration: bool
    clause_id: UUID | None
    lead_unit_id: UUID | None
    lead_unit_name: str
    lead_name: str
    coordinating: tuple[Participant, ...] = ()
    narrative: str | None = None
    difficulties: str | None = None


@dataclass(frozen=True, slots=True)
class Issuer:
    """The organization that signs, as the register of organizations knows it."""

    name: str
    kind: str
    superior_name: str | None
    superior_kind: str | None
    province_name: str | None


@dataclass(frozen=True, slots=True)
class Signer:
    authority: str | None
    title: str | None
    name: str | None


@dataclass(frozen=True, slots=True)
class Brief:
    """What the requester decided about the document."""

    layout: Layout
    number: str | None
    place: str
    issued_on: date
    period_label: str
    period_from: date
    period_to: date
    as_of: datetime
    signer: Signer
