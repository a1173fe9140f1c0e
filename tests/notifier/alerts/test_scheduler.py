"""Due steps become alerts, mails and events: each once, whatever happens meanwhile."""

import asyncio
from datetime import date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from notifier.alerts import repository
from notifier.alerts.expectations import expected_alerts
from notifier.alerts.scheduler import claim, dispatch, dispatch_due, schedule_role
from notifier.deadlines.models import DeadlineRole
from shared import clock
from shared.auth import SYSTEM
from shared.events import AgreementEvent, SigningDue, TaskCompleted, TaskDeadlineChanged, parse_envelope
from tests.notifier.conftest import TUESDAY, World
from tests.notifier.factories import Body, agreement_event, party, person, signing, staffed, task_event

IN_THREE_DAYS = date(2026, 10, 23)
FIVE_DAYS_AGO = date(2026, 10, 13)
TEN_DAYS_AGO = date(2026, 10, 6)


async def test_a_task_that_arrives_overdue_tells_the_specialist_and_escalates_to_the_leader(world: World) -> None:
    lead = staffed()
    event = task_event(lead, due_on=FIVE_DAYS_AGO, moment=TUESDAY)
    await world.meet(lead)
    await world.learn(event)
    await world.fire()
    expected = [
        ("escalation_5", lead.of("leader").account_id),
        ("overdue_3", lead.of("specialist").account_id),
    ]
    assert await world.told(event.task.id) == expected
    assert await world.mailed(event.task.id) == expected
    assert sorted(await world.events()) == [
        "vn.lienvung.deadline.escalated.v1",
        "vn.lienvung.deadline.passed.v1",
    ]


async def test_the_tenth_day_escalates_to_the_leaders_of_the_superior(world: World) -> None:
    province = staffed("Ban Thường vụ Tỉnh ủy")
    lead = staffed(superior=province.id)
    event = task_event(lead, due_on=TEN_DAYS_AGO, moment=TUESDAY)
    await world.meet(province, lead)
    await world.learn(event)
    await world.fire()
    assert ("escalation_10", province.of("leader").account_id) in await world.told(event.task.id)


async def test_only_the_lead_party_escalates(world: World) -> None:
    lead, other = staffed(), staffed()
    event = task_event(lead, due_on=FIVE_DAYS_AGO, moment=TUESDAY, coordinating=[party(other)])
    await world.meet(lead, other)
    await world.learn(event)
    await world.fire()
    told = await world.told(event.task.id)
    assert ("overdue_3", other.of("specialist").account_id) in told
    assert other.of("leader").account_id not in [recipient for _, recipient in told]


async def test_where_there_is_no_specialist_the_leaders_are_told(world: World) -> None:
    lead = Body(people=(person("leader"), person("viewer"), person("specialist", active=False)))
    event = task_event(lead, due_on=IN_THREE_DAYS, moment=TUESDAY)
    await world.meet(lead)
    await world.learn(event)
    await world.fire()
    assert await world.told(event.task.id) == [("before_3", lead.of("leader").account_id)]


async def test_monitoring_parties_and_people_without_an_address_get_no_mail(world: World) -> None:
    lead = Body(people=(person("specialist", email=None),))
    monitor = staffed()
    event = task_event(lead, due_on=IN_THREE_DAYS, moment=TUESDAY, monitoring=[party(monitor)])
    await world.meet(lead, monitor)
    await world.learn(event)
    await world.fire()
    assert {recipient for _, recipient in await world.told(event.task.id)} == {
        lead.of("specialist").account_id,
        monitor.of("specialist").account_id,
    }
    assert await world.mailed(event.task.id) == []


async def test_a_jump_of_the_products_clock_fires_what_lies_between(world: World) -> None:
    lead = staffed()
    event = task_event(lead, due_on=IN_THREE_DAYS, moment=TUESDAY)
    await world.meet(lead)
    await world.learn(event)
    await world.fire()
    assert [step for step, _ in await world.told(event.task.id)] == ["before_3"]
    await world.at(TUESDAY + timedelta(days=14))
    await world.fire()
    assert sorted({step for step, _ in await world.told(event.task.id)}) == sorted(
        ["before_3", "before_1", "due", "overdue_1", "overdue_2", "overdue_3", "escalation_5"]
    )


