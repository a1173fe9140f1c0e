"""Deciding who answers where several could."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

import pytest

from agreements_api.localities.models import Unit
from agreements_api.party_succession.runs import apply_all
from agreements_api.policy import Role
from tests.agreements_api.agreements.world import Json, Person, pointers, problem
from tests.agreements_api.party_succession.reform import Reform, Town, committee, most, part, people, whole

WORKLIST = "/v1/successions/worklist"


@dataclass
class Divided:
    """A town that was divided between two wards while it was party to an agreement and led a task of it."""

    reform: Reform
    town: Town
    stays: Town
    agreement: Json
    task: Json
    others: list[Json]
    first: Unit
    second: Unit

    @property
    def path(self) -> str:
        return f"/v1/agreements/{self.agreement['id']}"

    async def cases(self, person: Person, **query: str) -> list[Json]:
        items: list[Json] = (await person.read(WORKLIST, agreement_id=self.agreement["id"], **query))["items"]
        return items

    async def of_party(self, person: Person) -> str:
        """What is open of the party committee, which signed."""
        [case] = [case for case in await self.cases(person) if case["concerns"] == ["party"]]
        return f"{WORKLIST}/{case['id']}"

    async def of_tasks(self, person: Person) -> str:
        """What is open of the people's committee, which leads the tasks."""
        [case] = [case for case in await self.cases(person) if case["tasks"]]
        return f"{WORKLIST}/{case['id']}"

    def choosing(self, unit: Unit, **more: object) -> Json:
        return {"unit_id": str(unit.id), "reason": "Khu vực giáp ranh thuộc địa bàn phường.", **more}


async def divided(reform: Reform, *, tasks: int = 1) -> Divided:
    town, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(town, stays)
    task, *others = [
        await reform.world.task(agreement, lead=town.ubnd, coordinating=(stays.ubnd,)) for _ in range(tasks)
    ]
    parent = (await reform.province())[0]
    first, second = await reform.commune(parent), await reform.commune(parent)
    await reform.dissolve(most(town.unit, first), part(town.unit, second))
    await reform.carry_out()
    return Divided(reform, town, stays, agreement, task, others, first, second)


async def test_the_one_that_got_most_answers_until_somebody_decides(reform: Reform) -> None:
    given = await divided(reform)
    reader = reform.world.person(given.stays.key)
    cases = await given.cases(reader)
    assert {tuple(case["concerns"]): [task["relation"] for task in case["tasks"]] for case in cases} == {
        ("party",): [],
        (): ["lead"],
    }
    for case in cases:
        assert (case["state"], case["old_unit"]["id"]) == ("open", str(given.town.unit.id))
        assert case["answers"]["unit"]["id"] == str(given.first.id)
        reasons = [(one["answering"]["unit"]["id"], one["reason"]["code"]) for one in case["candidates"][:2]]
        assert reasons == [(str(given.first.id), "most"), (str(given.second.id), "part")]
        # A town lies in a province, which could take the matter on.
        assert case["candidates"][-1]["reason"]["code"] == "province"
        assert case["allowed_actions"] == ["decide"]
    items = (await reader.read(f"{given.path}/responsible"))["items"]
    assert (items[0]["provisional"], items[0]["answers"]["name"]) == (True, committee(given.first))
    assert await reform.acting(committee(given.first))


async def test_a_decision_moves_the_place_for_good(reform: Reform) -> None:
    given = await divided(reform)
    leader = reform.world.person(given.stays.key)
    decided = await leader.step(await given.of_party(leader), "decide", given.choosing(given.second))
    assert (decided["state"], decided["answers"]["unit"]["id"]) == ("decided", str(given.second.id))
    assert decided["decision"]["reason"] == "Khu vực giáp ranh thuộc địa bàn phường."
    assert decided["allowed_actions"] == []

    heir = await reform.acting(committee(given.second))
    assert "suspend" not in (await heir.read(given.path))["allowed_actions"]
    assert "assign_task" in (await heir.read(given.path))["allowed_actions"]
    before = await reform.acting(committee(given.first))
    assert (await before.read(given.path))["allowed_actions"] == []
    items = (await leader.read(f"{given.path}/responsible"))["items"]
    assert (items[0]["provisional"], items[0]["candidates"]) == (False, [])
    assert items[0]["successions"][0]["decision"]["case_id"] == decided["id"]
    # The task is a matter of its own.
    lead = next(item for item in items if item["relation"] == "lead")
    assert (lead["provisional"], lead["answers"]["name"]) == (True, people(given.first))
    [event] = [
        event
        for event in await reform.world.registry.outbox(given.agreement["id"])
        if event["data"]["actor"]["name"] == leader.actor.name and event["type"].endswith("succeeded.v1")
    ]
    [told] = event["data"]["responsibilities"]
    assert (told["organization_name"], told["provisional"]) == (committee(given.second), False)
    history = (await leader.read(f"{given.path}/history"))["items"][0]
    assert (history["action"], history["remark"]) == ("decide_succession", decided["decision"]["reason"])
    assert await reform.proven()


