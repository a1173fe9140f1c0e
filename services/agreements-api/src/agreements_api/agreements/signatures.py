"""A text on its way: opened for signature, signed, in force with the last signature, or taken back."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements import amendments, drafting, errors, members_repository, repository, signing, texts
from agreements_api.agreements.models import (
    Agreement,
    AgreementStatus,
    AmendmentKind,
    Party,
    Signature,
    TextFormat,
    Withdrawal,
    WithdrawnText,
)
from agreements_api.agreements.schemas import OpenForSignature, SignatureCreate
from agreements_api.agreements.steps import begin, record, state_of
from agreements_api.policy import Relation
from shared import clock
from shared.auth import SYSTEM, Actor
from shared.events import (
    AgreementAmended,
    AgreementDeclined,
    AgreementInForce,
    AgreementOpenedForSignature,
    AgreementRecalled,
    AgreementRenewed,
    AgreementSigned,
    AgreementSigningExpired,
    Change,
)


async def open_for_signature(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, body: OpenForSignature
) -> Agreement:
    """Freeze the text and its digest; from now on its parties, and the bodies above them, see it."""
    agreement = await begin(session, actor, agreement_id, "open", if_match)
    amended = await _lock_amended(session, agreement)
    before = state_of(agreement)
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
    agreement.original_response_working_days = agreement.response_working_days
    targets = await amendments.targets_of(session, agreement)
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
    await record(session, actor, agreement, "open", before, [AgreementOpenedForSignature])
    return agreement


async def sign(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, body: SignatureCreate
) -> Agreement:
    """The signature of the caller's own party; in force when the last required party has signed."""
    agreement = await begin(session, actor, agreement_id, "sign", if_match)
    amended = await _lock_amended(session, agreement)
    before = state_of(agreement)
    parties = await repository.parties_of(session, agreement.id)
    party = _own(actor, parties)
    now = clock.now()
    today = clock.day_of(now)
    if party.signed_at is not None:
        raise errors.AlreadySigned
    if signing.is_over(agreement.sign_by, today):
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
    await record(session, actor, agreement, "sign", before, [AgreementSigned], more=more)
    if not signing.awaited(parties):
        # The last signature is two facts, so two versions: it was signed, and it came into force.
        before = state_of(agreement)
        agreement.status = AgreementStatus.IN_FORCE
        agreement.signed_on = agreement.in_force_on = today
        await record(session, actor, agreement, "enter_into_force", before, [AgreementInForce])
        if amended is not None:
            await _amend(session, actor, agreement, amended)
    return agreement


async def decline(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, reason: str
) -> Agreement:
    """A party will not sign this text: it goes back to draft, and the signatures under it are void."""
    agreement = await begin(session, actor, agreement_id, "decline", if_match)
    before = state_of(agreement)
    parties = await repository.parties_of(session, agreement.id)
    party = _own(actor, parties)
    if party.signed_at is not None:
        raise errors.AlreadySigned
    await _withdraw(session, agreement, parties, Withdrawal.DECLINED, reason)
    more = [Change(field="declined_by", to=party.answering_name)]
    await record(session, actor, agreement, "decline", before, [AgreementDeclined], more=more, remark=reason)
    return agreement


async def recall(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, reason: str
) -> Agreement:
    """The custodian takes the text back before the last required signature; those under it are void."""
    agreement = await begin(session, actor, agreement_id, "recall", if_match)
    before = state_of(agreement)
    parties = await repository.parties_of(session, agreement.id)
    await _withdraw(session, agreement, parties, Withdrawal.RECALLED, reason)
    await record(session, actor, agreement, "recall", before, [AgreementRecalled], remark=reason)
    return agreement


async def expire_signing(session: AsyncSession, agreement: Agreement) -> None:
    """The time for signatures is over without all of them: the product itself takes the text back."""
    before = state_of(agreement)
    parties = await repository.parties_of(session, agreement.id)
    remark = f"Hết hạn ký ngày {agreement.sign_by:%d/%m/%Y}."
    await _withdraw(session, agreement, parties, Withdrawal.EXPIRED, remark)
    await record(session, SYSTEM, agreement, "expire_signing", before, [AgreementSigningExpired], remark=remark)


async def _amend(session: AsyncSession, actor: Actor, amendment: Agreement, amended: Agreement) -> None:
    """What the amendment that just came into force makes of the agreement, as a version of it."""
    assert amendment.in_force_on is not None
    before = state_of(amended)
    changes = await amendments.apply(session, amendment, amended, amendment.in_force_on)
    renews = amendment.amendment_kind == AmendmentKind.RENEWAL
    event = partial(AgreementRenewed if renews else AgreementAmended, amendment_id=amendment.id)
    await record(session, actor, amended, "renew" if renews else "amend", before, [event], more=changes)


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
    agreement.original_term_from = agreement.original_term_to = agreement.original_response_working_days = None
    await repository.add(session, withdrawn, *parties)
    await amendments.hide_amended(session, agreement)


async def _name_parent(session: AsyncSession, agreement: Agreement) -> None:
    """The ground that the text names stands in the record as it is called when the text is frozen."""
    if agreement.parent is not None or agreement.parent_agreement_id is None:
        return
    parent = await repository.get(session, agreement.parent_agreement_id)
    if parent is not None:
        named = {"instrument": parent.instrument, "number": parent.number, "title": parent.title}
        agreement.parent = named | {"issued_by": parent.custodian_name}


def _own(actor: Actor, parties: Sequence[Party]) -> Party:
    own = [party for party in parties if party.answering_id == actor.organization_id]
    if not own:
        raise errors.NotAllowed
    # Where units have merged, one body answers for several parties, and signs for one after the other.
    return next((party for party in own if party.signed_at is None), own[0])
