"""Successions of an agreement as they stood at an instant."""

import asyncio
from datetime import UTC

import pytest

from shared import clock
from shared.db.migrate import downgrade, upgrade
from tests.agreements_api.agreements.world import Json, Person, problem
from tests.agreements_api.party_succession.reform import Reform
from tests.agreements_api.party_succession.test_deciding import Divided, divided


def moment() -> str:
    return clock.now().astimezone(UTC).isoformat()


async def successions(given: Divided, person: Person, **query: str) -> list[Json]:
    items: list[Json] = (await person.read(f"{given.path}/successions", **query))["items"]
    return items


def past(cases: list[Json]) -> list[Json]:
    """The same cases, with which nothing can be done any more; which bodies candidates have is known of today only."""
    return [
        case | {"allowed_actions": [], "candidates": [one["answering"]["unit"]["id"] for one in case["candidates"]]}
        for case in cases
    ]


async def test_an_instant_shows_who_answered_then_and_for_what(reform: Reform) -> None:
    given = await divided(reform, tasks=2)
    leader = reform.world.person("dongtrieu")
    stages = [(moment(), await successions(given, leader))]
    body = given.choosing(given.second, task_ids=[given.task["id"]])
    await leader.step(await given.of_tasks(leader), "decide", body)
    stages.append((moment(), await successions(given, leader)))
    await leader.step(f"/v1/tasks/{given.others[0]['id']}", "cancel", {"reason": "Trùng"})
    stages.append((moment(), await successions(given, leader)))
    await leader.step(await given.of_party(leader), "decide", given.choosing(given.second, whole_unit=True))
    stages.append((moment(), await successions(given, leader)))
    assert [len(cases) for _, cases in stages] == [2, 3, 3, 3]
    assert [[case["state"] for case in cases].count("open") for _, cases in stages] == [2, 2, 2, 0]
    for instant, cases in stages:
        shown = await successions(given, leader, as_of=instant)
        assert [case["allowed_actions"] for case in shown] == [[] for _ in shown]
        assert past(shown) == past(cases)
        opened = [case for case in shown if case["state"] == "open"]
        assert await successions(given, leader, as_of=instant, state="open") == opened


async def test_nothing_was_there_before_it_was_carried_out(reform: Reform) -> None:
    given = await divided(reform)
    leader = reform.world.person("dongtrieu")
    assert await successions(given, leader, as_of=given.agreement["created_at"]) == []
    path = f"{given.path}/successions"
    problem(await leader.get(path, as_of="2020-01-01T00:00:00Z"), 404)
    problem(await reform.world.person("elsewhere").get(path, as_of=moment()), 404)


async def test_pages_of_the_past_follow_each_other(reform: Reform) -> None:
    given = await divided(reform)
    leader, instant = reform.world.person("dongtrieu"), moment()
    await leader.step(await given.of_party(leader), "decide", given.choosing(given.second, whole_unit=True))
    whole = await successions(given, leader, as_of=instant)
    first = await leader.read(f"{given.path}/successions", as_of=instant, limit="1")
    second = await leader.read(f"{given.path}/successions", as_of=instant, limit="1", cursor=first["next_cursor"])
    assert first["items"] + second["items"] == whole
    assert second["next_cursor"] is None


@pytest.mark.parametrize("whole_unit", [False, True])
async def test_how_what_was_decided_before_had_begun_is_worked_out(reform: Reform, whole_unit: bool) -> None:
    given = await divided(reform)
    leader = reform.world.person("dongtrieu")
    instant, open_ = moment(), await successions(given, leader)
    await leader.step(await given.of_party(leader), "decide", given.choosing(given.second, whole_unit=whole_unit))
    owner = reform.world.address.owner_url
    await asyncio.to_thread(downgrade, "agreements_api", owner, "0024")
    await asyncio.to_thread(upgrade, "agreements_api", owner)
    assert past(await successions(given, leader, as_of=instant)) == past(open_)


async def test_whoever_answers_is_a_party_in_lists_of_the_past_as_in_those_of_today(reform: Reform) -> None:
    given = await divided(reform)
    reader, before = reform.world.person("dongtrieu"), given.agreement["updated_at"]
    [party] = [one for one in (await reader.read(given.path))["parties"] if one["responsible_organization_id"]]
    heir = {"party": party["responsible_organization_id"]}, {"locality": str(given.first.id)}
    signed = {"party": party["organization_id"]}, {"locality": str(given.town.unit.id)}
    for narrowed in (*heir, *signed):
        [found] = (await reader.read("/v1/agreements", **narrowed))["items"]
        [was] = (await reader.read("/v1/agreements", as_of=moment(), **narrowed))["items"]
        assert found["id"] == was["id"] == given.agreement["id"]
    for narrowed in heir:
        assert (await reader.read("/v1/agreements", as_of=before, **narrowed, count=True))["total"] == 0
    for narrowed in signed:
        assert len((await reader.read("/v1/agreements", as_of=before, **narrowed))["items"]) == 1
