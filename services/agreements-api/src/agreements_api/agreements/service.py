"""Rules of agreements, from the draft to the end of the term. Every function runs inside the caller's transaction."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements import amendments, drafting, errors, members_repository, repository, signing, texts
from agreements_api.agreements.models import (
    Agreement,
    AgreementStatus,
    AmendmentKind,
    Clause,
    Party,
    Signature,
    TextFormat,
    Withdrawal,
    WithdrawnText,
)
from agreements_api.agreements.permissions import allowed_actions, may, steps
from agreements_api.agreements.schemas import (
    AgreementCreate,
    AgreementUpdate,
    AmendmentCreate,
    ClauseCreate,
    OpenForSignature,
    PartyCreate,
    RenewalCreate,
    SignatureCreate,
)
from agreements_api.assignments import service as assignments
from agreements_api.history.models import History
from agreements_api.history.service import as_json, changes_between
from agreements_api.policy import Caller, Relation
from shared import clock
from shared.auth import SYSTEM, Actor
from shared.calendar import WorkingCalendar
from shared.etags import check_if_match
from shared.events import (
    AgreementAmended,
    AgreementConcluded,
    AgreementDeclined,
    AgreementDiscarded,
    AgreementDrafted,
    AgreementEvent,
    AgreementInForce,
    AgreementLapsed,
    AgreementOpenedForSignature,
    AgreementRecalled,
    AgreementRenewed,
    AgreementResumed,
    AgreementSigned,
    AgreementSigningExpired,
    AgreementSnapshot,
    AgreementSuspended,
    AgreementTerminated,
    AgreementUpdated,
    Change,
    ClauseSnapshot,
    EventActor,
    ParentInstrument,
    PartySnapshot,
)
from shared.ids import new_id
from shared.outbox import publish_all

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
    "sign_by",
    "text_digest",
    "in_force_on",
    "ended_on",
    "demonstration",
    "discarded_at",
    "source_url",
    "note",
)


async def draft(
    session: AsyncSession, actor: Actor, body: AgreementCreate, *, agreement_id: UUID | None = None
) -> Agreement:
    """A new draft whose custodian is the caller's organisation. Only its custodian sees it until it is opened."""
    if actor.organization_id is None or not may(actor, "draft", ()):
        raise errors.NotAllowed
    if body.parent_agreement_id is not None:
        await _must_be_visible(session, actor, body.parent_agreement_id)
    now = clock.now()
    names = await repository.names_of(session, [actor.organization_id])
    agreement = Agreement(
        id=agreement_id or new_id(),
        instrument=body.instrument,
        number=body.number,
        title=body.title,
        folded=drafting.folded(body.title, body.number),
        parent=body.parent.model_dump(mode="json") if body.parent else None,
        parent_agreement_id=body.parent_agreement_id,
        fields_=list(dict.fromkeys(body.fields)),
        custodian_organization_id=actor.organization_id,
        custodian_name=names[actor.organization_id],
        signing_order=body.signing_order,
        term_from=body.term_from,
        term_to=body.term_to,
        sign_by=body.sign_by,
        demonstration=body.demonstration,
        source_url=str(body.source_url) if body.source_url else None,
        note=body.note,
        created_at=now,
        updated_at=now,
    )
    return await _drafted(session, actor, agreement, body.parties, body.clauses)


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
        reversed_ = errors.lacking("/term_to", "Kết thúc trước khi bắt đầu", "Ends before it begins")
        raise errors.Incomplete(errors=[reversed_])
    parts = [name for name in ("parties", "clauses") if name in given]
    if not parts and _state(agreement) == before:
        return agreement
    agreement.folded = drafting.folded(agreement.title, agreement.number)
    await repository.replace_parts(
        session,
        agreement.id,
        parties=await _parties(session, agreement.id, body.parties) if "parties" in given else None,
        clauses=await _clauses(session, agreement, body.clauses) if "clauses" in given else None,
    )
    more = [Change(field=part, to=f"{len(getattr(body, part))}") for part in parts]
    await _record(session, actor, agreement, "update", before, [AgreementUpdated], more=more)
    return agreement