async def test_nothing_fires_before_eight_and_everything_of_the_day_after(world: World) -> None:
    lead = staffed()
    event = task_event(lead, due_on=date(2026, 10, 26), moment=TUESDAY)
    await world.meet(lead)
    await world.learn(event)
    await world.at(datetime(2026, 10, 21, 7, 59, tzinfo=clock.VN_TZ))
    await world.fire()
    assert await world.told(event.task.id) == []
    await world.at(datetime(2026, 10, 21, 8, 0, 1, tzinfo=clock.VN_TZ))
    await world.fire()
    assert [step for step, _ in await world.told(event.task.id)] == ["before_3"]


async def test_two_schedulers_at_once_dispatch_every_alert_exactly_once(world: World) -> None:
    bodies = [staffed(f"Đơn vị {number}") for number in range(5)]
    events = [task_event(bodies[number % 5], due_on=FIVE_DAYS_AGO, moment=TUESDAY) for number in range(60)]
    await world.meet(*bodies)
    await world.learn(*events)
    small = world.settings.model_copy(update={"schedule_batch": 7})

    async def work() -> None:
        while await dispatch_due(small, world.database):
            pass

    await asyncio.gather(*(work() for _ in range(4)))
    listed = await world.owner.fetch(
        "select task_id, deadline_revision, policy, step, recipient_id, channel from alert"
    )
    expected = expected_alerts(events, [body.snapshot() for body in bodies], clock.now())
    assert sorted(tuple(str(value) for value in row.values()) for row in listed) == sorted(
        identity for identity in expected if identity[-1] == "in_app"
    )
    assert len(await world.events()) == 120


async def test_a_crashed_schedulers_steps_are_taken_over_when_its_lease_ends(world: World) -> None:
    lead = staffed()
    event = task_event(lead, due_on=IN_THREE_DAYS, moment=TUESDAY)
    await world.meet(lead)
    await world.learn(event)
    assert len(await claim(world.settings, world.database)) == 1
    # It was killed here, after its claim was committed.
    assert await dispatch_due(world.settings, world.database) == 0
    await world.at(TUESDAY + timedelta(seconds=world.settings.schedule_lease_seconds + 1))
    assert await dispatch_due(world.settings, world.database) == 1
    assert [step for step, _ in await world.told(event.task.id)] == ["before_3"]


async def test_a_scheduler_that_wakes_after_its_lease_does_nothing(world: World) -> None:
    lead = staffed()
    event = task_event(lead, due_on=IN_THREE_DAYS, moment=TUESDAY)
    await world.meet(lead)
    await world.learn(event)
    stale = await claim(world.settings, world.database)
    await world.at(TUESDAY + timedelta(seconds=world.settings.schedule_lease_seconds + 1))
    fresh = await claim(world.settings, world.database)
    assert await dispatch(world.database, stale) == 0
    assert await dispatch(world.database, fresh) == 1
    assert len(await world.told(event.task.id)) == 1


async def test_a_step_waits_for_an_organisation_that_is_not_known_yet(world: World) -> None:
    lead = staffed()
    event = task_event(lead, due_on=IN_THREE_DAYS, moment=TUESDAY)
    await world.learn(event)
    await world.fire()
    assert await world.told(event.task.id) == []
    assert (await world.steps(event.task.id))["before_3"] == "planned"
    await world.meet(lead)
    await world.fire()
    assert [step for step, _ in await world.told(event.task.id)] == ["before_3"]


async def test_an_escalation_waits_for_the_superiors_people(world: World) -> None:
    province = staffed("Ban Thường vụ Tỉnh ủy")
    lead = staffed(superior=province.id)
    event = task_event(lead, due_on=TEN_DAYS_AGO, moment=TUESDAY)
    await world.meet(lead)
    await world.learn(event)
    await world.fire()
    assert (await world.steps(event.task.id))["escalation_10"] == "planned"
    await world.meet(province)
    await world.fire()
    assert (await world.steps(event.task.id))["escalation_10"] == "dispatched"


