"""Rules of agreements: drafting, opening, signing, declining. Every function runs inside the caller's transaction."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import rfc8785
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements import errors, repository
from agreements_api.agreements.models import Agreement, AgreementStatus, Clause, Party, Signature, SigningOrder
from agreements_api.agreements.permissions import STEPS, allowed_actions, may
from agreements_api.agreements.schemas import (
    AgreementCreate,
    AgreementUpdate,
    ClauseCreate,
    PartyCreate,
    SignatureCreate,
)
from agreements_api.history.models import History
from agreements_api.history.service import as_json, changes_between, plain
from agreements_api.policy import Caller, Relation
from shared import clock
from shared.auth import Actor
from shared.etags import check_if_match
from shared.events import (
    AgreementDeclined,
    AgreementDrafted,
    AgreementEvent,
    AgreementInForce,
    AgreementOpenedForSignature,
    AgreementSigned,
    AgreementSnapshot,
    AgreementUpdated,
    Change,
    ClauseSnapshot,
    EventActor,
    ParentInstrument,
    PartySnapshot,
)
from shared.outbox import publish_all
from shared.problems import FieldError
from shared.text import fold

# Fields whose changes history tells of.
_TOLD = (
    "instrument",
    "number",
    "title",
    "status",
    "parent",
    "fields",
    "signing_order",
    "term_from",
    "term_to",
    "text_digest",
    "in_force_on",
    "demonstration",
    "source_url",
    "note",
)


async def draft(session: AsyncSession, actor: Actor, body: AgreementCreate) -> Agreement:
    """A new draft whose custodian is the caller's organisation. Only its custodian sees it until it is opened."""
    if actor.organization_id is None or not may(actor, "draft", ()):
        raise errors.NotAllowed
    if body.parent_agreement_id is not None:
        await _must_be_visible(session, actor, body.parent_agreement_id)
    now = clock.now()
    names = await repository.names_of(session, [actor.organization_id])
    agreement = Agreement(
        instrument=body.instrument,
        number=body.number,
        title=body.title,
        folded=_folded(body.title, body.number),
        parent=body.parent.model_dump(mode="json") if body.parent else None,
        parent_agreement_id=body.parent_agreement_id,
        fields_=list(dict.fromkeys(body.fields)),
        custodian_organization_id=actor.organization_id,
        custodian_name=names[actor.organization_id],
        signing_order=body.signing_order,
        term_from=body.term_from,
        term_to=body.term_to,
        demonstration=body.demonstration,
        source_url=str(body.source_url) if body.source_url else None,
        note=body.note,
        created_at=now,
        updated_at=now,
    )
    await repository.replace_members(session, agreement.id, {(actor.organization_id, Relation.CUSTODIAN)})
    await repository.add(session, agreement)
    await repository.replace_parts(
        session,
        agreement.id,
        parties=await _parties(session, agreement.id, body.parties),
        clauses=_clauses(agreement.id, body.clauses),
    )
    await _record(session, actor, agreement, "draft", {}, [AgreementDrafted])
    return agreement


async def update(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, body: AgreementUpdate
) -> Agreement:
    """Change a draft: what the patch names, and nothing else."""
    agreement = await _locked(session, actor, agreement_id, "update", if_match)
    before = _state(agreement)
    given = body.model_fields_set
    for field in given - {"parties", "clauses", "fields", "parent", "source_url"}:
        setattr(agreement, field, getattr(body, field))
    if "fields" in given:
        agreement.fields_ = list(dict.fromkeys(body.fields))
    if "parent" in given:
        agreement.parent = body.parent.model_dump(mode="json") if body.parent else None
    if "source_url" in given:
        agreement.source_url = str(body.source_url) if body.source_url else None
    if agreement.term_from and agreement.term_to and agreement.term_to < agreement.term_from:
        raise errors.Incomplete(errors=[_lacking("/term_to", "Kết thúc trước khi bắt đầu", "Ends before it begins")])
    parts = [name for name in ("parties", "clauses") if name in given]
    if not parts and _state(agreement) == before:
        return agreement
    agreement.folded = _folded(agreement.title, agreement.number)
    await repository.replace_parts(
        session,
        agreement.id,
        parties=await _parties(session, agreement.id, body.parties) if "parties" in given else None,
        clauses=_clauses(agreement.id, body.clauses) if "clauses" in given else None,
    )
    more = [Change(field=part, to=f"{len(getattr(body, part))}") for part in parts]
    await _record(session, actor, agreement, "update", before, [AgreementUpdated], more=more)
    return agreement