async def open_for_signature(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, body: OpenForSignature
) -> Agreement:
    """Freeze the text and its digest; from now on its parties, and the bodies above them, see it."""
    agreement = await _locked(session, actor, agreement_id, "open", if_match)
    amended = await _lock_amended(session, agreement)
    before = _state(agreement)
    if "sign_by" in body.model_fields_set:
        agreement.sign_by = body.sign_by
    await _name_parent(session, agreement)
    parties = await repository.parties_of(session, agreement.id)
    clauses = await repository.clauses_of(session, agreement.id)
    lacking = drafting.lacks(agreement, parties, clauses, clock.today())
    if amended is not None:
        lacking += await amendments.lacks(session, agreement, amended, parties, clauses)
    if lacking:
        raise errors.Incomplete(errors=lacking)
    if amended is not None and await repository.other_amendment_open(session, agreement):
        raise errors.AmendmentOpen
    agreement.original_term_from, agreement.original_term_to = agreement.term_from, agreement.term_to
    targets = await _targets(session, agreement)
    agreement.frozen_text = texts.render(texts.Records(agreement, parties, clauses, amended, targets))
    agreement.text_format, agreement.text_digest = TextFormat.TEXT, texts.digest_of(agreement.frozen_text)
    agreement.opened_at = clock.now()
    agreement.presented_at = agreement.presented_at or agreement.opened_at
    agreement.status = AgreementStatus.OPEN_FOR_SIGNATURE
    organizations = [party.answering_id for party in parties]
    superiors = await members_repository.superiors_of(session, [*organizations, agreement.custodian_organization_id])
    await members_repository.replace_members(
        session,
        agreement.id,
        {(agreement.custodian_organization_id, Relation.CUSTODIAN)}
        | {(organization, Relation.PARTY) for organization in organizations}
        | {(organization, Relation.SUPERIOR) for organization in superiors},
    )
    if amended is not None:
        await amendments.show_amended(session, agreement, amended, parties)
    await _record(session, actor, agreement, "open", before, [AgreementOpenedForSignature])
    return agreement


async def delete(session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None) -> None:
    """Nobody sees the draft any more; what it was stays in its history, for the audit."""
    agreement = await _locked(session, actor, agreement_id, "delete", if_match)
    if agreement.presented_at is not None:
        raise errors.WasPresented
    before = _state(agreement)
    agreement.discarded_at = clock.now()
    await _record(session, actor, agreement, "delete", before, [AgreementDiscarded])
    await members_repository.drop_members(session, agreement.id, agreement.id)


