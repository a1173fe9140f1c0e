"""Rules of signing that need no database: whose turn it is, until when, in whose name, and how it is printed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from agreements_api.agreements import errors
from agreements_api.agreements.models import Authority, Party, PartyRole, SigningOrder
from agreements_api.agreements.schemas import SignatureCreate
from shared.calendar import WorkingCalendar

# A hand that signs for somebody else says on what ground (Decree 30/2020/NĐ-CP, article 13).
DELEGATED = frozenset({Authority.FOR_SUPERIOR, Authority.BY_ORDER, Authority.BY_AUTHORIZATION})
_ABBREVIATION = {
    Authority.FOR_SUPERIOR: "KT.",
    Authority.BY_ORDER: "TL.",
    Authority.BY_AUTHORIZATION: "TUQ.",
}


def is_awaited(party: Party) -> bool:
    """Whether the agreement comes into force only with this party's signature; no witness's is waited for."""
    return party.required and party.role != PartyRole.WITNESS


def awaited(parties: Iterable[Party]) -> list[Party]:
    """Those whose signatures are still lacking."""
    return [party for party in parties if is_awaited(party) and party.signed_at is None]


def is_turn(order: str, party: Party, parties: Iterable[Party]) -> bool:
    """In sequence, everybody who is waited for and comes before has signed, approvers like signatories."""
    return order != SigningOrder.SEQUENTIAL or all(other.ordinal >= party.ordinal for other in awaited(parties))


def last_day(sign_by: date, calendar: WorkingCalendar) -> date:
    """The day at whose end the time for signatures is over: `sign_by`, or the first working day after it."""
    return sign_by if calendar.is_working_day(sign_by) else calendar.add_working_days(sign_by, 1)


def is_over(sign_by: date | None, today: date) -> bool:
    """Whether nobody signs any more, though the text has not been taken back yet."""
    return sign_by is not None and last_day(sign_by, WorkingCalendar()) < today


def latest_over(today: date, calendar: WorkingCalendar) -> date:
    """The latest `sign_by` whose last day lies before today: it and every earlier one are over."""
    day = today - timedelta(days=1)
    while last_day(day, calendar) >= today:
        day -= timedelta(days=1)
    return day


@dataclass(frozen=True)
class Ground:
    """In whose name a hand signs, and by which decision."""

    authority: Authority | None
    principal_title: str | None = None
    basis: str | None = None
    number: str | None = None
    valid_until: date | None = None


def ground_of(body: SignatureCreate, today: date) -> Ground:
    """What stands under the signature, once everything is named that it needs."""
    given = body.delegation
    if body.authority not in DELEGATED:
        # Free words of a delegation are taken as before; in whose name they are is then not known.
        known = body.authority if given is None or "authority" in body.model_fields_set else None
        return Ground(known, basis=given.basis if given else None)
    if given is None:
        raise errors.NotTaken(
            "/delegation", "missing", "Ký thay, thừa lệnh hoặc thừa ủy quyền phải nêu căn cứ.", "Say on what ground."
        )
    if given.number is None:
        raise errors.NotTaken(
            "/delegation/number", "missing", "Thiếu số văn bản giao ký.", "The number of the decision is missing."
        )
    if given.principal_title is None:
        raise errors.NotTaken(
            "/delegation/principal_title",
            "missing",
            "Thiếu chức vụ của người đứng đầu.",
            "The title of whom it is signed for is missing.",
        )
    if given.valid_until is not None and given.valid_until < today:
        raise errors.NotTaken(
            "/delegation/valid_until", "expired", "Văn bản giao ký đã hết hiệu lực.", "The delegation has expired."
        )
    return Ground(body.authority, given.principal_title, given.basis, given.number, given.valid_until)


def signature_block(
    *, organization_name: str, title: str, name: str, authority: str | None, principal_title: str | None
) -> list[str]:
    """The lines of a signature as they are printed (Decree 30/2020/NĐ-CP, appendix I, part II, section I.7)."""
    above: Sequence[str] = ()
    if authority == Authority.ON_BEHALF_OF:
        above = (f"TM. {organization_name.upper()}",)
    elif authority in DELEGATED:
        above = (f"{_ABBREVIATION[Authority(authority)]} {(principal_title or '').upper()}",)
    return [*above, title.upper(), name]
