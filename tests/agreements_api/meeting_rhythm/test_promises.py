"""Promises to meet in the API: recorded, corrected, ended, and held against the meetings of the agreement."""

import asyncio
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from agreements_api.meeting_rhythm import repository
from agreements_api.policy import Role
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.meetings.steps import came, planned

PROMISE: Json = {"frequency": "quarterly", "from_on": "2026-01-01", "basis": "Giao ban hằng quý (minh họa)"}


async def promised(world: World, plan: Json, **changes: Any) -> Json:
    answer = await world.specialist("dongtrieu").post(
        f"/v1/agreements/{plan['id']}/meeting-promises", PROMISE | changes
    )
    return accepted(answer, 201)


def path_of(promise: Json) -> str:
    return f"/v1/agreements/{promise['agreement_id']}/meeting-promises/{promise['id']}"


async def held_on(world: World, plan: Json, moment: str, **changes: Any) -> str:
    meeting = await planned(world, plan, starts_at=moment, **changes)
    body = {"attendance": came(world, "dongtrieu", "chilinh")}
    after = await world.specialist("dongtrieu").step(f"/v1/meetings/{meeting['id']}", "hold", body)
    return str(after["id"])


async def rhythm_of(world: World, plan: Json, on: str) -> Json:
    return await world.person("chilinh", Role.VIEWER).read(f"/v1/agreements/{plan['id']}/meeting-rhythm", on=on)


async def test_promised_meetings_are_held_against_those_that_were(world: World) -> None:
    plan = await world.plan()
    clause = plan["clauses"][0]["id"]
    promise = await promised(world, plan, clause_id=clause)
    assert promise["allowed_actions"] == ["update"]
    late = await held_on(world, plan, "2026-04-02T01:00:00Z")
    second = await held_on(world, plan, "2026-04-01T01:00:00Z")
    await held_on(world, plan, "2026-07-01T01:00:00Z", kind="extraordinary")
    await planned(world, plan, starts_at="2026-12-10T01:00:00Z")
    called_off = await planned(world, plan, starts_at="2026-08-10T01:00:00Z")
    await world.specialist("dongtrieu").step(f"/v1/meetings/{called_off['id']}", "cancel", {"reason": "Hoãn"})
    stand = await rhythm_of(world, plan, "2026-11-24")
    assert {
        name: stand[name] for name in ("regular_held", "extraordinary_held", "last_held_on", "next_planned_on")
    } == {
        "regular_held": 2,
        "extraordinary_held": 1,
        "last_held_on": "2026-07-01",
        "next_planned_on": "2026-12-10",
    }
    [kept] = stand["promises"]
    assert {name: kept[name] for name in ("promise_id", "clause_id", "promised", "held", "late", "missing")} == {
        "promise_id": promise["id"],
        "clause_id": clause,
        "promised": 4,
        "held": 1,
        "late": 1,
        "missing": 1,
    }
    assert kept["next_due_on"] == "2026-12-14"
    assert [(one["due_on"], one["state"], one["meeting_id"]) for one in kept["periods"]] == [
        ("2026-03-14", "late", late),
        ("2026-06-14", "held", second),
        # An extraordinary meeting is not the one that was promised.
        ("2026-09-14", "missing", None),
        ("2026-12-14", "due", None),
    ]
    before = await rhythm_of(world, plan, "2026-03-31")
    assert [one["state"] for one in before["promises"][0]["periods"]] == ["missing", "due"]
    assert (before["regular_held"], before["last_held_on"]) == (0, None)


async def test_a_promise_ends_with_the_agreement(world: World) -> None:
    plan = await world.plan(term_from="2026-01-01", term_to="2027-03-31")
    await promised(world, plan, frequency="half_yearly")
    [kept] = (await rhythm_of(world, plan, "2027-04-30"))["promises"]
    assert (kept["until_on"], kept["promised"], kept["next_due_on"]) == ("2027-03-31", 2, None)