async def sign(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, body: SignatureCreate
) -> Agreement:
    """The signature of the caller's own party; in force when the last required party has signed."""
    agreement = await _locked(session, actor, agreement_id, "sign", if_match)
    amended = await _lock_amended(session, agreement)
    before = _state(agreement)
    parties = await repository.parties_of(session, agreement.id)
    party = _own(actor, parties)
    now = clock.now()
    today = clock.day_of(now)
    if party.signed_at is not None:
        raise errors.AlreadySigned
    if agreement.sign_by is not None and signing.last_day(agreement.sign_by, WorkingCalendar()) < today:
        raise errors.SigningOver
    if not signing.is_turn(agreement.signing_order, party, parties):
        raise errors.NotYourTurn
    if body.text_digest is not None and body.text_digest != agreement.text_digest:
        raise errors.OtherText
    ground = signing.ground_of(body, today)
    assert agreement.text_digest is not None
    party.signatory_name, party.signatory_title = body.signatory_name, body.signatory_title
    party.delegation, party.signed_at = ground.basis, now
    signature = Signature(
        agreement_id=agreement.id,
        party_id=party.id,
        # Whoever signs; the text names the party under the name that it had when the text was frozen.
        organization_id=party.answering_id,
        organization_name=party.answering_name,
        role=party.role,
        account_id=actor.id,
        signatory_name=body.signatory_name,
        signatory_title=body.signatory_title,
        authority=ground.authority,
        principal_title=ground.principal_title,
        delegation=ground.basis,
        delegation_number=ground.number,
        delegation_valid_until=ground.valid_until,
        text_digest=agreement.text_digest,
        signed_at=now,
    )
    await repository.add(session, party, signature)
    more = [Change(field="signed_by", to=party.answering_name)]
    await _record(session, actor, agreement, "sign", before, [AgreementSigned], more=more)
    if not signing.awaited(parties):
        # The last signature is two facts, so two versions: it was signed, and it came into force.
        before = _state(agreement)
        agreement.status = AgreementStatus.IN_FORCE
        agreement.signed_on = agreement.in_force_on = today
        await _record(session, actor, agreement, "enter_into_force", before, [AgreementInForce])
        if amended is not None:
            await _amend(session, actor, agreement, amended)
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
    await _withdraw(session, agreement, parties, Withdrawal.DECLINED, reason)
    more = [Change(field="declined_by", to=party.answering_name)]
    await _record(session, actor, agreement, "decline", before, [AgreementDeclined], more=more, remark=reason)
    return agreement


async def recall(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, reason: str
) -> Agreement:
    """The custodian takes the text back before the last required signature; those under it are void."""
    agreement = await _locked(session, actor, agreement_id, "recall", if_match)
    before = _state(agreement)
    parties = await repository.parties_of(session, agreement.id)
    await _withdraw(session, agreement, parties, Withdrawal.RECALLED, reason)
    await _record(session, actor, agreement, "recall", before, [AgreementRecalled], remark=reason)
    return agreement


async def expire_signing(session: AsyncSession, agreement: Agreement) -> None:
    """The time for signatures is over without all of them: the product itself takes the text back."""
    before = _state(agreement)
    parties = await repository.parties_of(session, agreement.id)
    remark = f"Hết hạn ký ngày {agreement.sign_by:%d/%m/%Y}."
    await _withdraw(session, agreement, parties, Withdrawal.EXPIRED, remark)
    await _record(session, SYSTEM, agreement, "expire_signing", before, [AgreementSigningExpired], remark=remark)


async def amend(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, body: AmendmentCreate
) -> Agreement:
    """A draft that amends the agreement; the agreement itself changes when all have signed it."""
    return await _draft_amendment(session, actor, agreement_id, if_match, AmendmentKind.AMENDMENT, body)


async def renew(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, body: RenewalCreate
) -> Agreement:
    """A draft that moves the end of the agreement's term when all have signed it."""
    return await _draft_amendment(session, actor, agreement_id, if_match, AmendmentKind.RENEWAL, body)


async def suspend(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, reason: str
) -> Agreement:
    """No new tasks until it is resumed; those that there are go on."""
    agreement = await _locked(session, actor, agreement_id, "suspend", if_match)
    return await _turn(session, actor, agreement, "suspend", AgreementStatus.SUSPENDED, AgreementSuspended, reason)


async def resume(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, reason: str
) -> Agreement:
    agreement = await _locked(session, actor, agreement_id, "resume", if_match)
    return await _turn(session, actor, agreement, "resume", AgreementStatus.IN_FORCE, AgreementResumed, reason)


async def conclude(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, reason: str
) -> Agreement:
    """The parties are done with it. What its tasks have reached is another matter, and stays as it is."""
    agreement = await _locked(session, actor, agreement_id, "conclude", if_match)
    return await _turn(session, actor, agreement, "conclude", AgreementStatus.CONCLUDED, AgreementConcluded, reason)


async def terminate(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, reason: str
) -> Agreement:
    """It ends before its term or its purpose."""
    agreement = await _locked(session, actor, agreement_id, "terminate", if_match)
    return await _turn(session, actor, agreement, "terminate", AgreementStatus.TERMINATED, AgreementTerminated, reason)