async def test_one_decision_can_be_for_every_body_of_the_unit(reform: Reform) -> None:
    given = await divided(reform)
    leader = reform.world.person("dongtrieu")
    body = given.choosing(given.second, whole_unit=True)
    await leader.step(await given.of_party(leader), "decide", body)
    assert await given.cases(leader) == []
    assert len(await given.cases(leader, status="decided")) == 2
    worker = await reform.acting(people(given.second), Role.SPECIALIST)
    task = await worker.step(f"/v1/tasks/{given.task['id']}", "accept")
    assert task["lead"]["promised_by_name"] == f"UBND thị xã {given.town.key}"
    former = await reform.acting(people(given.first), Role.SPECIALIST)
    problem(await former.act(f"/v1/tasks/{given.task['id']}", "submit"), 403)
    assert await reform.proven()


async def test_what_comes_to_the_old_body_later_goes_to_whoever_was_chosen(reform: Reform) -> None:
    given = await divided(reform)
    leader = reform.world.person("dongtrieu")
    await leader.step(await given.of_tasks(leader), "decide", given.choosing(given.second))
    # Somebody chose a body whose unit has ended.
    later = await reform.world.task(given.agreement, lead=given.town.ubnd, coordinating=(given.stays.ubnd,))
    await apply_all(reform.world.registry.database, batch=3, limit=None, stop=asyncio.Event())
    task = await leader.read(f"/v1/tasks/{later['id']}")
    assert (task["lead"]["name"], task["lead"]["promised_by_name"]) == (
        people(given.second),
        f"UBND thị xã {given.town.key}",
    )
    items = (await leader.read(f"{given.path}/responsible"))["items"]
    [answers] = [item["answers"] for item in items if (item["task_id"], item["relation"]) == (later["id"], "lead")]
    assert answers["organization_id"] == task["lead"]["organization_id"]
    event = (await reform.world.registry.outbox(UUID(later["id"])))[-1]
    assert [one["provisional"] for one in event["data"]["responsibilities"]] == [False]
    assert await reform.proven()


async def test_one_task_can_be_given_to_another_than_the_rest(reform: Reform) -> None:
    given = await divided(reform, tasks=2)
    leader = reform.world.person("dongtrieu")
    path = await given.of_tasks(leader)
    body = given.choosing(given.second, task_ids=[given.task["id"]])
    still = await leader.step(path, "decide", body)
    assert (still["state"], [task["id"] for task in still["tasks"]]) == ("open", [given.others[0]["id"]])
    [apart] = await given.cases(leader, status="decided")
    assert (apart["task_id"], apart["answers"]["name"]) == (given.task["id"], people(given.second))
    answer = await leader.act(path, "decide", body)
    assert pointers(problem(answer, 422, "not_concerned")) == ["/task_ids/0"]
    await leader.step(path, "decide", given.choosing(given.first))
    items = (await leader.read(f"{given.path}/responsible"))["items"]
    answers = {item["task_id"]: item["answers"]["unit"]["id"] for item in items if item["relation"] == "lead"}
    assert answers == {given.task["id"]: str(given.second.id), given.others[0]["id"]: str(given.first.id)}
    assert {item["provisional"] for item in items if item["relation"] == "lead"} == {False}
    for task, unit in ((given.task, given.second), (given.others[0], given.first)):
        assert (await leader.read(f"/v1/tasks/{task['id']}"))["lead"]["unit_id"] == str(unit.id)
    assert await reform.proven()


async def test_the_province_can_take_the_matter_on(reform: Reform) -> None:
    given = await divided(reform)
    leader = reform.world.person(given.stays.key)
    path = await given.of_tasks(leader)
    [*_, province] = (await leader.read(path))["candidates"]
    decided = await leader.step(path, "decide", {"unit_id": province["answering"]["unit"]["id"]})
    assert decided["answers"]["unit"]["level"] == "province"
    lead = (await leader.read(f"/v1/tasks/{given.task['id']}"))["lead"]
    assert lead["unit_id"] == province["answering"]["unit"]["id"]


