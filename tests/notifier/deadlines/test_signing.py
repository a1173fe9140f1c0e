"""An agreement that is open for signature comes due for those who have not signed and whose turn it is."""

from datetime import date, timedelta
from uuid import UUID, uuid4

import pytest

from notifier.deadlines.models import Deadline
from notifier.deadlines.signing import advance_signing
from shared.calendar import WorkingCalendar
from shared.events import (
    AgreementDeclined,
    AgreementEvent,
    AgreementInForce,
    AgreementOpenedForSignature,
    AgreementRecalled,
    AgreementSigned,
    AgreementSigningExpired,
    AgreementTerminated,
)
from tests.notifier.conftest import TUESDAY, World
from tests.notifier.factories import agreement_event, signing, staffed, task_event

SIGN_BY = date(2026, 10, 23)
CALENDAR = WorkingCalendar()
A_WHILE = timedelta(hours=2)


def replayed(*events: AgreementEvent) -> dict[UUID, Deadline]:
    """The deadlines after these events, by organisation."""
    known: dict[UUID, Deadline] = {}
    for event in events:
        deadlines = advance_signing(known, event.agreement, event.version, event.occurred_at, CALENDAR)
        known = {deadline.organization_id: deadline for deadline in deadlines}
    return known


def test_every_required_party_is_asked_in_parallel_and_no_witness() -> None:
    first, second, optional, witness = staffed(), staffed(), staffed(), staffed()
    found = replayed(
        agreement_event(
            signing(first),
            signing(second, role="approver"),
            signing(optional, required=False),
            signing(witness, role="witness"),
            sign_by=SIGN_BY,
            moment=TUESDAY,
        )
    )
    assert {key: (str(one.role), one.due_on, one.is_open) for key, one in found.items()} == {
        first.id: ("signatory", SIGN_BY, True),
        second.id: ("approver", SIGN_BY, True),
    }


@pytest.mark.parametrize(
    ("status", "sign_by"),
    [("open_for_signature", None), ("draft", SIGN_BY), ("in_force", SIGN_BY), ("suspended", SIGN_BY)],
)
def test_nothing_is_due_without_a_last_day_or_while_it_is_not_open(status: str, sign_by: date | None) -> None:
    assert replayed(agreement_event(signing(staffed()), sign_by=sign_by, moment=TUESDAY, status=status)) == {}


@pytest.mark.parametrize(
    ("sign_by", "due_on"),
    [
        (date(2026, 10, 23), date(2026, 10, 23)),
        (date(2026, 10, 25), date(2026, 10, 26)),
        # The first days of May are days off.
        (date(2026, 4, 30), date(2026, 5, 4)),
    ],
)
def test_a_day_that_is_not_worked_moves_the_end_to_the_next_that_is(sign_by: date, due_on: date) -> None:
    body = staffed()
    found = replayed(agreement_event(signing(body), sign_by=sign_by, moment=TUESDAY))
    assert found[body.id].due_on == due_on


def test_in_sequence_only_those_are_asked_whose_turn_it_is() -> None:
    first, beside, optional, second, last = staffed(), staffed(), staffed(), staffed(), staffed()
    agreement_id = uuid4()

    def event(version: int, *signed: UUID) -> AgreementEvent:
        order = [(first, 1), (beside, 1), (optional, 2), (second, 3), (last, 4)]
        return agreement_event(
            *(
                signing(
                    body,
                    ordinal=ordinal,
                    required=body is not optional,
                    signed_at=TUESDAY if body.id in signed else None,
                )
                for body, ordinal in order
            ),
            sign_by=SIGN_BY,
            moment=TUESDAY + version * A_WHILE,
            agreement_id=agreement_id,
            version=version,
            signing_order="sequential",
        )

    opened, one, both = event(2), event(3, beside.id), event(4, beside.id, first.id)
    assert open_ones(replayed(opened)) == {first.id, beside.id}
    assert open_ones(replayed(opened, one)) == {first.id}
    after = replayed(opened, one, both)
    assert open_ones(after) == {second.id}
    assert set(after) == {first.id, beside.id, second.id}
    # Its reminders look forward from the moment at which its turn came.
    assert after[second.id].since == TUESDAY + 4 * A_WHILE