async def test_a_long_promise_shows_its_latest_periods_and_counts_all(world: World) -> None:
    plan = await world.plan()
    await promised(world, plan, frequency="monthly", from_on="2020-01-15")
    [kept] = (await rhythm_of(world, plan, "2026-01-14"))["promises"]
    assert (kept["promised"], len(kept["periods"])) == (72, 40)
    assert (kept["periods"][-1]["due_on"], kept["missing"]) == ("2026-01-14", 71)


async def test_an_agreement_without_a_promise_has_a_rhythm_all_the_same(world: World) -> None:
    plan = await world.plan()
    stand = await rhythm_of(world, plan, "2026-11-24")
    assert (stand["promises"], stand["regular_held"], stand["next_planned_on"]) == ([], 0, None)
    reader, path = world.person("chilinh"), f"/v1/agreements/{plan['id']}/meeting-rhythm"
    today = await reader.get(path)
    assert today.status_code == 200
    assert (await reader.get(path, headers={"If-None-Match": today.headers["etag"]})).status_code == 304
    assert pointers(problem(await reader.get(path, on="hôm nay"), 422)) == ["/query/on"]
    problem(await world.person("elsewhere").get(path), 404)


async def test_a_promise_is_ended_and_replaced_and_both_are_kept(world: World) -> None:
    plan = await world.plan()
    promise = await promised(world, plan)
    custodian, path = world.specialist("dongtrieu"), path_of(promise)
    other = await custodian.post(f"/v1/agreements/{plan['id']}/meeting-promises", PROMISE | {"from_on": "2026-06-15"})
    assert problem(other, 409, "promise_overlaps")["promise_id"] == promise["id"]
    ended = accepted(await custodian.change(path, {"until_on": "2026-06-14", "basis": None}), 200)
    assert (ended["version"], ended["until_on"], ended["basis"]) == (2, "2026-06-14", None)
    monthly = await promised(world, plan, frequency="monthly", from_on="2026-06-15")
    listed = await world.person("chilinh", Role.VIEWER).read(f"/v1/agreements/{plan['id']}/meeting-promises")
    assert [(one["id"], one["allowed_actions"]) for one in listed["items"]] == [
        (promise["id"], []),
        (monthly["id"], []),
    ]
    problem(await custodian.change(path, {"until_on": None}), 409, "promise_overlaps")
    told = (await custodian.read(f"{path}/history"))["items"]
    assert [(one["version"], one["action"]) for one in told] == [(2, "update_promise"), (1, "record_promise")]
    assert {"field": "until_on", "from": None, "to": "2026-06-14"} in told[0]["changes"]
    same = accepted(await custodian.change(path, {"frequency": "quarterly"}), 200)
    assert same["version"] == 2
    events = await world.registry.outbox(promise["id"])
    assert {event["type"] for event in events} == {"vn.lienvung.meeting.promise_changed.v1"}
    assert [(event["data"]["promise"]["until_on"], event["partitionkey"]) for event in events] == [
        (None, plan["id"]),
        ("2026-06-14", plan["id"]),
    ]


async def test_two_clauses_promise_by_themselves(world: World) -> None:
    plan = await world.plan()
    await promised(world, plan)
    for clause in plan["clauses"]:
        await promised(world, plan, clause_id=clause["id"])
    listed = await world.person("chilinh").read(f"/v1/agreements/{plan['id']}/meeting-promises", limit=2)
    rest = await world.person("chilinh").read(
        f"/v1/agreements/{plan['id']}/meeting-promises", limit=2, cursor=listed["next_cursor"]
    )
    assert (len(listed["items"]), len(rest["items"]), rest["next_cursor"]) == (2, 1, None)


