"""Sides of a dossier go with their place in the task, also where the task is over before the area is handed over."""

import httpx
import pytest_asyncio

from agreements_api.localities.models import Unit
from lienvung.postgres import DatabaseAddress
from tests.agreements_api.agreements.world import REPORT, Json, Person, accepted, found, problem
from tests.agreements_api.boundary_cases.dossiers import CASE, path_of
from tests.agreements_api.conftest import Registry
from tests.agreements_api.party_succession.reform import Reform, Town, people, whole


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reform(registry: Registry, http: httpx.AsyncClient, agreements_database: DatabaseAddress) -> Reform:
    return Reform(await found(registry, http, agreements_database))


async def test_whoever_takes_the_place_of_a_side_confirms_for_it(reform: Reform) -> None:
    ends, _, case = await dossier(reform)
    ward = await follow(reform, ends)
    await answers(reform, case, reform.world.person(ends.ubnd), await reform.acting(people(ward)))


async def test_whoever_takes_the_place_of_a_side_of_a_completed_task_confirms_for_it(reform: Reform) -> None:
    ends, stays, case = await dossier(reform)
    await complete(reform, ends, stays, case)
    ward = await follow(reform, ends)
    old, heir = reform.world.person(ends.ubnd), await reform.acting(people(ward))
    await answers(reform, case, old, heir)
    for key in ("0", "1"):
        step = f"steps/{case['steps'][int(key)]['id']}/confirm"
        await reform.world.person(stays.ubnd).step(path_of(case), step)
    handed = await heir.step(path_of(case), f"steps/{case['steps'][1]['id']}/confirm")
    assert (handed["state"], handed["allowed_actions"]) == ("handed_over", ["close"])
    assert (await old.read(path_of(case)))["allowed_actions"] == []
    problem(await old.act(path_of(case), "close", {"remark": "x"}), 403)
    assert (await heir.step(path_of(case), "close", {"remark": "Xong (minh họa)"}))["state"] == "closed"


async def test_a_side_that_was_taken_out_of_the_task_confirms_nothing(reform: Reform) -> None:
    world = reform.world
    ends, stays, case = await dossier(reform)
    third = await reform.town()
    body = {"lead_organization_id": world.id(third.ubnd), "reason": "Đổi cơ quan chủ trì (minh họa)"}
    await world.person("dongtrieu").step(f"/v1/tasks/{case['task_id']}", "reassign", body)
    await refused(world.person(ends.ubnd), case)
    assert (await world.person(stays.ubnd).read(path_of(case)))["allowed_actions"] == ["update"]


async def dossier(reform: Reform) -> tuple[Town, Town, Json]:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    task = await world.task(agreement, lead=ends.ubnd, coordinating=(stays.ubnd,))
    body = CASE | {"organization_ids": [world.id(ends.ubnd), world.id(stays.ubnd)]}
    opened = await world.specialist(ends.ubnd).post(f"/v1/tasks/{task['id']}/boundary-cases", body)
    return ends, stays, accepted(opened, 201)


async def complete(reform: Reform, lead: Town, other: Town, case: Json) -> None:
    worker, path = reform.world.specialist(lead.ubnd), f"/v1/tasks/{case['task_id']}"
    for verb, body in (("accept", None), ("reports", REPORT), ("submit", None)):
        await worker.step(path, verb, body)
    await reform.world.person(other.ubnd).step(path, "confirm")


async def follow(reform: Reform, ends: Town) -> Unit:
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()
    return ward


async def answers(reform: Reform, case: Json, old: Person, heir: Person) -> None:
    """The heir does what the side did, and the old one reads."""
    await refused(old, case)
    seen = await heir.read(path_of(case))
    assert seen["sides"][0]["answering_organization_id"] == heir.organization
    assert (seen["allowed_actions"], seen["steps"][0]["allowed_actions"]) == (["update"], ["confirm"])
    accepted(await heir.change(path_of(case), {"note": "Đã rà soát (minh họa)."}), 200)
    await heir.step(path_of(case), f"steps/{case['steps'][0]['id']}/confirm")


async def refused(old: Person, case: Json) -> None:
    seen = await old.read(path_of(case))
    assert (seen["allowed_actions"], [one["allowed_actions"] for one in seen["steps"]]) == ([], [[], []])
    problem(await old.change(path_of(case), {"note": "x"}), 403)
    problem(await old.act(path_of(case), f"steps/{case['steps'][0]['id']}/confirm"), 403)