def test_another_partys_signature_changes_nothing_for_those_who_are_still_asked() -> None:
    first, second, agreement_id = staffed(), staffed(), uuid4()
    opened = agreement_event(
        signing(first), signing(second), sign_by=SIGN_BY, moment=TUESDAY, agreement_id=agreement_id
    )
    signed = agreement_event(
        signing(first, signed_at=TUESDAY + A_WHILE),
        signing(second),
        sign_by=SIGN_BY,
        moment=TUESDAY + A_WHILE,
        kind=AgreementSigned,
        agreement_id=agreement_id,
        version=3,
    )
    after = replayed(opened, signed)
    assert open_ones(after) == {second.id}
    assert (after[second.id].revision, after[second.id].since) == (1, TUESDAY)


@pytest.mark.parametrize("days", [0, 7])
def test_a_text_that_is_opened_again_is_another_one_to_sign(days: int) -> None:
    body, agreement_id = staffed(), uuid4()
    again = TUESDAY + A_WHILE
    found = replayed(
        agreement_event(signing(body), sign_by=SIGN_BY, moment=TUESDAY, agreement_id=agreement_id),
        agreement_event(
            signing(body),
            sign_by=SIGN_BY,
            moment=TUESDAY,
            kind=AgreementRecalled,
            agreement_id=agreement_id,
            version=3,
            status="draft",
        ),
        agreement_event(
            signing(body),
            sign_by=SIGN_BY + timedelta(days=days),
            moment=again,
            agreement_id=agreement_id,
            version=4,
        ),
    )
    assert (found[body.id].is_open, found[body.id].revision, found[body.id].since) == (True, 2, again)


def open_ones(deadlines: dict[UUID, Deadline]) -> set[UUID]:
    return {key for key, one in deadlines.items() if one.is_open}


async def test_an_agreement_that_is_opened_has_its_reminders_planned_for_the_leaders(world: World) -> None:
    body = staffed()
    event = agreement_event(signing(body), sign_by=SIGN_BY, moment=TUESDAY)
    await world.meet(body)
    await world.learn(event)
    assert await world.steps(event.agreement.id) == {"before_3": "planned", "before_1": "planned"}
    await world.fire()
    # Not the specialist: he cannot sign.
    told = [("before_3", body.of("leader").account_id)]
    assert await world.told(event.agreement.id) == told
    assert await world.mailed(event.agreement.id) == told
    assert await world.events() == ["vn.lienvung.signing.approaching.v1"]


async def test_one_who_has_signed_is_reminded_no_more_and_the_others_are(world: World) -> None:
    first, second, agreement_id = staffed(), staffed(), uuid4()
    await world.meet(first, second)
    await world.learn(
        agreement_event(signing(first), signing(second), sign_by=SIGN_BY, moment=TUESDAY, agreement_id=agreement_id),
        agreement_event(
            signing(first, signed_at=TUESDAY),
            signing(second),
            sign_by=SIGN_BY,
            moment=TUESDAY,
            kind=AgreementSigned,
            agreement_id=agreement_id,
            version=3,
        ),
    )
    await world.at(TUESDAY + timedelta(days=4))
    await world.fire()
    leader = second.of("leader").account_id
    assert await world.told(agreement_id) == [("before_1", leader), ("before_3", leader), ("due", leader)]


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (AgreementDeclined, "draft"),
        (AgreementRecalled, "draft"),
        (AgreementSigningExpired, "draft"),
        (AgreementInForce, "in_force"),
        (AgreementTerminated, "terminated"),
    ],
)
async def test_when_signing_ends_nobody_is_reminded(world: World, kind: type[AgreementEvent], status: str) -> None:
    body, agreement_id = staffed(), uuid4()
    await world.meet(body)
    await world.learn(agreement_event(signing(body), sign_by=SIGN_BY, moment=TUESDAY, agreement_id=agreement_id))
    await world.learn(
        agreement_event(
            signing(body),
            sign_by=SIGN_BY,
            moment=TUESDAY,
            kind=kind,
            agreement_id=agreement_id,
            version=3,
            status=status,
        )
    )
    assert await world.steps(agreement_id) == {}
    await world.at(TUESDAY + timedelta(days=20))
    await world.fire()
    assert await world.told(agreement_id) == []
    assert [row["is_open"] for row in await world.deadlines(agreement_id)] == [False]


