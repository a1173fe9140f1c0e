"""Rules of agreements as drafts and once in force. Every function runs inside the caller's transaction."""

from collections.abc import Callable, Sequence
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements import amendments, drafting, errors, members_repository, repository
from agreements_api.agreements.models import Agreement, AgreementStatus, AmendmentKind, Clause, Party
from agreements_api.agreements.permissions import may
from agreements_api.agreements.schemas import (
    AgreementCreate,
    AgreementUpdate,
    AmendmentCreate,
    ClauseCreate,
    PartyCreate,
    RenewalCreate,
)
from agreements_api.agreements.steps import begin, record, state_of
from agreements_api.assignments import service as assignments
from agreements_api.policy import Relation
from agreements_api.provenance import carrying
from agreements_api.provenance.models import OpenPointState
from shared import clock
from shared.auth import SYSTEM, Actor
from shared.events import (
    AgreementConcluded,
    AgreementDiscarded,
    AgreementDrafted,
    AgreementEvent,
    AgreementLapsed,
    AgreementResumed,
    AgreementSuspended,
    AgreementTerminated,
    AgreementUpdated,
    Change,
)
from shared.ids import new_id


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
        response_working_days=body.response_working_days,
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
    agreement = await begin(session, actor, agreement_id, "update", if_match)
    before = state_of(agreement)
    given = body.model_fields_set
    if body.parent_agreement_id is not None:
        await _check_parent(session, actor, agreement.id, body.parent_agreement_id)
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
    if not parts and state_of(agreement) == before:
        return agreement
    agreement.folded = drafting.folded(agreement.title, agreement.number)
    if "parties" in given:
        parties = await _parties(session, agreement.id, body.parties)
        await repository.replace_parts(session, agreement.id, parties=parties)
    if "clauses" in given:
        await _replace_clauses(session, agreement, body.clauses)
    more = [Change(field=part, to=f"{len(getattr(body, part))}") for part in parts]
    await record(session, actor, agreement, "update", before, [AgreementUpdated], more=more)
    return agreement


async def delete(session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None) -> None:
    """Nobody sees the draft any more; what it was stays in its history, for the audit."""
    agreement = await begin(session, actor, agreement_id, "delete", if_match)
    if agreement.presented_at is not None:
        raise errors.WasPresented
    if any(point.state == OpenPointState.CARRIED for point in await carrying.carried_into(session, agreement.id)):
        raise errors.TakesUpOpenPoints
    before = state_of(agreement)
    agreement.discarded_at = clock.now()
    await record(session, actor, agreement, "delete", before, [AgreementDiscarded])
    await members_repository.drop_members(session, agreement.id, agreement.id)


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
    agreement = await begin(session, actor, agreement_id, "suspend", if_match)
    return await _turn(session, actor, agreement, "suspend", AgreementStatus.SUSPENDED, AgreementSuspended, reason)


async def resume(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, reason: str
) -> Agreement:
    agreement = await begin(session, actor, agreement_id, "resume", if_match)
    return await _turn(session, actor, agreement, "resume", AgreementStatus.IN_FORCE, AgreementResumed, reason)


async def conclude(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, reason: str
) -> Agreement:
    """The parties are done with it. What its tasks have reached is another matter, and stays as it is."""
    agreement = await begin(session, actor, agreement_id, "conclude", if_match)
    return await _turn(session, actor, agreement, "conclude", AgreementStatus.CONCLUDED, AgreementConcluded, reason)


async def terminate(
    session: AsyncSession, actor: Actor, agreement_id: UUID, if_match: str | None, reason: str
) -> Agreement:
    """It ends before its term or its purpose."""
    agreement = await begin(session, actor, agreement_id, "terminate", if_match)
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
    await record(session, actor, agreement, action, state_of(agreement), [event], more=changes, remark=remark)


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
    await record(session, actor, agreement, "draft", {}, [AgreementDrafted])
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
    amended = await begin(session, actor, agreement_id, step, if_match)
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
        response_working_days=body.response_working_days,
        amends_agreement_id=amended.id,
        amendment_kind=kind,
        demonstration=amended.demonstration,
        note=body.note,
        created_at=now,
        updated_at=now,
    )
    given = body.parties if body.parties is not None else await amendments.parties_to_copy(session, amended)
    return await _drafted(session, actor, amendment, given, body.clauses)


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
    before = state_of(agreement)
    agreement.status = status
    agreement.ended_on = None if status in amendments.AMENDABLE else clock.today()
    await record(session, actor, agreement, action, before, [event], remark=reason)
    return agreement


async def _replace_clauses(session: AsyncSession, agreement: Agreement, bodies: Sequence[ClauseCreate]) -> None:
    """The clauses of a draft anew; what was carried into one of them stays in it, in whichever words."""
    clauses = await _clauses(session, agreement, bodies)
    drafting.known_again(clauses, await repository.clauses_of(session, agreement.id))
    kept = {clause.id for clause in clauses}
    points = await carrying.carried_into(session, agreement.id)
    if any(point.state == OpenPointState.CARRIED and point.clause_id not in kept | {None} for point in points):
        raise errors.TakesUpOpenPoints(
            errors=[
                errors.lacking(
                    "/clauses",
                    "Một điều đang tiếp nhận vấn đề còn tồn tại",
                    "A clause that is left out takes an open point up",
                )
            ]
        )
    await carrying.let_go(session, points)
    await repository.replace_parts(session, agreement.id, clauses=clauses)
    await carrying.take_up(session, points, kept)


async def _must_be_visible(session: AsyncSession, actor: Actor, agreement_id: UUID) -> None:
    if not await repository.is_member(session, actor, agreement_id):
        raise errors.UnknownReference("/parent_agreement_id")


async def _check_parent(session: AsyncSession, actor: Actor, agreement_id: UUID, parent_id: UUID) -> None:
    """An agreement that the caller sees, and that does not rest on this one itself."""
    await _must_be_visible(session, actor, parent_id)
    if await repository.rests_on(session, parent_id, agreement_id):
        raise errors.NotTaken(
            "/parent_agreement_id",
            "parent_cycle",
            "Văn bản căn cứ dẫn trở lại chính văn bản này.",
            "The parent rests on this agreement itself.",
        )


async def _parties(session: AsyncSession, agreement_id: UUID, bodies: Sequence[PartyCreate]) -> list[Party]:
    names = await repository.names_of(session, [body.organization_id for body in bodies])
    return drafting.parties(agreement_id, bodies, names)


async def _clauses(session: AsyncSession, agreement: Agreement, bodies: Sequence[ClauseCreate]) -> list[Clause]:
    return drafting.clauses(agreement, bodies, await amendments.targets_of(session, agreement))
