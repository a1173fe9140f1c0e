"""The list of alerts as its owner, and nobody else, sees it."""

from datetime import date, datetime, timedelta
from hashlib import md5
from typing import Any
from uuid import UUID, uuid4

import pytest

from notifier.alerts import repository
from notifier.alerts.schemas import AlertPublic
from shared.auth import SYSTEM, Actor
from tests.notifier.conftest import TUESDAY, Door, World, problem
from tests.notifier.factories import Body, agreement_event, signing, staffed, task_event

SOON = date(2026, 10, 23)
OVERDUE = date(2026, 10, 13)


async def alerted(world: World, body: Body, *due_dates: date) -> list[UUID]:
    """Tasks of which everybody concerned has just been told."""
    events = [task_event(body, due_on=due_on, moment=TUESDAY) for due_on in due_dates]
    await world.meet(body)
    await world.learn(*events)
    await world.fire()
    return [event.task.id for event in events]


async def test_everybody_sees_their_own_alerts_and_only_those(world: World, door: Door) -> None:
    body, other = staffed(), staffed()
    (task_id,) = await alerted(world, body, OVERDUE)
    await alerted(world, other, OVERDUE)
    answer = await door.caller(body).get("/v1/alerts", count=True)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    assert (page["total"], page["next_cursor"]) == (1, None)
    (alert,) = [AlertPublic.model_validate(item) for item in page["items"]]
    assert (alert.task_id, alert.step, alert.kind, alert.working_days_left) == (task_id, "overdue_3", "overdue", -5)
    assert alert.message == "Quá hạn 5 ngày làm việc (hạn 13/10/2026): Rà soát khu vực xâm canh"
    leaders = (await door.caller(body, "leader").get("/v1/alerts")).json()["items"]
    assert [item["step"] for item in leaders] == ["escalation_5"]


async def test_a_reminder_of_a_signature_leads_to_the_agreement(world: World, door: Door) -> None:
    body = staffed()
    event = agreement_event(signing(body, role="approver"), sign_by=SOON, moment=TUESDAY)
    await world.meet(body)
    await world.learn(event)
    await world.fire()
    leader = door.caller(body, "leader")
    (item,) = (await leader.get("/v1/alerts")).json()["items"]
    alert = AlertPublic.model_validate(item)
    assert (alert.subject_kind, alert.subject_url) == ("agreement", f"/v1/agreements/{event.agreement.id}")
    assert (alert.task_id, alert.task_title, alert.agreement_id) == (None, None, event.agreement.id)
    assert (alert.kind, alert.step, alert.role, alert.due_on) == ("approaching", "before_3", "approver", SOON)
    title = event.agreement.title
    assert alert.message == f"Sắp đến hạn ký, còn 3 ngày làm việc (hạn ký 23/10/2026): {title}"
    (item,) = (await leader.get("/v1/alerts", {"Accept-Language": "en"})).json()["items"]
    assert item["message"] == f"3 working days left to sign (sign by 23/10/2026): {title}"
    assert (await door.caller(body).get("/v1/alerts")).json()["items"] == []
    read = await leader.post(f"/v1/alerts/{alert.id}/read")
    assert (read.status_code, read.json()["subject_kind"]) == (200, "agreement")


async def test_an_alert_of_a_task_says_that_it_is_of_one(world: World, door: Door) -> None:
    body = staffed()
    (task_id,) = await alerted(world, body, SOON)
    (alert,) = (await door.caller(body).get("/v1/alerts")).json()["items"]
    assert (alert["subject_kind"], alert["subject_url"]) == ("task", f"/v1/tasks/{task_id}")


async def test_the_message_speaks_the_callers_language(world: World, door: Door) -> None:
    body = staffed()
    await alerted(world, body, SOON)
    answer = await door.caller(body).get("/v1/alerts", {"Accept-Language": "en"})
    assert answer.json()["items"][0]["message"].startswith("3 working days left (deadline 23/10/2026)")


async def test_pages_follow_each_other_without_gap_or_repetition(world: World, door: Door) -> None:
    body = staffed()
    await alerted(world, body, *[SOON] * 7)
    caller = door.caller(body)
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        answer = await caller.get("/v1/alerts", limit=3, **cursor)
        page = answer.json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        assert 'rel="next"' in answer.headers["link"]
        cursor = {"cursor": page["next_cursor"]}
    assert len(seen) == len(set(seen)) == 7