async def test_a_party_whose_turn_comes_late_gets_what_is_left(world: World) -> None:
    first, second, agreement_id = staffed(), staffed(), uuid4()
    await world.meet(first, second)
    opened = agreement_event(
        signing(first, ordinal=1),
        signing(second, ordinal=2),
        sign_by=SIGN_BY,
        moment=TUESDAY,
        agreement_id=agreement_id,
        signing_order="sequential",
    )
    await world.learn(opened)
    await world.fire()
    assert await world.told(agreement_id) == [("before_3", first.of("leader").account_id)]
    wednesday = TUESDAY + timedelta(days=1)
    await world.at(wednesday)
    await world.learn(
        agreement_event(
            signing(first, ordinal=1, signed_at=wednesday),
            signing(second, ordinal=2),
            sign_by=SIGN_BY,
            moment=wednesday,
            kind=AgreementSigned,
            agreement_id=agreement_id,
            version=3,
            signing_order="sequential",
        )
    )
    await world.at(TUESDAY + timedelta(days=4))
    await world.fire()
    assert await world.told(agreement_id) == [
        ("before_1", second.of("leader").account_id),
        ("before_3", first.of("leader").account_id),
        ("due", second.of("leader").account_id),
    ]


async def test_opened_again_until_the_same_day_its_parties_are_reminded_again(world: World) -> None:
    body, agreement_id = staffed(), uuid4()
    await world.meet(body)
    leader = body.of("leader").account_id
    await world.learn(agreement_event(signing(body), sign_by=SIGN_BY, moment=TUESDAY, agreement_id=agreement_id))
    await world.fire()
    await world.learn(
        agreement_event(
            signing(body),
            sign_by=SIGN_BY,
            moment=TUESDAY,
            kind=AgreementRecalled,
            agreement_id=agreement_id,
            version=3,
            status="draft",
        ),
        agreement_event(
            signing(body),
            sign_by=SIGN_BY,
            moment=TUESDAY,
            kind=AgreementOpenedForSignature,
            agreement_id=agreement_id,
            version=4,
        ),
    )
    await world.fire()
    assert await world.told(agreement_id) == [("before_3", leader), ("before_3", leader)]


async def test_nothing_is_kept_of_an_agreement_that_asks_for_nothing(world: World) -> None:
    await world.learn(agreement_event(signing(staffed()), sign_by=None, moment=TUESDAY))
    assert await world.owner.fetchval("select count(*) from task") == 0


async def test_an_agreements_event_that_comes_again_changes_nothing(world: World) -> None:
    body, agreement_id = staffed(), uuid4()
    opened = agreement_event(signing(body), sign_by=SIGN_BY, moment=TUESDAY, agreement_id=agreement_id)
    in_force = agreement_event(
        signing(body, signed_at=TUESDAY),
        sign_by=SIGN_BY,
        moment=TUESDAY,
        kind=AgreementInForce,
        agreement_id=agreement_id,
        version=4,
        status="in_force",
    )
    await world.learn(opened, in_force)
    before = await world.owner.fetch("select * from deadline")
    await world.learn(in_force, opened, in_force)
    assert await world.owner.fetch("select * from deadline") == before
    assert [(row["is_open"], row["task_version"]) for row in before] == [(False, 4)]


async def test_tasks_and_signatures_of_one_batch_each_have_their_own_steps(world: World) -> None:
    body = staffed()
    task = task_event(body, due_on=SIGN_BY, moment=TUESDAY)
    agreement = agreement_event(signing(body), sign_by=SIGN_BY, moment=TUESDAY)
    await world.meet(body)
    await world.learn_together(task, agreement)
    rows = await world.owner.fetch("select task_id, policy, step, audience from alert_step")
    assert {tuple(row.values()) for row in rows} == {
        (subject_id, policy, step, audience)
        for subject_id, policy, audience in (
            (task.task.id, "default.v1", "party"),
            (agreement.agreement.id, "signing.v1", "signers"),
        )
        for step in ("before_3", "before_1")
    }
    await world.owner.execute("delete from alert_step")
    assert await world.planner.reconcile(world.database) == 4
