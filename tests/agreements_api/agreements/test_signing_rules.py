"""The rules of signing that need no database."""

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from agreements_api.agreements import signing
from agreements_api.agreements.models import Authority, Party, PartyRole, SigningOrder
from agreements_api.agreements.schemas import SignatureCreate
from shared.calendar import WorkingCalendar
from shared.clock import now
from shared.problems import Unprocessable

CALENDAR = WorkingCalendar({date(2026, 11, 20): True})
TODAY = date(2026, 11, 20)
BODY = {"signatory_name": "Trần Thị B", "signatory_title": "Phó Chủ tịch"}
DELEGATION = {"basis": "Quyết định phân công", "number": "12/QĐ-UBND", "principal_title": "Chủ tịch"}


def party(ordinal: int, *, role: PartyRole = PartyRole.SIGNATORY, required: bool = True, signed: bool = False) -> Party:
    return Party(
        agreement_id=uuid4(),
        ordinal=ordinal,
        organization_id=uuid4(),
        organization_name=f"Bên {ordinal}",
        role=role,
        required=required,
        signed_at=now() if signed else None,
    )


@pytest.mark.parametrize(
    ("sign_by", "last"),
    [
        (date(2026, 11, 20), date(2026, 11, 20)),  # a Friday
        (date(2026, 11, 21), date(2026, 11, 23)),  # Saturday: the next working day is Monday
        (date(2026, 11, 22), date(2026, 11, 23)),
    ],
)
def test_a_last_day_that_is_not_worked_is_the_next_working_day(sign_by: date, last: date) -> None:
    assert signing.last_day(sign_by, CALENDAR) == last


def test_what_is_over_is_exactly_what_has_its_last_day_behind_it() -> None:
    days = [date(2026, 11, day) for day in range(9, 29)]
    for today in days:
        over = signing.latest_over(today, CALENDAR)
        assert [day for day in days if day <= over] == [day for day in days if signing.last_day(day, CALENDAR) < today]


def test_in_sequence_an_approver_stands_where_his_number_is() -> None:
    first, approver, last = party(1), party(2, role=PartyRole.APPROVER), party(3)
    parties = [first, approver, last]
    turns = [one for one in parties if signing.is_turn(SigningOrder.SEQUENTIAL, one, parties)]
    assert turns == [first]
    first.signed_at = now()
    assert not signing.is_turn(SigningOrder.SEQUENTIAL, last, parties)
    assert signing.is_turn(SigningOrder.SEQUENTIAL, approver, parties)
    assert all(signing.is_turn(SigningOrder.PARALLEL, one, parties) for one in parties)


def test_nobody_waits_for_a_witness_or_for_whoever_may_sign() -> None:
    parties = [
        party(1, role=PartyRole.WITNESS),
        party(2, required=False),
        party(3, role=PartyRole.APPROVER, required=False),
        party(4),
    ]
    assert signing.awaited(parties) == [parties[3]]
    assert signing.is_turn(SigningOrder.SEQUENTIAL, parties[3], parties)


@pytest.mark.parametrize(
    ("authority", "principal", "printed"),
    [
        (Authority.OWN, None, ["PHÓ CHỦ TỊCH", "Trần Thị B"]),
        (None, None, ["PHÓ CHỦ TỊCH", "Trần Thị B"]),
        (Authority.ON_BEHALF_OF, None, ["TM. ỦY BAN NHÂN DÂN THỊ XÃ ĐÔNG TRIỀU", "PHÓ CHỦ TỊCH", "Trần Thị B"]),
        (Authority.FOR_SUPERIOR, "Chủ tịch", ["KT. CHỦ TỊCH", "PHÓ CHỦ TỊCH", "Trần Thị B"]),
        (Authority.BY_ORDER, "Chủ tịch", ["TL. CHỦ TỊCH", "PHÓ CHỦ TỊCH", "Trần Thị B"]),
        (Authority.BY_AUTHORIZATION, "Chủ tịch", ["TUQ. CHỦ TỊCH", "PHÓ CHỦ TỊCH", "Trần Thị B"]),
    ],
)
def test_a_signature_is_printed_as_its_authority_asks(
    authority: Authority | None, principal: str | None, printed: list[str]
) -> None:
    block = signing.signature_block(
        organization_name="Ủy ban nhân dân thị xã Đông Triều",
        title="Phó Chủ tịch",
        name="Trần Thị B",
        authority=authority,
        principal_title=principal,
    )
    assert block == printed


@pytest.mark.parametrize("authority", ["for_superior", "by_order", "by_authorization"])
@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        (None, "/delegation", "missing"),
        ({"number": None}, "/delegation/number", "missing"),
        ({"principal_title": None}, "/delegation/principal_title", "missing"),
        ({"valid_until": "2026-11-19"}, "/delegation/valid_until", "expired"),
    ],
)
def test_whoever_signs_for_another_says_on_what_ground(
    authority: str, change: dict[str, Any] | None, pointer: str, code: str
) -> None:
    delegation = None if change is None else DELEGATION | change
    body = SignatureCreate.model_validate(BODY | {"authority": authority, "delegation": delegation})
    with pytest.raises(Unprocessable) as refused:
        signing.ground_of(body, TODAY)
    assert [(error.pointer, error.code) for error in refused.value.errors] == [(pointer, code)]


def test_a_delegation_is_good_on_its_last_day() -> None:
    delegation = DELEGATION | {"valid_until": TODAY.isoformat()}
    body = SignatureCreate.model_validate(BODY | {"authority": "by_order", "delegation": delegation})
    assert signing.ground_of(body, TODAY) == signing.Ground(
        Authority.BY_ORDER, "Chủ tịch", "Quyết định phân công", "12/QĐ-UBND", TODAY
    )


def test_free_words_of_a_delegation_are_kept_and_say_nothing_of_its_kind() -> None:
    body = SignatureCreate.model_validate(BODY | {"delegation": "Thừa ủy quyền Bí thư"})
    assert signing.ground_of(body, TODAY) == signing.Ground(None, basis="Thừa ủy quyền Bí thư")
    assert signing.ground_of(SignatureCreate.model_validate(BODY), TODAY) == signing.Ground(Authority.OWN)
