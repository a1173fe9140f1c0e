"""One step of an agreement: who may take it, on which version and in which status, and the version that comes of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements import amendments, errors, members_repository, repository
from agreements_api.agreements.models import Agreement, Clause, Party
from agreements_api.agreements.permissions import allowed_actions, may, steps
from agreements_api.agreements.signing import is_over, is_turn
from agreements_api.history.models import History
from agreements_api.history.service import as_json, changes_between
from agreements_api.policy import Caller
from shared import clock
from shared.auth import Actor
from shared.etags import check_if_match
from shared.events import (
    AgreementEvent,
    AgreementSnapshot,
    Change,
    ClauseSnapshot,
    EventActor,
    ParentInstrument,
    PartySnapshot,
)
from shared.outbox import publish_all

# Fields whose changes history tells of.
_TOLD = (
    "instrument",
    "number",
    "title",
    "status",
    "parent",
    "parent_agreement_id",
    "fields",
    "signing_order",
    "term_from",
    "term_to",
    "sign_by",
    "response_working_days",
    "text_digest",
    "in_force_on",
    "ended_on",
    "demonstration",
    "discarded_at",
    "source_url",
    "note",
)


async def begin(session: AsyncSession, actor: Actor, agreement_id: UUID, step: str, if_match: str | None) -> Agreement:
    """The row to change, once the caller, the version and the status allow the step, asked in this order."""
    agreement = await repository.lock(session, actor, agreement_id)
    if agreement is None:
        raise errors.AgreementNotFound
    relations = await repository.relations_of(session, actor, agreement_id)
    if not may(actor, step, relations):
        raise errors.NotAllowed
    check_if_match(if_match, agreement.version)
    if step not in steps(agreement.status, amendment=agreement.amends_agreement_id is not None):
        raise errors.NotPossible(agreement.status, await _possible(session, actor, agreement, relations))
    return agreement


def state_of(agreement: Agreement) -> dict[str, Any]:
    return {field: getattr(agreement, "fields_" if field == "fields" else field) for field in _TOLD}


async def record(
    session: AsyncSession,
    actor: Actor,
    agreement: Agreement,
    action: str,
    before: Mapping[str, Any],
    events: Sequence[Callable[..., AgreementEvent]],
    *,
    more: Sequence[Change] = (),
    remark: str | None = None,
) -> None:
    """One new version with its history and its events, beside the change itself."""
    if before:
        agreement.version += 1
        agreement.updated_at = clock.now()
    changes = [*changes_between(before, state_of(agreement), _TOLD), *more]
    history = History(
        subject_id=agreement.id,
        agreement_id=agreement.id,
        subject_kind="agreement",
        version=agreement.version,
        action=action,
        actor_id=actor.id,
        actor_kind=actor.kind,
        actor_name=actor.name,
        organization_id=actor.organization_id,
        changes=as_json(changes),
        remark=remark,
        occurred_at=agreement.updated_at,
    )
    await repository.add(session, agreement)
    await repository.add_history(session, history)
    members = await members_repository.members_of(session, agreement.id)
    snapshot = await _snapshot(session, agreement)
    await publish_all(
        session,
        [
            event(
                version=agreement.version,
                actor=EventActor.of(actor),
                occurred_at=agreement.updated_at,
                members=members,
                changes=changes,
                agreement=snapshot,
            )
            for event in events
        ],
    )


def snapshot_of(agreement: Agreement, parties: Sequence[Party], clauses: Sequence[Clause]) -> AgreementSnapshot:
    """What events carry of an agreement, with the clauses that hold."""
    return AgreementSnapshot(
        id=agreement.id,
        version=agreement.version,
        instrument=agreement.instrument,
        number=agreement.number,
        title=agreement.title,
        status=agreement.status,
        parent=ParentInstrument.model_validate(agreement.parent) if agreement.parent else None,
        fields=list(agreement.fields_),
        custodian_organization_id=agreement.custodian_organization_id,
        signing_order=agreement.signing_order,
        term_from=agreement.term_from,
        term_to=agreement.term_to,
        original_term_to=agreement.original_term_to,
        sign_by=agreement.sign_by,
        response_working_days=agreement.response_working_days,
        amends_agreement_id=agreement.amends_agreement_id,
        amendment_kind=agreement.amendment_kind,
        text_format=agreement.text_format if agreement.text_digest else None,
        text_digest=agreement.text_digest,
        ended_on=agreement.ended_on,
        in_force_on=agreement.in_force_on,
        signed_on=agreement.signed_on,
        demonstration=agreement.demonstration,
        source_url=agreement.source_url,
        parties=[PartySnapshot.model_validate(party.model_dump()) for party in parties],
        clauses=[ClauseSnapshot.model_validate(clause.model_dump()) for clause in clauses],
    )


async def _possible(
    session: AsyncSession, actor: Actor, agreement: Agreement, relations: Sequence[str]
) -> tuple[str, ...]:
    parties = await repository.parties_of(session, agreement.id)
    own = [party for party in parties if party.answering_id == actor.organization_id]
    signed = bool(own) and all(party.signed_at is not None for party in own)
    return allowed_actions(
        Caller.of(actor),
        agreement.status,
        ",".join(relations),
        signed=signed,
        is_turn=any(is_turn(agreement.signing_order, party, parties) for party in own if party.signed_at is None),
        presented=agreement.presented_at is not None,
        amendment=agreement.amends_agreement_id is not None,
        amendable=await amendments.can_be_amended(session, agreement.amends_agreement_id),
        other_open=await repository.other_amendment_open(session, agreement),
        signing_over=is_over(agreement.sign_by, clock.today()),
        public=await repository.is_public(session, agreement.id),
        was_in_force=agreement.in_force_on is not None,
    )


async def _snapshot(session: AsyncSession, agreement: Agreement) -> AgreementSnapshot:
    parties = await repository.parties_of(session, agreement.id)
    clauses = await repository.clauses_in_force(session, agreement.id)
    return snapshot_of(agreement, parties, clauses)