async def lapse(session: AsyncSession, agreement: Agreement) -> None:
    """Its term is over: the product itself says so."""
    remark = f"Hết thời hạn ngày {agreement.term_to:%d/%m/%Y}."
    await _turn(session, SYSTEM, agreement, "lapse", AgreementStatus.LAPSED, AgreementLapsed, remark)


async def record_beside(
    session: AsyncSession,
    actor: Actor,
    agreement: Agreement,
    action: str,
    event: Callable[..., AgreementEvent],
    *,
    changes: Sequence[Change],
    remark: str | None = None,
) -> None:
    """A version of an agreement that nothing in its own row tells of: what another domain keeps beside it changed."""
    await _record(session, actor, agreement, action, _state(agreement), [event], more=changes, remark=remark)


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
    if step not in steps(agreement.status, amendment=agreement.amends_agreement_id is not None):
        raise errors.NotPossible(agreement.status, await _possible(session, actor, agreement, relations))
    return agreement


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
        presented=agreement.presented_at is not None,
        amendment=agreement.amends_agreement_id is not None,
    )


async def _drafted(
    session: AsyncSession,
    actor: Actor,
    agreement: Agreement,
    parties: Sequence[PartyCreate],
    clauses: Sequence[ClauseCreate],
) -> Agreement:
    """The new draft with its parts; its custodian alone sees it."""
    await members_repository.replace_members(
        session, agreement.id, {(agreement.custodian_organization_id, Relation.CUSTODIAN)}
    )
    await repository.add(session, agreement)
    await repository.replace_parts(
        session,
        agreement.id,
        parties=await _parties(session, agreement.id, parties),
        clauses=await _clauses(session, agreement, clauses),
    )
    await _record(session, actor, agreement, "draft", {}, [AgreementDrafted])
    await assignments.take_on(session, actor, agreement.id)
    return agreement


async def _draft_amendment(
    session: AsyncSession,
    actor: Actor,
    agreement_id: UUID,
    if_match: str | None,
    kind: AmendmentKind,
    body: AmendmentCreate,
) -> Agreement:
    step = "renew" if kind == AmendmentKind.RENEWAL else "amend"
    amended = await _locked(session, actor, agreement_id, step, if_match)
    if actor.organization_id is None:
        raise errors.NotAllowed
    names = await repository.names_of(session, [actor.organization_id])
    now = clock.now()
    title = body.title or amendments.title_of(kind, amended)
    amendment = Agreement(
        instrument=amended.instrument,
        number=body.number,
        title=title,
        folded=drafting.folded(title, body.number),
        fields_=list(amended.fields_),
        custodian_organization_id=actor.organization_id,
        custodian_name=names[actor.organization_id],
        signing_order=body.signing_order or amended.signing_order,
        term_to=body.term_to if isinstance(body, RenewalCreate) else None,
        sign_by=body.sign_by,
        amends_agreement_id=amended.id,
        amendment_kind=kind,
        demonstration=amended.demonstration,
        note=body.note,
        created_at=now,
        updated_at=now,
    )
    given = body.parties if body.parties is not None else await amendments.parties_to_copy(session, amended)
    return await _drafted(session, actor, amendment, given, body.clauses)


async def _amend(session: AsyncSession, actor: Actor, amendment: Agreement, amended: Agreement) -> None:
    """What the amendment that just came into force makes of the agreement, as a version of it."""
    assert amendment.in_force_on is not None
    before = _state(amended)
    changes = await amendments.apply(session, amendment, amended, amendment.in_force_on)
    renews = amendment.amendment_kind == AmendmentKind.RENEWAL
    event = partial(AgreementRenewed if renews else AgreementAmended, amendment_id=amendment.id)
    await _record(session, actor, amended, "renew" if renews else "amend", before, [event], more=changes)


