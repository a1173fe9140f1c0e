"""Units end while their roads are being built: whoever takes their places goes on with the segments."""

import asyncio

import httpx
import pytest_asyncio

from agreements_api.policy import Role
from lienvung.postgres import DatabaseAddress
from tests.agreements_api.agreements.world import accepted, found, problem
from tests.agreements_api.conftest import Registry
from tests.agreements_api.corridors.lines import SEGMENT, corridor, patch, segment
from tests.agreements_api.funding.money import NEED
from tests.agreements_api.party_succession.reform import Reform, committee, people, whole


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reform(registry: Registry, http: httpx.AsyncClient, agreements_database: DatabaseAddress) -> Reform:
    return Reform(await found(registry, http, agreements_database))


async def test_who_takes_the_place_of_an_owner_changes_its_segments(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    # A people's committee that is no party, and stands in the agreement by its task.
    await world.task(agreement, lead=ends.ubnd, coordinating=(stays.ubnd,))
    drawn = await corridor(world, agreement)
    mine = await segment(world, drawn, ends.key, percent=30)
    built = await segment(world, drawn, ends.ubnd)
    others = await segment(world, drawn, stays.key)
    gone = await segment(world, drawn, ends.key)
    await world.person(ends.key).step(gone["path"], "withdraw", {"reason": "Nhập nhầm (minh họa)"})
    ward = await reform.commune((await reform.province())[0])
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()

    leader, worker = await reform.acting(committee(ward)), await reform.acting(people(ward), Role.SPECIALIST)
    assert (await leader.read(mine["path"]))["organization_name"] == committee(ward)
    assert (await worker.read(built["path"]))["organization_name"] == people(ward)
    assert accepted(await patch(leader, mine["path"], {"percent": 40}), 200)["version"] == 3
    assert accepted(await patch(worker, built["path"], {"percent": 50}), 200)["version"] == 3
    problem(await patch(world.person(ends.key), mine["path"], {"percent": 60}), 403)
    assert (await leader.read(others["path"]))["version"] == 1
    assert (await leader.read(gone["path"]))["organization_id"] == world.id(ends.key)
    kept = (await leader.read(f"{drawn['path']}/history"))["items"]
    [handed] = [one for one in kept if one["segment_id"] == mine["id"] and one["version"] == 2]
    assert (handed["action"], handed["actor"]["kind"]) == ("succeed_segment", "system")
    assert handed["changes"] == [{"field": "organization_id", "from": world.id(ends.key), "to": leader.organization}]
    assert await reform.types(mine["id"]) == ["segment.changed.v1"] * 3
    event = (await world.registry.outbox(mine["id"]))[1]
    assert leader.organization in event["data"]["members"]
    assert event["data"]["segment"]["percent"] == 30
    assert await reform.proven()


async def test_carrying_it_out_again_changes_nothing(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    drawn = await corridor(world, await reform.agreement(ends, stays))
    mine = await segment(world, drawn, ends.key)
    ward = await reform.commune((await reform.province())[0])
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()
    await reform.carry_out()
    assert (await world.person(stays.key).read(mine["path"]))["version"] == 2


async def test_an_amendment_gets_no_corridors_of_its_own(reform: Reform) -> None:
    world = reform.world
    one, other = await reform.town(), await reform.town()
    path = f"/v1/agreements/{(await reform.agreement(one, other))['id']}"
    clauses = [{"operation": "add", "heading": "Giao thông", "text": "Mở thêm tuyến (minh họa)."}]
    amendment = await world.person("dongtrieu").step(path, "amend", {"clauses": clauses})
    draft = f"/v1/agreements/{amendment['id']}"
    await world.person("dongtrieu").step(draft, "open")
    for key in (one.key, other.key):
        signer = {"signatory_name": "Lãnh đạo (minh họa)", "signatory_title": "Bí thư"}
        amendment = await world.person(key).step(draft, "sign", signer)
    assert amendment["status"] == "in_force"
    answer = await world.specialist(one.key).post(f"{draft}/corridors", {"name": SEGMENT["name"]})
    problem(answer, 409, "invalid_transition")


async def test_changes_that_meet_a_succession_wait_for_each_other(reform: Reform) -> None:
    world = reform.world
    for _ in range(3):
        ends, stays = await reform.town(), await reform.town()
        agreement = await reform.agreement(ends, stays)
        task = await world.task(agreement, lead=ends.ubnd, coordinating=(stays.ubnd,))
        drawn = await corridor(world, agreement)
        mine, others = await segment(world, drawn, ends.key), await segment(world, drawn, stays.key)
        ward = await reform.commune((await reform.province())[0])
        await reform.dissolve(whole(ends.unit, ward))
        custodian = world.specialist("dongtrieu")
        headers = custodian.unsafe(**{"If-Match": "*"})
        _, added, changed, funded, *_ = await asyncio.gather(
            reform.carry_out(),
            world.specialist(stays.key).post(f"{drawn['path']}/segments", SEGMENT),
            patch(world.specialist(stays.key), others["path"], {"percent": 10}),
            world.http.put(f"/v1/tasks/{task['id']}/funding", json=NEED, headers=headers),
            patch(world.specialist(ends.key), mine["path"], {"percent": 10}),
        )
        for answer in (added, changed, funded):
            accepted(answer, 200, 201)
        leader = await reform.acting(committee(ward))
        seen = await leader.read(mine["path"])
        assert seen["organization_id"] == leader.organization
        events = await world.registry.outbox(mine["id"])
        assert [event["data"]["version"] for event in events] == list(range(1, seen["version"] + 1))
    assert await reform.proven()
