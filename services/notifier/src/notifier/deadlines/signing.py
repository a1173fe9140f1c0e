"""Whose signature an agreement waits for, and until when: the deadlines that it has while it is open for signature."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from notifier.deadlines.models import Deadline, DeadlineRole, DeadlineSubject
from shared.calendar import WorkingCalendar
from shared.events import AgreementSnapshot, PartySnapshot

OPEN = "open_for_signature"
_SEQUENTIAL = "sequential"
_WITNESS = "witness"


def advance_signing(
    known: Mapping[UUID, Deadline],
    agreement: AgreementSnapshot,
    version: int,
    occurred_at: datetime,
    calendar: WorkingCalendar,
) -> list[Deadline]:
    """The deadlines of an agreement after a change, from those before it. Pure, as `advance` is for tasks.

    A text that is opened again is another one to sign: its deadlines are new revisions, whatever was told of the old.
    A party that has signed, or that is not asked any more, keeps a closed row; one that was never asked has none.
    """
    new_revision = 1 + max((deadline.revision for deadline in known.values()), default=0)
    deadlines: dict[UUID, Deadline] = {}
    if agreement.status == OPEN and agreement.sign_by is not None:
        # A day that is not worked moves the end to the next one that is, so that the reminders lead up to that one.
        due_on = calendar.next_working_day(agreement.sign_by)
        for party in asked_to_sign(agreement):
            role = _role(party)
            # Whoever answers for it by now signs for it; one body may do so for several parties.
            organization_id = party.responsible_organization_id or party.organization_id
            if organization_id in deadlines:
                continue
            old = known.get(organization_id)
            goes_on = old is not None and old.is_open and (old.due_on, old.role) == (due_on, role)
            deadlines[organization_id] = Deadline(
                task_id=agreement.id,
                subject_kind=DeadlineSubject.AGREEMENT,
                organization_id=organization_id,
                role=role,
                due_on=due_on,
                revision=old.revision if old is not None and goes_on else new_revision,
                is_open=True,
                since=old.since if old is not None and goes_on else occurred_at,
                task_version=version,
            )
    closed = [
        replace(deadline, is_open=False, task_version=version)
        for organization_id, deadline in known.items()
        if organization_id not in deadlines
    ]
    return [*deadlines.values(), *closed]


def asked_to_sign(agreement: AgreementSnapshot) -> list[PartySnapshot]:
    """Those whose signature is lacking and whose turn it is; a witness is never waited for."""
    lacking = list(_lacking(agreement.parties))
    if agreement.signing_order != _SEQUENTIAL or not lacking:
        return lacking
    turn = min(party.ordinal for party in lacking)
    return [party for party in lacking if party.ordinal == turn]


def _lacking(parties: Iterable[PartySnapshot]) -> Iterable[PartySnapshot]:
    return (party for party in parties if party.required and party.role != _WITNESS and party.signed_at is None)


def _role(party: PartySnapshot) -> DeadlineRole:
    return DeadlineRole.APPROVER if party.role == DeadlineRole.APPROVER else DeadlineRole.SIGNATORY