async def test_a_read_alert_leaves_the_unread_ones(world: World, door: Door) -> None:
    body = staffed()
    first, second = await alerted(world, body, SOON, OVERDUE)
    caller = door.caller(body)
    (alert,) = (await caller.get("/v1/alerts", task_id=first)).json()["items"]
    answer = await caller.post(f"/v1/alerts/{alert['id']}/read")
    assert (answer.status_code, answer.headers["etag"]) == (200, '"v2"')
    assert answer.json()["read_at"] is not None
    assert answer.json()["allowed_actions"] == ["snooze"]
    unread = (await caller.get("/v1/alerts", unread=True)).json()["items"]
    assert [item["task_id"] for item in unread] == [str(second)]
    assert (await caller.post(f"/v1/alerts/{alert['id']}/read")).headers["etag"] == '"v2"'


async def test_a_snoozed_alert_comes_back(world: World, door: Door) -> None:
    body = staffed()
    await alerted(world, body, SOON)
    caller = door.caller(body)
    (alert,) = (await caller.get("/v1/alerts")).json()["items"]
    until = TUESDAY + timedelta(hours=4)
    answer = await caller.post(f"/v1/alerts/{alert['id']}/snooze", {"until": until.isoformat()})
    assert datetime.fromisoformat(answer.json()["snoozed_until"]) == until
    assert (await caller.get("/v1/alerts", unread=True)).json()["items"] == []
    summary = (await caller.get("/v1/alerts/summary")).json()
    assert (summary["unread"], summary["snoozed"]) == (0, 1)
    await world.at(until + timedelta(minutes=1))
    assert len((await caller.get("/v1/alerts", unread=True)).json()["items"]) == 1


@pytest.mark.parametrize("offset", [timedelta(0), timedelta(hours=-1), timedelta(days=31), timedelta(days=365 * 7000)])
async def test_a_snooze_into_the_past_or_for_ever_names_its_field(world: World, door: Door, offset: timedelta) -> None:
    body = staffed()
    await alerted(world, body, SOON)
    caller = door.caller(body)
    (alert,) = (await caller.get("/v1/alerts")).json()["items"]
    until = (TUESDAY + offset).isoformat()
    refused = problem(await caller.post(f"/v1/alerts/{alert['id']}/snooze", {"until": until}), 422)
    assert [error["pointer"] for error in refused["errors"]] == ["/until"]


async def test_the_summary_counts_by_kind(world: World, door: Door) -> None:
    body = staffed()
    await alerted(world, body, SOON, SOON, OVERDUE)
    summary = (await door.caller(body).get("/v1/alerts/summary")).json()
    assert summary["unread"] == 3
    assert summary["by_kind"] == {"asked": 0, "approaching": 2, "due": 0, "overdue": 1, "escalated": 0}
    nobody = (await door.caller(staffed()).get("/v1/alerts/summary")).json()
    assert (nobody["unread"], nobody["newest_at"]) == (0, None)


async def test_read_all_marks_those_of_a_task_or_all(world: World, door: Door) -> None:
    body = staffed()
    first, _ = await alerted(world, body, SOON, OVERDUE)
    caller = door.caller(body)
    assert (await caller.post("/v1/alerts/read-all", {"task_id": str(first)})).json() == {"read": 1}
    assert (await caller.post("/v1/alerts/read-all")).json() == {"read": 1}
    assert (await caller.get("/v1/alerts/summary")).json()["unread"] == 0
    assert (await door.caller(body, "leader").get("/v1/alerts/summary")).json()["unread"] == 1


async def test_read_all_leaves_what_fired_after_the_moment_the_caller_saw(world: World, door: Door) -> None:
    body = staffed()
    await alerted(world, body, SOON)
    before = (TUESDAY - timedelta(minutes=1)).isoformat()
    assert (await door.caller(body).post("/v1/alerts/read-all", {"before": before})).json() == {"read": 0}