async def open_for_signature(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None
) -> Agreement:
    """Freeze the text by its digest; from now on its parties, and the bodies above them, see it."""
    agreement = await _locked(session, actor, agreement_id, "open", if_match)
    before = _state(agreement)
    parties = await repository.parties_of(session, agreement.id)
    clauses = await repository.clauses_of(session, agreement.id)
    _check_complete(parties, clauses)
    agreement.frozen_text = frozen_text(agreement, parties, clauses)
    agreement.text_digest = hashlib.sha256(agreement.frozen_text.encode()).hexdigest()
    agreement.opened_at = clock.now()
    agreement.status = AgreementStatus.OPEN_FOR_SIGNATURE
    organizations = [party.organization_id for party in parties]
    superiors = await repository.superiors_of(session, [*organizations, agreement.custodian_organization_id])
    await repository.replace_members(
        session,
        agreement.id,
        {(agreement.custodian_organization_id, Relation.CUSTODIAN)}
        | {(organization, Relation.PARTY) for organization in organizations}
        | {(organization, Relation.SUPERIOR) for organization in superiors},
    )
    await _record(session, actor, agreement, "open", before, [AgreementOpenedForSignature])
    return agreement


async def sign(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, body: SignatureCreate
) -> Agreement:
    """The signature of the caller's own party; in force when the last required party has signed."""
    agreement = await _locked(session, actor, agreement_id, "sign", if_match)
    before = _state(agreement)
    parties = await repository.parties_of(session, agreement.id)
    party = _own(actor, parties)
    if party.signed_at is not None:
        raise errors.AlreadySigned
    if agreement.signing_order == SigningOrder.SEQUENTIAL and any(
        other.required and other.signed_at is None and other.ordinal < party.ordinal for other in parties
    ):
        raise errors.NotYourTurn
    if body.text_digest is not None and body.text_digest != agreement.text_digest:
        raise errors.OtherText
    assert agreement.text_digest is not None
    now = clock.now()
    party.signatory_name, party.signatory_title = body.signatory_name, body.signatory_title
    party.delegation, party.signed_at = body.delegation, now
    signature = Signature(
        agreement_id=agreement.id,
        party_id=party.id,
        organization_id=party.organization_id,
        account_id=actor.id,
        signatory_name=body.signatory_name,
        signatory_title=body.signatory_title,
        delegation=body.delegation,
        text_digest=agreement.text_digest,
        signed_at=now,
    )
    await repository.add(session, party, signature)
    more = [Change(field="signed_by", to=party.organization_name)]
    if any(other.required and other.signed_at is None for other in parties):
        await _record(session, actor, agreement, "sign", before, [AgreementSigned], more=more)
        return agreement
    # The last signature is two facts, so two versions: it was signed, and it came into force.
    await _record(session, actor, agreement, "sign", before, [AgreementSigned], more=more)
    before = _state(agreement)
    agreement.status = AgreementStatus.IN_FORCE
    agreement.signed_on = agreement.in_force_on = clock.day_of(now)
    await _record(session, actor, agreement, "enter_into_force", before, [AgreementInForce])
    return agreement


async def decline(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, reason: str
) -> Agreement:
    """A party will not sign this text: it goes back to draft, and the signatures under it are void."""
    agreement = await _locked(session, actor, agreement_id, "decline", if_match)
    before = _state(agreement)
    parties = await repository.parties_of(session, agreement.id)
    party = _own(actor, parties)
    if party.signed_at is not None:
        raise errors.AlreadySigned
    await repository.void_signatures(session, agreement.id, clock.now())
    for signed in parties:
        signed.signed_at = None
    agreement.status = AgreementStatus.DRAFT
    agreement.frozen_text = agreement.text_digest = agreement.opened_at = None
    more = [Change(field="declined_by", to=party.organization_name)]
    await _record(session, actor, agreement, "decline", before, [AgreementDeclined], more=more, remark=reason)
    return agreement


def frozen_text(agreement: Agreement, parties: Sequence[Party], clauses: Sequence[Clause]) -> str:
    """What is signed, in canonical JSON (RFC 8785): the same text has the same digest everywhere."""
    return rfc8785.dumps(
        {
            "instrument": str(agreement.instrument),
            "number": agreement.number,
            "title": agreement.title,
            "parent": agreement.parent,
            "fields": list(agreement.fields_),
            "term_from": plain(agreement.term_from),
            "term_to": plain(agreement.term_to),
            "parties": [
                {
                    "organization_id": str(party.organization_id),
                    "name": party.organization_name,
                    "role": str(party.role),
                    "required": party.required,
                }
                for party in parties
            ],
            "clauses": [
                {"ordinal": clause.ordinal, "heading": clause.heading, "text": clause.text, "field": clause.field}
                for clause in clauses
            ],
        }
    ).decode()


