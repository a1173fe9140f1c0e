"""Units end while their roads are being built: whoever takes their places goes on with the segments."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

import httpx
import pytest_asyncio

from agreements_api.localities.models import Unit
from agreements_api.policy import Role
from lienvung.postgres import DatabaseAddress
from tests.agreements_api.agreements.world import REPORT, Json, Person, accepted, found, pointers, problem
from tests.agreements_api.conftest import Registry
from tests.agreements_api.corridors.lines import SEGMENT, corridor, patch, segment
from tests.agreements_api.funding.money import NEED
from tests.agreements_api.party_succession.reform import Reform, Town, committee, most, part, people, whole

WORKLIST = "/v1/successions/worklist"


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
    ward = await reform.ward()
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
    ward = await reform.ward()
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
        ward = await reform.ward()
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


async def test_deciding_who_answers_moves_the_segments_that_went_to_another_until_then(reform: Reform) -> None:
    world = reform.world
    given = await divided(reform)
    drawn, mine, built, own, others = given.drawn, given.mine, given.built, given.own, given.others
    leader = world.person(given.stays.key)
    assert (await leader.read(mine["path"]))["organization_name"] == committee(given.first)
    await leader.step(await given.case(leader, "party"), "decide", given.choosing(given.second))

    heir = await reform.acting(committee(given.second))
    moved = await heir.read(mine["path"])
    assert (moved["organization_name"], moved["version"]) == (committee(given.second), 3)
    assert accepted(await patch(heir, mine["path"], {"percent": 40}), 200)["percent"] == 40
    before = await reform.acting(committee(given.first))
    problem(await patch(before, mine["path"], {"percent": 50}), 403)
    # What is another body's, was its own from the beginning or is somebody else's stays.
    assert (await leader.read(built["path"]))["organization_name"] == people(given.first)
    assert (await leader.read(own["path"]))["organization_name"] == committee(given.first)
    assert (await leader.read(others["path"]))["version"] == 1

    kept = (await leader.read(f"{drawn['path']}/history"))["items"]
    [told] = [one for one in kept if one["segment_id"] == mine["id"] and one["version"] == 3]
    assert (told["action"], told["remark"]) == ("decide_succession", given.choosing(given.second)["reason"])
    assert told["actor"]["name"] == leader.actor.name
    assert told["changes"] == [{"field": "organization_id", "from": before.organization, "to": heir.organization}]
    event = (await world.registry.outbox(mine["id"]))[2]
    assert (event["data"]["version"], event["data"]["segment"]["organization_id"]) == (3, heir.organization)
    assert {heir.organization, before.organization} <= set(event["data"]["members"])
    assert await reform.proven()


async def test_one_decision_for_the_whole_unit_moves_the_segments_of_all_its_bodies(reform: Reform) -> None:
    given = await divided(reform)
    leader = reform.world.person("dongtrieu")
    body = given.choosing(given.second, whole_unit=True)
    await leader.step(await given.case(leader, "party"), "decide", body)
    names = [(await leader.read(one["path"]))["organization_name"] for one in (given.mine, given.built)]
    assert names == [committee(given.second), people(given.second)]


async def test_confirming_whoever_answered_until_then_moves_no_segment(reform: Reform) -> None:
    given = await divided(reform)
    leader = reform.world.person("dongtrieu")
    body = given.choosing(given.first, whole_unit=True)
    await leader.step(await given.case(leader, "party"), "decide", body)
    seen = [await leader.read(one["path"]) for one in (given.mine, given.built)]
    assert [(one["organization_name"], one["version"]) for one in seen] == [
        (committee(given.first), 2),
        (people(given.first), 2),
    ]


async def test_what_was_handed_over_since_stays_where_it_was_given(reform: Reform) -> None:
    given = await divided(reform)
    world, leader = reform.world, reform.world.person("dongtrieu")
    change = {"organization_id": world.id(given.stays.key), "reason": "Thi công cùng một gói (minh họa)"}
    await leader.step(given.mine["path"], "hand-over", change)
    await leader.step(await given.case(leader, "party"), "decide", given.choosing(given.second))
    assert (await leader.read(given.mine["path"]))["organization_id"] == world.id(given.stays.key)


async def test_the_segments_of_a_tasks_corridor_go_with_the_task(reform: Reform) -> None:
    given = await divided(reform, own_corridor=True)
    leader = reform.world.person("dongtrieu")
    of_task = given.of_task
    assert of_task is not None
    case = await given.case(leader)
    await leader.step(case, "decide", given.choosing(given.second, task_ids=[given.task["id"]]))
    assert (await leader.read(of_task["path"]))["organization_name"] == people(given.second)
    assert (await leader.read(given.built["path"]))["organization_name"] == people(given.first)
    # The rest is decided later, and what was decided apart stays decided.
    await leader.step(case, "decide", given.choosing(given.first))
    assert (await leader.read(of_task["path"]))["organization_name"] == people(given.second)
    assert (await leader.read(given.built["path"]))["version"] == 2


async def test_a_task_confirmed_apart_keeps_its_segments_when_the_rest_goes_elsewhere(reform: Reform) -> None:
    given = await divided(reform, own_corridor=True)
    leader = reform.world.person("dongtrieu")
    of_task = given.of_task
    assert of_task is not None
    case = await given.case(leader)
    await leader.step(case, "decide", given.choosing(given.first, task_ids=[given.task["id"]]))
    await leader.step(case, "decide", given.choosing(given.second))
    assert (await leader.read(of_task["path"]))["organization_name"] == people(given.first)
    assert (await leader.read(given.built["path"]))["organization_name"] == people(given.second)


async def test_a_decision_reaches_through_what_followed_since(reform: Reform) -> None:
    """The provisional one has ended as well, and so has the one that is chosen."""
    given = await divided(reform)
    leader = reform.world.person(given.stays.key)
    parent = (await reform.province())[0]
    third, fourth = await reform.commune(parent), await reform.commune(parent)
    await reform.dissolve(whole(given.first, third), effective_on="2026-08-01")
    await reform.carry_out()
    await reform.dissolve(whole(given.second, fourth), effective_on="2026-09-01")
    await reform.carry_out()
    assert (await leader.read(given.mine["path"]))["organization_name"] == committee(third)
    await leader.step(await given.case(leader, "party"), "decide", given.choosing(given.second))
    assert (await leader.read(given.mine["path"]))["organization_name"] == committee(fourth)
    # What the provisional one had of its own went on with it.
    assert (await leader.read(given.own["path"]))["organization_name"] == committee(third)


async def test_whoever_is_given_segments_of_completed_work_reads_the_agreement(reform: Reform) -> None:
    given = await divided(reform)
    world, leader = reform.world, reform.world.person("dongtrieu")
    worker, path = await reform.acting(people(given.first), Role.SPECIALIST), f"/v1/tasks/{given.task['id']}"
    for verb, body in (("accept", None), ("reports", REPORT), ("submit", None)):
        await worker.step(path, verb, body)
    await world.person(given.stays.ubnd).step(path, "confirm")
    [case] = [one for one in await given.cases(leader) if one["concerns"] == []]
    await leader.step(f"{WORKLIST}/{case['id']}", "decide", given.choosing(given.second))
    heir = await reform.acting(people(given.second), Role.SPECIALIST)
    assert (await heir.read(given.built["path"]))["organization_name"] == people(given.second)
    assert accepted(await patch(heir, given.built["path"], {"percent": 70}), 200)["percent"] == 70
    assert await reform.proven()


async def test_a_decision_that_meets_a_change_of_the_segment_waits_for_it(reform: Reform) -> None:
    for _ in range(3):
        given = await divided(reform)
        leader = reform.world.person(given.stays.key)
        owner = await reform.acting(committee(given.first))
        case = await given.case(leader, "party")
        decided, changed, added = await asyncio.gather(
            leader.act(case, "decide", given.choosing(given.second)),
            patch(owner, given.mine["path"], {"percent": 45}),
            reform.world.specialist(given.stays.key).post(f"{given.drawn['path']}/segments", SEGMENT),
        )
        accepted(decided, 200)
        accepted(added, 201)
        assert changed.status_code in (200, 403)
        seen = await leader.read(given.mine["path"])
        assert seen["organization_name"] == committee(given.second)
        assert seen["percent"] == (45 if changed.status_code == 200 else 0)
        events = await reform.world.registry.outbox(given.mine["id"])
        assert [event["data"]["version"] for event in events] == list(range(1, seen["version"] + 1))


async def test_whoever_left_the_agreement_adds_no_segment_and_its_heir_does(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    await world.task(agreement, lead=ends.ubnd, coordinating=(stays.ubnd,))
    drawn = await corridor(world, agreement)
    before = [world.specialist(key) for key in (ends.key, ends.ubnd)]
    for person in before:
        assert (await person.read(drawn["path"]))["allowed_actions"] == ["add_segment"]
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()
    for person in before:
        assert (await person.read(drawn["path"]))["allowed_actions"] == []
        problem(await person.post(f"{drawn['path']}/segments", SEGMENT), 403)
    for name in (committee(ward), people(ward)):
        heir = await reform.acting(name, Role.SPECIALIST)
        assert (await heir.read(drawn["path"]))["allowed_actions"] == ["add_segment"]
        accepted(await heir.post(f"{drawn['path']}/segments", SEGMENT), 201)


async def test_whoever_gave_its_task_away_adds_no_segment_and_goes_on_with_its_own(reform: Reform) -> None:
    """Its road stays where it is: only whoever is given a segment takes it from its owner."""
    world = reform.world
    one, other, third = [await reform.town() for _ in range(3)]
    agreement = await reform.agreement(one, other)
    task = await world.task(agreement, lead=third.ubnd, coordinating=(other.ubnd,))
    drawn = await corridor(world, agreement)
    mine = await segment(world, drawn, third.ubnd)
    body = {"lead_organization_id": world.id(one.ubnd), "reason": "Đổi cơ quan chủ trì (minh họa)"}
    await world.person("dongtrieu").step(f"/v1/tasks/{task['id']}", "reassign", body)
    owner = world.specialist(third.ubnd)
    assert (await owner.read(drawn["path"]))["allowed_actions"] == []
    problem(await owner.post(f"{drawn['path']}/segments", SEGMENT), 403)
    assert (await owner.read(mine["path"]))["allowed_actions"] == ["update"]
    accepted(await patch(owner, mine["path"], {"percent": 20}), 200)


async def test_no_segment_is_given_to_whoever_left_the_agreement(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    drawn = await corridor(world, await reform.agreement(ends, stays))
    others = await segment(world, drawn, stays.key)
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()
    body = {"name": "Đoạn (minh họa)", "organization_id": world.id(ends.key)}
    refused = problem(await world.specialist("dongtrieu").post(f"{drawn['path']}/segments", body), 422)
    assert pointers(refused) == ["/organization_id"]
    change = {"organization_id": world.id(ends.key), "reason": "x"}
    for person in (world.person("dongtrieu"), world.person(stays.key)):
        assert pointers(problem(await person.act(others["path"], "hand-over", change), 422)) == ["/organization_id"]


async def test_a_body_of_an_ended_unit_does_nothing_with_a_segment_that_stayed_with_it(reform: Reform) -> None:
    """As one that it added after its place had gone, which it could until this release."""
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    drawn = await corridor(world, await reform.agreement(ends, stays))
    left = await segment(world, drawn, stays.key)
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()
    await world.rows(
        "update corridor_segment set organization_id = $2 where id = $1",
        UUID(left["id"]),
        world.organizations[ends.key].id,
    )
    old = world.person(ends.key)
    assert (await old.read(left["path"]))["allowed_actions"] == []
    [shown] = (await old.read(f"{drawn['path']}/segments"))["items"]
    assert shown["allowed_actions"] == []
    heir = await reform.acting(committee(ward))
    change = {"organization_id": heir.organization, "reason": "Giao cho cơ quan kế thừa (minh họa)"}
    problem(await patch(old, left["path"], {"percent": 1}), 403)
    problem(await old.act(left["path"], "withdraw", {"reason": "x"}), 403)
    problem(await old.act(left["path"], "hand-over", change), 403)
    await world.person("dongtrieu").step(left["path"], "hand-over", change)
    accepted(await patch(heir, left["path"], {"percent": 1}), 200)


@dataclass
class Divided:
    """A town that was divided between two wards while its bodies were building."""

    town: Town
    stays: Town
    agreement: Json
    task: Json
    first: Unit
    second: Unit
    drawn: Json
    # Of the party, of its people's committee, of the ward's own since, and of the other party.
    mine: Json
    built: Json
    own: Json
    others: Json
    # Of the people's committee in a corridor that belongs to the task.
    of_task: Json | None

    async def cases(self, person: Person) -> list[Json]:
        items: list[Json] = (await person.read(WORKLIST, agreement_id=self.agreement["id"]))["items"]
        return items

    async def case(self, person: Person, *concerns: str) -> str:
        """What is open of the party committee, which signed, or of the people's committee, which leads the task."""
        [case] = [one for one in await self.cases(person) if one["concerns"] == list(concerns)]
        return f"{WORKLIST}/{case['id']}"

    def choosing(self, unit: Unit, **more: object) -> Json:
        return {"unit_id": str(unit.id), "reason": "Tuyến nằm trên địa bàn phường (minh họa).", **more}


async def divided(reform: Reform, *, own_corridor: bool = False) -> Divided:
    world = reform.world
    town, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(town, stays)
    task = await world.task(agreement, lead=town.ubnd, coordinating=(stays.ubnd,))
    drawn = await corridor(world, agreement)
    mine, built = await segment(world, drawn, town.key), await segment(world, drawn, town.ubnd)
    others = await segment(world, drawn, stays.key)
    of_task = None
    if own_corridor:
        of_task = await segment(world, await corridor(world, agreement, task_id=task["id"]), town.ubnd)
    parent = (await reform.province())[0]
    first, second = await reform.commune(parent), await reform.commune(parent)
    await reform.dissolve(most(town.unit, first), part(town.unit, second))
    await reform.carry_out()
    provisional = await reform.acting(committee(first))
    added = accepted(await provisional.post(f"{drawn['path']}/segments", SEGMENT), 201)
    own = added | {"path": f"{drawn['path']}/segments/{added['id']}"}
    return Divided(town, stays, agreement, task, first, second, drawn, mine, built, own, others, of_task)