@pytest.mark.parametrize(
    ("before", "read"),
    [("0001-01-01T00:00:00+07:00", 0), ("9999-12-31T23:59:59-07:00", 1), ("2026-10-20T10:00:00", 1)],
)
async def test_read_all_takes_any_moment_of_the_calendar(world: World, door: Door, before: str, read: int) -> None:
    body = staffed()
    await alerted(world, body, SOON)
    assert (await door.caller(body).post("/v1/alerts/read-all", {"before": before})).json() == {"read": read}


async def test_anothers_alert_does_not_exist(world: World, door: Door) -> None:
    body = staffed()
    await alerted(world, body, SOON)
    (alert,) = (await door.caller(body).get("/v1/alerts")).json()["items"]
    for stranger in (door.caller(body, "leader"), door.caller(staffed())):
        problem(await stranger.post(f"/v1/alerts/{alert['id']}/read"), 404)
    problem(await door.caller(body).post(f"/v1/alerts/{uuid4()}/read"), 404)


async def test_a_tag_is_not_demanded_and_a_stale_one_is_refused(world: World, door: Door) -> None:
    body = staffed()
    await alerted(world, body, SOON)
    caller = door.caller(body)
    (alert,) = (await caller.get("/v1/alerts")).json()["items"]
    problem(await caller.post(f"/v1/alerts/{alert['id']}/read", **{"If-Match": '"v7"'}), 412)
    assert (await caller.post(f"/v1/alerts/{alert['id']}/read", **{"If-Match": '"v1"'})).status_code == 200


async def test_a_change_needs_a_key_and_repeats_its_answer(world: World, door: Door) -> None:
    body = staffed()
    await alerted(world, body, SOON)
    caller = door.caller(body)
    answer = await caller.http.post("/v1/alerts/read-all", headers=caller.headers)
    assert problem(answer, 400)["code"] == "idempotency_key_missing"
    first = await caller.post("/v1/alerts/read-all", **{"Idempotency-Key": "once"})
    again = await caller.post("/v1/alerts/read-all", **{"Idempotency-Key": "once"})
    assert first.json() == again.json() == {"read": 1}
    assert again.headers["idempotency-replayed"] == "true"


@pytest.mark.parametrize(
    ("query", "status"),
    [({"cursor": "AAAA"}, 400), ({"limit": 0}, 422), ({"limit": 201}, 422), ({"task_id": "x"}, 422)],
)
async def test_bad_parameters_are_named(door: Door, query: dict[str, Any], status: int) -> None:
    refused = problem(await door.caller(staffed()).get("/v1/alerts", **query), status)
    assert [error["pointer"] for error in refused["errors"]] == [f"/query/{next(iter(query))}"]


async def test_nobody_is_let_in_without_a_token(door: Door) -> None:
    for path in ("/v1/alerts", "/v1/alerts/summary", "/v1/deadlines", "/v1/events", "/v1/event-types"):
        problem(await door.http.get(path), 401)


async def test_the_operator_who_belongs_to_nobody_has_an_empty_list(door: Door) -> None:
    operator = door.let_in(Actor(id=uuid4(), kind="user", name="Operator", roles=frozenset({"operator"})))
    assert (await operator.get("/v1/alerts")).json()["items"] == []
    assert (await operator.get("/v1/deadlines")).json()["items"] == []


async def test_every_list_is_read_in_the_order_of_an_index(world: World) -> None:
    body = staffed()
    await alerted(world, body, SOON)
    await world.owner.execute(
        "insert into alert select (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid(),"
        " 'task_id', gen_random_uuid(), 'recipient_id', md5((g % 50)::text)::uuid))).* from alert a,"
        " generate_series(1, 5000) g"
    )
    await world.owner.execute("analyze alert")
    for unread, task_id in ((False, None), (True, None), (False, uuid4())):
        filters, more = repository._filters(unread, task_id, first=5)
        async with world.database.read(SYSTEM) as connection:
            plan = await connection.fetch(
                f"explain {repository._LIST.format(filters=filters)}",
                UUID(md5(b"1").hexdigest()),
                None,
                None,
                20,
                *more,
            )
        lines = [row[0] for row in plan]
        assert not any("Seq Scan" in line for line in lines), lines
        assert task_id is not None or not any("Sort" in line for line in lines), lines