async def test_where_nobody_stands_above_the_lead_that_escalation_is_dropped(world: World) -> None:
    lead = staffed()
    event = task_event(lead, due_on=TEN_DAYS_AGO, moment=TUESDAY)
    await world.meet(lead)
    await world.learn(event)
    await world.fire()
    assert (await world.steps(event.task.id))["escalation_10"] == "dropped"


async def test_a_step_of_a_date_that_is_overtaken_tells_nobody(world: World) -> None:
    lead, task_id = staffed(), uuid4()
    await world.meet(lead)
    await world.learn(task_event(lead, due_on=IN_THREE_DAYS, moment=TUESDAY, task_id=task_id))
    claimed = await claim(world.settings, world.database)
    assert claimed
    await world.learn(
        task_event(
            lead, due_on=date(2026, 12, 31), moment=TUESDAY, kind=TaskDeadlineChanged, task_id=task_id, version=2
        )
    )
    assert await dispatch(world.database, claimed) == 0
    assert await world.told(task_id) == []


async def test_a_completed_task_tells_nobody(world: World) -> None:
    lead, task_id = staffed(), uuid4()
    await world.meet(lead)
    await world.learn(
        task_event(lead, due_on=IN_THREE_DAYS, moment=TUESDAY, task_id=task_id),
        task_event(
            lead,
            due_on=IN_THREE_DAYS,
            moment=TUESDAY,
            kind=TaskCompleted,
            task_id=task_id,
            version=2,
            status="completed",
        ),
    )
    await world.at(TUESDAY + timedelta(days=20))
    await world.fire()
    assert await world.told(task_id) == []


async def test_the_reconciler_plans_again_what_was_lost(world: World) -> None:
    lead = staffed()
    event = task_event(lead, due_on=IN_THREE_DAYS, moment=TUESDAY)
    await world.meet(lead)
    await world.learn(event)
    await world.owner.execute("delete from alert_step")
    assert await world.planner.reconcile(world.database) == 2
    assert await world.steps(event.task.id) == {"before_3": "planned", "before_1": "planned"}
    assert await world.planner.reconcile(world.database) == 0


async def test_steps_that_are_planned_again_after_they_fired_do_not_fire_again(world: World) -> None:
    lead = staffed()
    event = task_event(lead, due_on=FIVE_DAYS_AGO, moment=TUESDAY)
    await world.meet(lead)
    await world.learn(event)
    await world.fire()
    told, events = await world.told(event.task.id), await world.events()
    await world.owner.execute("update alert_step set state = 'planned', ready_at = fire_at")
    await world.fire()
    assert (await world.told(event.task.id), await world.events()) == (told, events)


async def test_nothing_is_dispatched_while_deadlines_are_learned_again(world: World) -> None:
    lead = staffed()
    event = task_event(lead, due_on=IN_THREE_DAYS, moment=TUESDAY)
    await world.meet(lead)
    await world.learn(event)
    await world.owner.execute("select pg_advisory_lock($1)", repository.HOLD_LOCK)
    try:
        await world.fire()
        assert await world.told(event.task.id) == []
    finally:
        await world.owner.execute("select pg_advisory_unlock($1)", repository.HOLD_LOCK)
    await world.fire()
    assert len(await world.told(event.task.id)) == 1


async def test_the_event_names_the_members_and_the_step(world: World) -> None:
    lead, stranger = staffed(), uuid4()
    event = task_event(lead, due_on=FIVE_DAYS_AGO, moment=TUESDAY, members=[lead.id, stranger])
    await world.meet(lead)
    await world.learn(event)
    await world.fire()
    rows = await world.owner.fetch("select payload::text, key from outbox where type like '%passed%'")
    published = parse_envelope(rows[0]["payload"]).data
    assert rows[0]["key"] == str(event.task.agreement_id)
    assert published.members == [lead.id, stranger]
    assert published.model_dump(mode="json")["alert"]["step"] == "overdue_3"
    assert published.model_dump(mode="json")["alert"]["recipients"] == 1