async def test_of_two_promises_for_the_same_time_at_once_one_is_kept(world: World) -> None:
    plan = await world.plan()
    custodian = world.specialist("dongtrieu")
    answers = await asyncio.gather(
        *(custodian.post(f"/v1/agreements/{plan['id']}/meeting-promises", PROMISE) for _ in range(3))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"frequency": "weekly"}, "/frequency"),
        ({"from_on": "01/01/2026"}, "/from_on"),
        ({"from_on": "0001-01-01"}, "/from_on"),
        ({"until_on": "2025-12-31"}, "/until_on"),
        ({"clause_id": str(uuid4())}, "/clause_id"),
        ({"interval": 2}, "/interval"),
    ],
)
async def test_a_promise_that_cannot_be_is_refused_by_its_field(
    world: World, plan: Json, changes: Json, pointer: str
) -> None:
    answer = await world.specialist("dongtrieu").post(
        f"/v1/agreements/{plan['id']}/meeting-promises", PROMISE | changes
    )
    assert pointers(problem(answer, 422)) == [pointer]


async def test_a_patch_that_cannot_be_is_refused_by_its_field(world: World) -> None:
    promise = await promised(world, await world.plan())
    custodian = world.specialist("dongtrieu")
    for patch, pointer in (({"until_on": "2025-01-01"}, "/until_on"), ({"from_on": None}, "/from_on")):
        assert pointers(problem(await custodian.change(path_of(promise), patch), 422)) == [pointer]
    problem(await custodian.patch(path_of(promise), {"basis": "x"}), 428)
    problem(await custodian.patch(path_of(promise), {"basis": "x"}, **{"If-Match": '"v7"'}), 412)


async def test_nothing_is_promised_by_what_was_never_in_force(world: World) -> None:
    draft = await world.draft()
    answer = await world.specialist("dongtrieu").post(f"/v1/agreements/{draft['id']}/meeting-promises", PROMISE)
    problem(answer, 409, "never_in_force")


async def test_a_promise_belongs_to_its_agreement(world: World, plan: Json) -> None:
    promise = await promised(world, await world.plan())
    astray = f"/v1/agreements/{plan['id']}/meeting-promises/{promise['id']}"
    custodian = world.specialist("dongtrieu")
    problem(await custodian.get(astray), 404)
    problem(await custodian.get(f"{astray}/history"), 404)
    problem(await custodian.patch(astray, {"basis": "x"}, **{"If-Match": "*"}), 404)
    problem(await world.person("elsewhere").get(path_of(promise)), 404)
    seen = await custodian.get(path_of(promise))
    assert (await custodian.get(path_of(promise), headers={"If-None-Match": seen.headers["etag"]})).status_code == 304


async def explain(world: World, statement: str, *values: Any) -> str:
    connection = await asyncpg.connect(world.address.url)
    try:
        await connection.execute("select set_config('lienvung.organization_id', $1, false)", world.id("chilinh"))
        return "\n".join(row[0] for row in await connection.fetch(f"explain (costs off) {statement}", *values))
    finally:
        await connection.close()


async def test_promises_and_held_meetings_are_found_by_their_agreement(world: World, plan: Json) -> None:
    other, organization = await world.plan(), world.organizations["chilinh"].id
    for statement in (
        "insert into meeting_promise (id, agreement_id, frequency, from_on, created_at, updated_at)"
        " select gen_random_uuid(), $1, 'monthly', '2026-01-01', now(), now() from generate_series(1, 10000) i",
        "insert into meeting (id, agreement_id, kind, title, status, held_on, host_organization_id, host_name,"
        " starts_at, agenda, created_at, updated_at)"
        " select gen_random_uuid(), $1, 'regular', 'Họp', 'held', '2026-01-01', (select id from organization limit 1),"
        " 'x', now() - i * interval '1 hour', '[]', now(), now() from generate_series(1, 10000) i",
    ):
        await world.rows(statement, UUID(other["id"]))
    for table in ("meeting", "meeting_promise", "agreement", "agreement_access"):
        await world.rows(f"analyze {table}")
    listed = await explain(world, repository.PROMISES, organization, UUID(plan["id"]), None, 51)
    assert "meeting_promise_of" in listed, listed
    held = await explain(world, repository.HELD, organization, UUID(plan["id"]), date(2026, 11, 24))
    assert "meeting_of" in held, held