async def _locked(
    session: AsyncSession, actor: Actor, agreement_id: UUID, step: str, if_match: str | None
) -> Agreement:
    """The row to change, once the caller, the version and the status allow the step, asked in this order."""
    agreement = await repository.lock(session, actor, agreement_id)
    if agreement is None:
        raise errors.AgreementNotFound
    relations = await repository.relations_of(session, actor, agreement_id)
    if not may(actor, step, relations):
        raise errors.NotAllowed
    check_if_match(if_match, agreement.version)
    if step not in STEPS[agreement.status]:
        raise errors.NotPossible(agreement.status, await _possible(session, actor, agreement, relations))
    return agreement


async def _possible(
    session: AsyncSession, actor: Actor, agreement: Agreement, relations: Sequence[str]
) -> tuple[str, ...]:
    parties = await repository.parties_of(session, agreement.id)
    signed = any(party.signed_at is not None and party.organization_id == actor.organization_id for party in parties)
    return allowed_actions(Caller.of(actor), agreement.status, ",".join(relations), signed=signed)


async def _record(
    session: AsyncSession,
    actor: Actor,
    agreement: Agreement,
    action: str,
    before: Mapping[str, Any],
    events: Sequence[type[AgreementEvent]],
    *,
    more: Sequence[Change] = (),
    remark: str | None = None,
) -> None:
    """One new version with its history and its events, beside the change itself."""
    if before:
        agreement.version += 1
        agreement.updated_at = clock.now()
    changes = [*changes_between(before, _state(agreement), _TOLD), *more]
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
    await repository.add(session, agreement, history)
    members = await repository.members_of(session, agreement.id)
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


async def _snapshot(session: AsyncSession, agreement: Agreement) -> AgreementSnapshot:
    parties = await repository.parties_of(session, agreement.id)
    clauses = await repository.clauses_of(session, agreement.id)
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
        text_digest=agreement.text_digest,
        in_force_on=agreement.in_force_on,
        signed_on=agreement.signed_on,
        demonstration=agreement.demonstration,
        source_url=agreement.source_url,
        parties=[PartySnapshot.model_validate(party.model_dump()) for party in parties],
        clauses=[ClauseSnapshot.model_validate(clause.model_dump()) for clause in clauses],
    )


def _state(agreement: Agreement) -> dict[str, Any]:
    return {field: getattr(agreement, "fields_" if field == "fields" else field) for field in _TOLD}


async def _must_be_visible(session: AsyncSession, actor: Actor, agreement_id: UUID) -> None:
    if not await repository.is_member(session, actor, agreement_id):
        raise errors.UnknownReference("/parent_agreement_id")


async def _parties(session: AsyncSession, agreement_id: UUID, bodies: Sequence[PartyCreate]) -> list[Party]:
    names = await repository.names_of(session, [body.organization_id for body in bodies])
    seen: set[UUID] = set()
    for index, body in enumerate(bodies):
        if body.organization_id not in names:
            raise errors.UnknownReference(f"/parties/{index}/organization_id")
        if body.organization_id in seen:
            raise errors.Incomplete(
                errors=[
                    _lacking(f"/parties/{index}/organization_id", "Bên này đã có", "This party is in the list already")
                ]
            )
        seen.add(body.organization_id)
    return [
        Party(
            agreement_id=agreement_id,
            ordinal=index,
            organization_id=body.organization_id,
            organization_name=names[body.organization_id],
            role=body.role,
            required=body.required,
            signatory_name=body.signatory_name,
            signatory_title=body.signatory_title,
        )
        for index, body in enumerate(bodies, start=1)
    ]


def _clauses(agreement_id: UUID, bodies: Sequence[ClauseCreate]) -> list[Clause]:
    return [
        Clause(agreement_id=agreement_id, ordinal=index, heading=body.heading, text=body.text, field=body.field)
        for index, body in enumerate(bodies, start=1)
    ]


def _check_complete(parties: Sequence[Party], clauses: Sequence[Clause]) -> None:
    lacking = []
    if sum(party.required for party in parties) < 2:
        lacking.append(_lacking("/parties", "Cần ít nhất hai bên phải ký", "At least two parties have to sign"))
    if not clauses:
        lacking.append(_lacking("/clauses", "Cần ít nhất một điều khoản", "At least one clause is needed"))
    if lacking:
        raise errors.Incomplete(errors=lacking)


def _own(actor: Actor, parties: Sequence[Party]) -> Party:
    for party in parties:
        if party.organization_id == actor.organization_id:
            return party
    raise errors.NotAllowed


def _lacking(pointer: str, vi: str, en: str) -> FieldError:
    return FieldError(pointer, "incomplete", {"vi": f"{vi}.", "en": f"{en}."})


def _folded(title: str, number: str | None) -> str:
    return fold(f"{title} {number or ''}")