@pytest.mark.parametrize("role", [DeadlineRole.LEAD, DeadlineRole.COORDINATING, DeadlineRole.MONITORING])
@pytest.mark.parametrize("due_on", [IN_THREE_DAYS, FIVE_DAYS_AGO, TEN_DAYS_AGO, date(2026, 10, 20), None])
async def test_what_is_told_is_what_the_fault_checker_expects(
    world: World, role: DeadlineRole, due_on: date | None
) -> None:
    province = staffed("Ban Thường vụ Tỉnh ủy")
    body = staffed(superior=province.id).joined_by(person("specialist", email=None), person("leader", active=False))
    leaders_only = Body(people=(person("leader"),), superior=province.id)
    parties = {
        DeadlineRole.LEAD: {},
        DeadlineRole.COORDINATING: {"coordinating": [party(leaders_only)]},
        DeadlineRole.MONITORING: {"monitoring": [party(leaders_only)]},
    }[role]
    event = task_event(body, due_on=due_on, moment=TUESDAY, **parties)  # type: ignore[arg-type]
    await world.meet(province, body, leaders_only)
    opted_out = body.of("specialist").account_id
    await world.owner.execute("insert into mail_optout values ($1, now())", opted_out)
    await world.learn(event)
    await world.at(TUESDAY + timedelta(days=8))
    await world.fire()
    snapshots = [one.snapshot() for one in (province, body, leaders_only)]
    expected = expected_alerts([event], snapshots, clock.now(), opted_out=[opted_out])
    assert _pairs(expected, "in_app") == await world.told(event.task.id)
    assert _pairs(expected, "email") == await world.mailed(event.task.id)


def _pairs(expected: set[tuple[str, str, str, str, str, str]], channel: str) -> list[tuple[str, UUID]]:
    return sorted((identity[3], UUID(identity[4])) for identity in expected if identity[5] == channel)


@pytest.mark.parametrize("sign_by", [date(2026, 10, 20), IN_THREE_DAYS, date(2026, 10, 25), None])
@pytest.mark.parametrize("order", ["parallel", "sequential"])
async def test_what_is_told_of_signatures_is_what_the_fault_checker_expects(
    world: World, order: str, sign_by: date | None
) -> None:
    first = staffed().joined_by(person("leader", email=None), person("leader", active=False))
    second, last = staffed(), Body(people=(person("leader", "specialist"),))
    await world.meet(first, second, last)
    await world.owner.execute("insert into mail_optout values ($1, now())", second.of("leader").account_id)
    agreement_id = uuid4()

    def event(version: int, moment: datetime, *signed: Body) -> AgreementEvent:
        return agreement_event(
            *(
                signing(body, ordinal=ordinal, signed_at=moment if body in signed else None)
                for ordinal, body in enumerate((first, second, last))
            ),
            sign_by=sign_by,
            moment=moment,
            agreement_id=agreement_id,
            version=version,
            signing_order=order,
        )

    events = [event(2, TUESDAY)]
    await world.learn(*events)
    await world.fire()
    snapshots = [body.snapshot() for body in (first, second, last)]
    opted_out = [second.of("leader").account_id]
    expected = expected_alerts(events, snapshots, clock.now(), opted_out=opted_out)
    assert bool(expected) == (sign_by is not None and sign_by <= IN_THREE_DAYS)
    assert _pairs(expected, "in_app") == await world.told(agreement_id)

    signed_at = TUESDAY + timedelta(hours=1)
    await world.at(signed_at)
    events.append(event(3, signed_at, first))
    await world.learn(events[-1])
    await world.at(TUESDAY + timedelta(days=6))
    await world.fire()
    expected |= expected_alerts(events, snapshots, clock.now(), opted_out=opted_out)
    assert _pairs(expected, "in_app") == await world.told(agreement_id)
    assert _pairs(expected, "email") == await world.mailed(agreement_id)


