"""What a draft is made of: its parties and clauses, and what it still lacks for a signature."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from agreements_api.agreements import errors
from agreements_api.agreements.models import Agreement, AmendmentKind, Clause, ClauseOperation, Party, PartyRole
from agreements_api.agreements.schemas import ClauseCreate, PartyCreate
from agreements_api.agreements.signing import last_day
from shared.calendar import WorkingCalendar
from shared.problems import FieldError
from shared.text import fold


def parties(agreement_id: UUID, bodies: Sequence[PartyCreate], names: Mapping[UUID, str]) -> list[Party]:
    """The parties under the names that they have today, in the order given."""
    seen: set[UUID] = set()
    for index, body in enumerate(bodies):
        pointer = f"/parties/{index}/organization_id"
        if body.organization_id not in names:
            raise errors.UnknownReference(pointer)
        if body.organization_id in seen:
            raise errors.Incomplete(
                errors=[errors.lacking(pointer, "Bên này đã có", "This party is in the list already")]
            )
        seen.add(body.organization_id)
    return [
        Party(
            agreement_id=agreement_id,
            ordinal=index,
            organization_id=body.organization_id,
            organization_name=names[body.organization_id],
            role=body.role,
            required=body.required and body.role != PartyRole.WITNESS,
            signatory_name=body.signatory_name,
            signatory_title=body.signatory_title,
        )
        for index, body in enumerate(bodies, start=1)
    ]


def clauses(agreement: Agreement, bodies: Sequence[ClauseCreate], targets: Mapping[UUID, Clause]) -> list[Clause]:
    """The clauses in the order given; those of an amendment say what they do to which of the `targets`."""
    seen: set[UUID] = set()
    for index, body in enumerate(bodies):
        _check_operation(agreement, body, f"/clauses/{index}", targets, seen)
    return [
        Clause(
            agreement_id=agreement.id,
            ordinal=index,
            heading=body.heading,
            text=body.text,
            field=body.field,
            operation=(body.operation or ClauseOperation.ADD) if agreement.amendment_kind else None,
            target_clause_id=body.target_clause_id,
        )
        for index, body in enumerate(bodies, start=1)
    ]


def known_again(clauses: Sequence[Clause], present: Sequence[Clause]) -> None:
    """Give the clauses that stay the ids that they had: those of the same words, then those at the same place.

    What a clause of a draft takes up is carried into it by its id, and an edit of one clause is none of the others.
    """
    left = list(present)
    new = list(clauses)
    for same in (_same_words, _same_place):
        for clause in list(new):
            before = next((one for one in left if same(clause, one)), None)
            if before is not None:
                clause.id = before.id
                left.remove(before)
                new.remove(clause)


def lacks(agreement: Agreement, parties: Sequence[Party], clauses: Sequence[Clause], today: date) -> list[FieldError]:
    """What a signature needs and the draft does not have."""
    found = []
    if sum(party.required and party.role == PartyRole.SIGNATORY for party in parties) < 2:
        found.append(errors.lacking("/parties", "Cần ít nhất hai bên phải ký", "At least two parties have to sign"))
    # An amendment can move the window for answers and nothing else.
    moves = agreement.amendment_kind is not None and agreement.response_working_days is not None
    if not clauses and not moves and agreement.amendment_kind != AmendmentKind.RENEWAL:
        found.append(errors.lacking("/clauses", "Cần ít nhất một điều khoản", "At least one clause is needed"))
    if agreement.sign_by is not None and last_day(agreement.sign_by, WorkingCalendar()) < today:
        found.append(errors.lacking("/sign_by", "Hạn ký đã qua", "The last day for signatures has passed"))
    return found


def folded(title: str, number: str | None) -> str:
    return fold(f"{title} {number or ''}")


def _same_words(clause: Clause, before: Clause) -> bool:
    return all(getattr(clause, name) == getattr(before, name) for name in ("heading", "text", "target_clause_id"))


def _same_place(clause: Clause, before: Clause) -> bool:
    return clause.ordinal == before.ordinal


def _check_operation(
    agreement: Agreement, body: ClauseCreate, pointer: str, targets: Mapping[UUID, Clause], seen: set[UUID]
) -> None:
    target = body.target_clause_id
    if agreement.amendment_kind is None:
        if body.operation is not None or target is not None:
            raise errors.NotTaken(
                f"{pointer}/operation",
                "no_amendment",
                "Chỉ phụ lục mới sửa đổi điều khoản.",
                "Only the clauses of an amendment change others.",
            )
        return
    adds = body.operation in (None, ClauseOperation.ADD)
    if adds != (target is None):
        vi, en = (
            ("Điều bổ sung không thay điều nào.", "A clause that is added stands for no other.")
            if adds
            else ("Phải nêu điều được sửa đổi hoặc bãi bỏ.", "Name the clause that is replaced or repealed.")
        )
        raise errors.NotTaken(f"{pointer}/target_clause_id", "target_mismatch", vi, en)
    if target is None:
        return
    if target not in targets:
        raise errors.UnknownReference(f"{pointer}/target_clause_id")
    if target in seen:
        raise errors.NotTaken(
            f"{pointer}/target_clause_id",
            "named_twice",
            "Điều này đã được nêu trong phụ lục.",
            "The amendment names this clause already.",
        )
    seen.add(target)
