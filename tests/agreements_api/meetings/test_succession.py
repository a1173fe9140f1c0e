"""Hosts go: who stands to the agreement today keeps their meetings, and whoever stands there no more reads on."""

import httpx
import pytest_asyncio

from agreements_api.localities.models import Unit
from agreements_api.policy import Role
from lienvung.postgres import DatabaseAddress
from tests.agreements_api.agreements.world import PLAN, Json, Person, World, accepted, found, problem, signature
from tests.agreements_api.conftest import Registry
from tests.agreements_api.documents.files import pdf, send
from tests.agreements_api.meetings.steps import came, held, planned, put
from tests.agreements_api.party_succession.reform import Reform, committee, most, part, people, whole

PLANNED, HELD = ["update", "hold", "cancel"], ["record"]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reform(registry: Registry, http: httpx.AsyncClient, agreements_database: DatabaseAddress) -> Reform:
    return Reform(await found(registry, http, agreements_database))


async def test_a_host_that_is_no_party_hands_its_meetings_to_its_heir(reform: Reform) -> None:
    """A people's committee that hosts stands in the agreement by a task alone."""
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    await world.task(agreement, lead=ends.ubnd, coordinating=(stays.ubnd,))
    coming, over = await both(world, agreement, world.id(ends.ubnd))
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()
    await refused(world, world.specialist(ends.ubnd), coming, over)
    heir = await reform.acting(people(ward), Role.SPECIALIST)
    for body in (world.id(ends.ubnd), heir.organization):
        found = (await heir.read("/v1/meetings", agreement_id=agreement["id"], organization=body))["items"]
        assert {f"/v1/meetings/{one['id']}" for one in found} == {coming, over}
    await kept(world, heir, coming, over)


