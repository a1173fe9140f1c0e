"""Amendments and renewals: who signs them, what they need, and what they do when they come into force."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements import errors, members_repository, repository
from agreements_api.agreements.models import (
    AMENDMENT_WORDING,
    Agreement,
    AgreementStatus,
    AmendmentKind,
    Clause,
    ClauseOperation,
    Party,
    PartyRole,
)
from agreements_api.agreements.schemas import PartyCreate
from agreements_api.history.service import plain
from agreements_api.policy import Relation
from shared.events import Change
from shared.problems import FieldError

# What can be amended: a suspension stops the work under an agreement and not what its parties agree upon.
AMENDABLE = frozenset({AgreementStatus.IN_FORCE.value, AgreementStatus.SUSPENDED.value})


def title_of(kind: AmendmentKind, amended: Agreement) -> str:
    return f"{AMENDMENT_WORDING[kind].capitalize()} {amended.title}"[:1000]


async def parties_to_copy(session: AsyncSession, amended: Agreement) -> list[PartyCreate]:
    """Who is party to the agreement now, in its order; whoever came in the place of another signs like it."""
    now = set(await members_repository.organizations_of(session, amended.id, Relation.PARTY))
    signed = await repository.parties_of(session, amended.id)
    kept: dict[UUID, PartyCreate] = {}
    for party in signed:
        # One body that answers for several parties signs once.
        if party.answering_id in now and party.answering_id not in kept:
            kept[party.answering_id] = PartyCreate(
                organization_id=party.answering_id,
                role=PartyRole(party.role),
                required=party.required,
                signatory_title=party.signatory_title,
            )
    return [*kept.values(), *(PartyCreate(organization_id=organization) for organization in sorted(now - kept.keys()))]


async def targets_of(session: AsyncSession, agreement: Agreement) -> dict[UUID, Clause]:
    """The clauses that an amendment can replace or repeal; none where it is no amendment."""
    if agreement.amends_agreement_id is None:
        return {}
    return {clause.id: clause for clause in await repository.clauses_in_force(session, agreement.amends_agreement_id)}


async def lock_amended(session: AsyncSession, amendment: Agreement) -> Agreement:
    """The agreement that is amended, held, once it is one that can be."""
    assert amendment.amends_agreement_id is not None
    amended = await repository.lock_amended(session, amendment.amends_agreement_id)
    if amended is None or amended.status not in AMENDABLE:
        raise errors.AmendedNotInForce
    return amended


async def can_be_amended(session: AsyncSession, agreement_id: UUID | None) -> bool:
    """Whether nothing of what an amendment changes stands in its way; one of nothing is no amendment."""
    if agreement_id is None:
        return True
    amended = await repository.get(session, agreement_id)
    return amended is not None and amended.status in AMENDABLE


async def lacks(
    session: AsyncSession, amendment: Agreement, amended: Agreement, parties: Sequence[Party], clauses: Sequence[Clause]
) -> list[FieldError]:
    """What keeps the amendment from being opened, beside what any draft can lack."""
    found = [*_lacking_parties(await parties_to_copy(session, amended), parties), *_lacking_term(amendment, amended)]
    in_force = {clause.id for clause in await repository.clauses_in_force(session, amended.id)}
    found += [
        FieldError(
            f"/clauses/{index}/target_clause_id",
            "clause_ended",
            {"vi": "Điều này không còn hiệu lực.", "en": "This clause is no longer in force."},
        )
        for index, clause in enumerate(clauses)
        if clause.target_clause_id is not None and clause.target_clause_id not in in_force
    ]
    return found


async def show_amended(
    session: AsyncSession, amendment: Agreement, amended: Agreement, parties: Sequence[Party]
) -> None:
    """Whoever joins reads what he joins before he signs; whoever keeps the agreement sees how it is amended."""
    present = set(await members_repository.organizations_of(session, amended.id, Relation.PARTY))
    joining = [party.answering_id for party in parties if party.answering_id not in present]
    above = await members_repository.superiors_of(session, joining)
    await members_repository.add_members(
        session,
        amended.id,
        amendment.id,
        {(organization, Relation.PARTY) for organization in joining}
        | {(organization, Relation.SUPERIOR) for organization in above},
    )
    await members_repository.add_members(
        session, amendment.id, amended.id, {(amended.custodian_organization_id, Relation.MONITOR)}
    )


async def hide_amended(session: AsyncSession, amendment: Agreement) -> None:
    """The amendment went back to draft: whoever would have joined has not."""
    if amendment.amends_agreement_id is not None:
        await members_repository.drop_members(session, amendment.amends_agreement_id, amendment.id)


async def apply(session: AsyncSession, amendment: Agreement, amended: Agreement, on: date) -> list[Change]:
    """What the amendment, which is in force now, does to the agreement: its term, its clauses, its parties, its window.

    No clause that was signed is written over: one ends, another takes its number.
    """
    changes = [
        Change(field="amended_by", to=str(amendment.id)),
        *await _change_clauses(session, amendment, amended, on),
        *await _join(session, amendment, amended),
    ]
    if amendment.amendment_kind == AmendmentKind.RENEWAL:
        amended.term_to = amendment.term_to
    if amendment.response_working_days is not None:
        amended.response_working_days = amendment.response_working_days
    await members_repository.show_to_members_of(session, amendment.id, amended.id)
    return changes


async def _change_clauses(session: AsyncSession, amendment: Agreement, amended: Agreement, on: date) -> list[Change]:
    present = {clause.id: clause for clause in await repository.clauses_of(session, amended.id)}
    last = max((clause.ordinal for clause in present.values()), default=0)
    changes: list[Change] = []
    for clause in await repository.clauses_of(session, amendment.id):
        old = present[clause.target_clause_id] if clause.target_clause_id else None
        if old is None:
            last += 1
        new = None
        if clause.operation != ClauseOperation.REPEAL:
            new = Clause(
                agreement_id=amended.id,
                ordinal=old.ordinal if old else last,
                heading=clause.heading,
                text=clause.text,
                field=clause.field,
                amendment_id=amendment.id,
                started_on=on,
            )
        if old is not None:
            replaced_by = new.id if new else None
            await repository.end_clause(session, old, amendment_id=amendment.id, on=on, replaced_by=replaced_by)
        if new is not None:
            await repository.add(session, new)
        number = old.ordinal if old else last
        changes.append(Change(field=f"clause/{number}", from_=old.text if old else None, to=new.text if new else None))
    return changes


async def _join(session: AsyncSession, amendment: Agreement, amended: Agreement) -> list[Change]:
    """Parties of the amendment that the agreement did not have are its parties from now on."""
    present = set(await members_repository.organizations_of(session, amended.id, Relation.PARTY))
    before = await repository.parties_of(session, amended.id)
    named = {party.organization_id for party in before}
    joining = [
        party
        for party in await repository.parties_of(session, amendment.id)
        if party.signed_at is not None and party.answering_id not in present | named
    ]
    last = max((party.ordinal for party in before), default=0)
    joined = [
        Party(
            **party.model_dump(exclude={"id", "agreement_id", "ordinal", "amendment_id"}),
            agreement_id=amended.id,
            ordinal=last + number,
            amendment_id=amendment.id,
        )
        for number, party in enumerate(joining, start=1)
    ]
    await repository.add(session, *joined)
    organizations = [party.answering_id for party in joined]
    above = await members_repository.superiors_of(session, organizations)
    await members_repository.add_members(
        session,
        amended.id,
        amended.id,
        {(organization, Relation.PARTY) for organization in organizations}
        | {(organization, Relation.SUPERIOR) for organization in above},
    )
    await members_repository.drop_members(session, amended.id, amendment.id)
    return [Change(field="joined_by", to=party.organization_name) for party in joined]


def _lacking_parties(needed: Sequence[PartyCreate], parties: Sequence[Party]) -> list[FieldError]:
    """Whoever had to sign the agreement has to sign what changes it."""
    signing: set[UUID] = {party.answering_id for party in parties if party.required and party.role != PartyRole.WITNESS}
    lacking = [
        one for one in needed if one.required and one.role != PartyRole.WITNESS and one.organization_id not in signing
    ]
    if not lacking:
        return []
    return [
        errors.lacking(
            "/parties",
            "Mọi bên phải ký của thỏa thuận đều phải ký phụ lục",
            "Every party that had to sign the agreement has to sign its amendment",
        )
    ]


def _lacking_term(amendment: Agreement, amended: Agreement) -> list[FieldError]:
    found = []
    if amendment.term_from is not None:
        found.append(
            errors.lacking("/term_from", "Phụ lục không đổi ngày bắt đầu", "An amendment does not move the beginning")
        )
    if amendment.amendment_kind == AmendmentKind.AMENDMENT:
        if amendment.term_to is not None:
            found.append(
                errors.lacking("/term_to", "Gia hạn bằng phụ lục gia hạn", "The term is moved by a renewal only")
            )
        return found
    if amendment.term_to is None:
        found.append(errors.lacking("/term_to", "Thiếu thời hạn mới", "The new term is missing"))
    elif amended.term_to is None or amendment.term_to <= amended.term_to:
        held = plain(amended.term_to) or "không xác định"
        found.append(
            errors.lacking(
                "/term_to",
                f"Thời hạn mới phải sau thời hạn đang có ({held})",
                f"The new term has to end after the present one ({plain(amended.term_to) or 'open-ended'})",
            )
        )
    return found