async def test_it_is_decided_once(reform: Reform) -> None:
    given = await divided(reform)
    leader = reform.world.person(given.stays.key)
    path = await given.of_party(leader)
    await leader.step(path, "decide", given.choosing(given.second))
    problem(await leader.act(path, "decide", given.choosing(given.first)), 409)
    answer = await leader.post(f"{path}/decide", given.choosing(given.first), **{"If-Match": '"v1"'})
    problem(answer, 412)
    problem(await leader.post(f"{path}/decide", given.choosing(given.first)), 428)


@pytest.mark.parametrize("unit", ["stays", "town"])
async def test_only_a_candidate_can_be_chosen(reform: Reform, unit: str) -> None:
    given = await divided(reform)
    leader = reform.world.person(given.stays.key)
    chosen = given.stays.unit if unit == "stays" else given.town.unit
    answer = await leader.act(await given.of_party(leader), "decide", given.choosing(chosen))
    assert pointers(problem(answer, 422, "not_a_candidate")) == ["/unit_id"]


async def test_leaders_of_parties_the_custodian_and_the_bodies_above_decide_and_nobody_else(reform: Reform) -> None:
    given = await divided(reform)
    world = reform.world
    path = await given.of_party(world.person("dongtrieu"))
    body = given.choosing(given.first)
    problem(await world.specialist(given.stays.key).act(path, "decide", body), 403)
    problem(await world.person(given.town.key).act(path, "decide", body), 403)
    problem(await world.person(given.stays.ubnd).act(path, "decide", body), 403)
    problem(await world.person("elsewhere").get(path), 404)
    problem(await world.person("elsewhere").act_blindly(path, "decide", body), 404)
    above = [
        row["id"]
        for row in await world.rows(
            "select superior_organization_id as id from organization where name = $1", committee(given.first)
        )
    ]
    assert (await reform.of(above[0]).step(path, "decide", body))["state"] == "decided"


async def test_a_decision_survives_a_later_succession_and_an_earlier_one_ends_what_rested_on_it(reform: Reform) -> None:
    given = await divided(reform)
    leader = reform.world.person(given.stays.key)
    parent = (await reform.province())[0]
    third, fourth = await reform.commune(parent), await reform.commune(parent)
    # The provisional one ends as well, before anybody has decided; the other one goes on.
    await reform.dissolve(whole(given.first, third), effective_on="2026-08-01")
    await reform.carry_out()
    items = (await leader.read(f"{given.path}/responsible"))["items"]
    assert (items[0]["answers"]["unit"]["id"], items[0]["provisional"]) == (str(third.id), True)
    await reform.dissolve(whole(given.second, fourth), effective_on="2026-09-01")
    await reform.carry_out()
    await leader.step(await given.of_party(leader), "decide", given.choosing(given.second))
    items = (await leader.read(f"{given.path}/responsible"))["items"]
    assert (items[0]["answers"]["unit"]["id"], items[0]["provisional"]) == (str(fourth.id), False)
    assert [one["effective_on"] for one in items[0]["successions"]] == ["2026-06-01", "2026-09-01"]
    every = (await leader.read(f"{given.path}/successions"))["items"]
    states = [one["state"] for one in every if one["promised_by"]["organization_id"] == reform.world.id(given.town.key)]
    assert sorted(states) == ["automatic", "decided", "superseded"]
    assert "assign_task" in (await (await reform.acting(committee(fourth))).read(given.path))["allowed_actions"]
    assert (await (await reform.acting(committee(third))).read(given.path))["allowed_actions"] == []
    assert await reform.proven()


async def test_lists_go_page_by_page_and_by_state(reform: Reform) -> None:
    given = await divided(reform)
    reader = reform.world.person(given.stays.key)
    path = f"{given.path}/successions"
    first = await reader.read(path, limit=1)
    second = await reader.read(path, limit=1, cursor=first["next_cursor"])
    assert second["next_cursor"] is None
    assert {one["id"] for one in (*first["items"], *second["items"])} == {
        one["id"] for one in (await reader.read(path))["items"]
    }
    assert (await reader.read(path, state="decided"))["items"] == []
    problem(await reform.world.person("elsewhere").get(path), 404)
    assert (await reform.world.person("elsewhere").read(WORKLIST))["items"] == []
    case = first["items"][0]["id"]
    seen = await reader.get(f"{WORKLIST}/{case}")
    again = await reader.get(f"{WORKLIST}/{case}", headers={"If-None-Match": seen.headers["etag"]})
    assert again.status_code == 304