async def _lock_amended(session: AsyncSession, agreement: Agreement) -> Agreement | None:
    return await amendments.lock_amended(session, agreement) if agreement.amends_agreement_id else None


async def _withdraw(
    session: AsyncSession, agreement: Agreement, parties: Sequence[Party], reason: Withdrawal, remark: str
) -> None:
    """Back to draft. The text and the signatures under it are kept; nobody is bound by them."""
    assert agreement.frozen_text is not None
    assert agreement.text_digest is not None
    assert agreement.opened_at is not None
    now = clock.now()
    withdrawn = WithdrawnText(
        agreement_id=agreement.id,
        text_format=agreement.text_format,
        text_digest=agreement.text_digest,
        content=agreement.frozen_text,
        opened_at=agreement.opened_at,
        withdrawn_at=now,
        reason=reason,
        remark=remark,
    )
    await repository.void_signatures(session, agreement.id, now, reason)
    for party in parties:
        party.signed_at = None
    agreement.status = AgreementStatus.DRAFT
    agreement.frozen_text = agreement.text_digest = agreement.opened_at = None
    agreement.original_term_from = agreement.original_term_to = None
    await repository.add(session, withdrawn, *parties)
    await amendments.hide_amended(session, agreement)


async def _turn(
    session: AsyncSession,
    actor: Actor,
    agreement: Agreement,
    action: str,
    status: AgreementStatus,
    event: type[AgreementEvent],
    reason: str,
) -> Agreement:
    """Another status, and nothing else: term and fulfilment are separate facts, so that no task is touched."""
    before = _state(agreement)
    agreement.status = status
    agreement.ended_on = None if status in amendments.AMENDABLE else clock.today()
    await _record(session, actor, agreement, action, before, [event], remark=reason)
    return agreement


async def _name_parent(session: AsyncSession, agreement: Agreement) -> None:
    """The ground that the text names stands in the record as it is called when the text is frozen."""
    if agreement.parent is not None or agreement.parent_agreement_id is None:
        return
    parent = await repository.get(session, agreement.parent_agreement_id)
    if parent is not None:
        named = {"instrument": parent.instrument, "number": parent.number, "title": parent.title}
        agreement.parent = named | {"issued_by": parent.custodian_name}


async def _targets(session: AsyncSession, agreement: Agreement) -> dict[UUID, Clause]:
    """The clauses that an amendment can replace or repeal."""
    if agreement.amends_agreement_id is None:
        return {}
    return {clause.id: clause for clause in await repository.clauses_in_force(session, agreement.amends_agreement_id)}


async def _record(
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


async def _snapshot(session: AsyncSession, agreement: Agreement) -> AgreementSnapshot:
    parties = await repository.parties_of(session, agreement.id)
    clauses = await repository.clauses_in_force(session, agreement.id)
    return snapshot_of(agreement, parties, clauses)


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


def _state(agreement: Agreement) -> dict[str, Any]:
    return {field: getattr(agreement, "fields_" if field == "fields" else field) for field in _TOLD}


async def _must_be_visible(session: AsyncSession, actor: Actor, agreement_id: UUID) -> None:
    if not await repository.is_member(session, actor, agreement_id):
        raise errors.UnknownReference("/parent_agreement_id")


async def _parties(session: AsyncSession, agreement_id: UUID, bodies: Sequence[PartyCreate]) -> list[Party]:
    names = await repository.names_of(session, [body.organization_id for body in bodies])
    return drafting.parties(agreement_id, bodies, names)


async def _clauses(session: AsyncSession, agreement: Agreement, bodies: Sequence[ClauseCreate]) -> list[Clause]:
    return drafting.clauses(agreement, bodies, await _targets(session, agreement))


def _own(actor: Actor, parties: Sequence[Party]) -> Party:
    own = [party for party in parties if party.answering_id == actor.organization_id]
    if not own:
        raise errors.NotAllowed
    # Where units have merged, one body answers for several parties, and signs for one after the other.
    return next((party for party in own if party.signed_at is None), own[0])