async def test_the_role_reminds_of_a_signature_when_the_clock_is_moved(world: World) -> None:
    body = staffed()
    event = agreement_event(signing(body), sign_by=date(2026, 11, 6), moment=TUESDAY)
    await world.meet(body)
    await world.learn(event)
    stop = asyncio.Event()
    quick = world.settings.model_copy(update={"schedule_poll_seconds": 0.02})
    running = asyncio.ensure_future(schedule_role(quick, world.database)(stop))
    try:
        # Ten working days later than the last day: what should escalate would have.
        await world.at(TUESDAY + timedelta(days=31))
        async with asyncio.timeout(20):
            while len(await world.told(event.agreement.id)) < 4:  # noqa: ASYNC110 - the database has no event
                await asyncio.sleep(0.05)
    finally:
        stop.set()
        await running
    leader = body.of("leader").account_id
    assert await world.told(event.agreement.id) == [
        (step, leader) for step in ("before_1", "before_3", "before_7", "due")
    ]
    rows = await world.owner.fetch("select type, key, payload::text from outbox order by id")
    assert sorted(row["type"] for row in rows) == [*["vn.lienvung.signing.approaching.v1"] * 3, SigningDue.type]
    assert {row["key"] for row in rows} == {str(event.agreement.id)}
    (due,) = [parse_envelope(row["payload"]).data for row in rows if row["type"] == SigningDue.type]
    assert isinstance(due, SigningDue)
    assert (due.members, due.alert.agreement_id, due.alert.due_on) == ([body.id], event.agreement.id, date(2026, 11, 6))
    assert (due.alert.step, due.alert.recipients, due.alert.organization_ids) == ("due", 1, [body.id])


async def test_a_signature_waits_for_a_leader_who_can_be_reminded(world: World) -> None:
    body = Body(people=(person("specialist"),))
    event = agreement_event(signing(body), sign_by=IN_THREE_DAYS, moment=TUESDAY)
    await world.meet(body)
    await world.learn(event)
    await world.fire()
    assert await world.told(event.agreement.id) == []
    leader = person("leader")
    await world.learn(body.joined_by(leader).event(TUESDAY, 2))
    await world.fire()
    assert await world.told(event.agreement.id) == [("before_3", leader.account_id)]


async def test_due_steps_are_found_by_index_however_many_are_done(world: World) -> None:
    await world.owner.execute(
        "insert into alert_step (id, task_id, organization_id, revision, policy, step, kind, audience, fire_at,"
        " ready_at, state) select gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 'p', 's', 'due',"
        " 'party', now(), now(), 'dispatched' from generate_series(1, 5000)"
    )
    await world.owner.execute("analyze alert_step")
    async with world.database.read(SYSTEM) as connection:
        plan = await connection.fetch(
            "explain select id from alert_step where state = 'planned' and ready_at <= lienvung_now()"
            " order by ready_at limit 500 for update skip locked"
        )
    assert any("alert_step_ready" in row[0] for row in plan)


async def test_the_role_fires_by_itself_when_the_clock_is_moved(world: World) -> None:
    lead = staffed()
    event = task_event(lead, due_on=date(2026, 11, 6), moment=TUESDAY)
    await world.meet(lead)
    await world.learn(event)
    stop = asyncio.Event()
    quick = world.settings.model_copy(update={"schedule_poll_seconds": 0.02})
    running = asyncio.ensure_future(schedule_role(quick, world.database)(stop))
    try:
        await world.at(TUESDAY + timedelta(days=17))
        async with asyncio.timeout(20):
            while len(await world.told(event.task.id)) < 4:  # noqa: ASYNC110 - the database has no event
                await asyncio.sleep(0.05)
    finally:
        stop.set()
        await running
    assert [step for step, _ in await world.told(event.task.id)] == ["before_1", "before_3", "before_7", "due"]