async def test_the_heir_of_an_heir_keeps_what_that_one_hosted(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    await world.task(agreement, lead=ends.ubnd, coordinating=(stays.ubnd,))
    parent = (await reform.province())[0]
    first, second = await reform.commune(parent), await reform.commune(parent)
    oldest = await both(world, agreement, world.id(ends.key))
    await reform.dissolve(whole(ends.unit, first))
    await reform.carry_out()
    between = await reform.acting(committee(first), Role.SPECIALIST)
    workers = await reform.acting(people(first), Role.SPECIALIST)
    later = await both(world, agreement, between.organization)
    theirs = await both(world, agreement, workers.organization)
    await reform.dissolve(whole(first, second), effective_on="2026-08-01")
    await reform.carry_out()
    for person, paths in ((world.specialist(ends.key), oldest), (between, oldest), (between, later), (workers, theirs)):
        await refused(world, person, *paths)
    heir = await reform.acting(committee(second), Role.SPECIALIST)
    for paths in (oldest, later):
        await kept(world, heir, *paths)
    await kept(world, await reform.acting(people(second), Role.SPECIALIST), *theirs)


async def test_deciding_who_answers_moves_the_meetings_of_whoever_answered_until_then(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    parent = (await reform.province())[0]
    first, second = await reform.commune(parent), await reform.commune(parent)
    oldest = await both(world, agreement, world.id(ends.key))
    await reform.dissolve(most(ends.unit, first), part(ends.unit, second))
    await reform.carry_out()
    provisional = await reform.acting(committee(first), Role.SPECIALIST)
    since = await both(world, agreement, provisional.organization)
    await decide(world.person(stays.key), agreement, second)
    heir = await reform.acting(committee(second), Role.SPECIALIST)
    for paths in (oldest, since):
        await refused(world, provisional, *paths)
        await kept(world, heir, *paths)


async def test_a_custodian_that_ended_keeps_no_meeting(reform: Reform) -> None:
    world = reform.world
    ends, one, other = [await reform.town() for _ in range(3)]
    parties = [{"organization_id": world.id(town.key)} for town in (one, other)]
    drafted = accepted(await world.person(ends.key).post("/v1/agreements", PLAN | {"parties": parties}), 201)
    path = f"/v1/agreements/{drafted['id']}"
    await world.person(ends.key).step(path, "open")
    for key in (one.key, other.key):
        await world.person(key).step(path, "sign", signature(key))
    coming, over = await both(world, drafted, world.id(ends.key), planner=ends.key)
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()
    await refused(world, world.specialist(ends.key), coming, over)
    await kept(world, await reform.acting(committee(ward), Role.SPECIALIST), coming, over)


async def test_whoever_takes_the_place_of_a_body_above_keeps_what_it_hosted(reform: Reform) -> None:
    world = reform.world
    old, new = await reform.province(), await reform.province()
    one, other = await reform.town(old), await reform.town()
    agreement = await reform.agreement(one, other)
    coming, over = await both(world, agreement, world.id(old[1]))
    await reform.dissolve(whole(old[0], new[0]))
    await reform.carry_out()
    await refused(world, world.specialist(old[1]), coming, over)
    await kept(world, world.specialist(new[1]), coming, over)


async def test_a_host_that_left_the_agreement_keeps_nothing(reform: Reform) -> None:
    """Its task was given to another one, and its unit goes on: nobody took its place but the custodian."""
    world = reform.world
    one, other, third = [await reform.town() for _ in range(3)]
    agreement = await reform.agreement(one, other)
    task = await world.task(agreement, lead=third.ubnd, coordinating=(other.ubnd,))
    coming, over = await both(world, agreement, world.id(third.ubnd))
    body = {"lead_organization_id": world.id(one.ubnd), "reason": "Đổi cơ quan chủ trì (minh họa)"}
    await world.person("dongtrieu").step(f"/v1/tasks/{task['id']}", "reassign", body)
    await refused(world, world.specialist(third.ubnd), coming, over)
    await refused(world, world.specialist(one.ubnd), coming, over)
    await kept(world, world.specialist("dongtrieu"), coming, over)


async def test_a_meeting_that_was_moved_to_another_host_is_that_ones(reform: Reform) -> None:
    world = reform.world
    one, other = await reform.town(), await reform.town()
    agreement = await reform.agreement(one, other)
    meeting = await planned(world, agreement, one.key)
    path = f"/v1/meetings/{meeting['id']}"
    accepted(await world.specialist(one.key).change(path, {"host_organization_id": world.id(other.key)}), 200)
    assert (await world.specialist(one.key).read(path))["allowed_actions"] == []
    problem(await world.specialist(one.key).change(path, {"place": "Khác"}), 403)
    accepted(await world.specialist(other.key).change(path, {"place": "Khác"}), 200)


async def test_nobody_who_has_left_the_agreement_is_made_host(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()
    host = {"host_organization_id": world.id(ends.key)}
    meeting = await planned(world, agreement, stays.key)
    problem(await world.specialist(stays.key).change(f"/v1/meetings/{meeting['id']}", host), 422)
    body = {"kind": "regular", "title": "Hội nghị (minh họa)", "starts_at": meeting["starts_at"], **host}
    problem(await world.specialist(stays.key).post(f"/v1/agreements/{agreement['id']}/meetings", body), 422)


async def both(world: World, agreement: Json, host: str, *, planner: str = "dongtrieu") -> tuple[str, str]:
    """The paths of a meeting to come and of one that was held, of one host."""
    coming = await planned(world, agreement, planner, host_organization_id=host)
    over = await held(world, agreement, planner, host_organization_id=host)
    return f"/v1/meetings/{coming['id']}", over


async def refused(world: World, person: Person, coming: str, over: str) -> None:
    """It reads on, is shown nothing that it could do, and is refused all of it."""
    assert [(await person.read(path))["allowed_actions"] for path in (coming, over)] == [[], []]
    attendance = {"attendance": came(world, "dongtrieu", "chilinh")}
    problem(await person.change(coming, {"place": "Khác"}), 403)
    problem(await person.act(coming, "hold", attendance), 403)
    problem(await person.act(coming, "cancel", {"reason": "x"}), 403)
    problem(await put(person, over, "minutes", {"text": "x"}), 403)
    problem(await put(person, over, "attendance", attendance), 403)
    problem(await person.act(over, "outcomes", {"text": "x"}), 403)
    problem(await send(person, ("meeting", over.rsplit("/", 1)[-1]), pdf()), 403)


async def kept(world: World, person: Person, coming: str, over: str) -> None:
    """It can do all that a host can."""
    assert [(await person.read(path))["allowed_actions"] for path in (coming, over)] == [PLANNED, HELD]
    accepted(await person.change(coming, {"place": "Nơi khác (minh họa)"}), 200)
    await person.step(coming, "hold", {"attendance": came(world, "dongtrieu", "chilinh")})
    accepted(await put(person, over, "minutes", {"text": "Biên bản (minh họa)"}), 201)
    await person.step(over, "outcomes", {"text": "Kết luận (minh họa)"})
    accepted(await send(person, ("meeting", over.rsplit("/", 1)[-1]), pdf()), 201)


async def decide(leader: Person, agreement: Json, unit: Unit) -> None:
    [case] = (await leader.read("/v1/successions/worklist", agreement_id=agreement["id"]))["items"]
    body = {"unit_id": str(unit.id), "reason": "Theo địa bàn (minh họa)."}
    await leader.step(f"/v1/successions/worklist/{case['id']}", "decide", body)
