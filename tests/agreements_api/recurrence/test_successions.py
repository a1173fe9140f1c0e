"""The next occurrence after a reform: given to whoever answers for each promise on the day on which it is made."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import pytest
import pytest_asyncio

from agreements_api.localities.models import Unit
from agreements_api.party_succession import queue_repository
from agreements_api.policy import Role
from agreements_api.recurrence.occurrences import make_due
from agreements_api.tasks import writing_repository
from shared.events import TaskAssigned, parse_envelope
from tests.agreements_api.agreements.world import Json, World, accepted, problem
from tests.agreements_api.days import on_day
from tests.agreements_api.party_succession.reform import Reform, Town, committee, most, part, people, whole
from tests.agreements_api.recurrence.test_recurrence import MONTHLY, put

WORKLIST = "/v1/successions/worklist"
# The first occurrence is due at the end of the year; the reform of the tests that name a day begins in December.
REFORM = date(2026, 12, 1)
ROUNDS = 4


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reform(world: World) -> Reform:
    return Reform(world)


async def test_it_goes_to_whoever_took_the_place_of_a_unit_that_ended_since(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    path = await completed(reform, agreement, ends, stays, monitoring=(ends.key,))
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward), effective_on=REFORM.isoformat())
    async with on_day(world, REFORM):
        await reform.carry_out()
        before = await world.person(stays.key).read(f"/v1/agreements/{agreement['id']}")
        task = await made(reform, path)
    assert (task["version"], task["status"]) == (1, "not_started")
    assert answering(task["lead"]) == (people(ward), ward.name, f"UBND thị xã {ends.key}")
    assert task["lead"]["promised_by_organization_id"] == world.id(ends.ubnd)
    assert answering(task["coordinating"][0]) == (f"UBND thị xã {stays.key}", stays.unit.name, None)
    assert answering(task["monitoring"][0]) == (committee(ward), ward.name, f"Ban Thường vụ Thị ủy {ends.key}")
    heir = await reform.acting(people(ward), Role.SPECIALIST)
    assert (await heir.step(f"/v1/tasks/{task['id']}", "accept"))["status"] == "in_progress"
    # Whoever was given the last one reads this one and does nothing.
    former = world.specialist(ends.ubnd)
    assert (await former.read(f"/v1/tasks/{task['id']}"))["allowed_actions"] == []
    problem(await former.act(f"/v1/tasks/{task['id']}", "submit"), 403)
    assert (await heir.read(path))["lead"]["organization_id"] == world.id(ends.ubnd)
    # What the succession had to do in the agreement itself it has done.
    assert (await world.person(stays.key).read(f"/v1/agreements/{agreement['id']}"))["version"] == before["version"]
    assert await reform.proven()


async def test_it_is_told_once_with_whoever_answers_and_the_bodies_above(reform: Reform) -> None:
    world, province = reform.world, await reform.province()
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(stays, await reform.town())
    path = await completed(reform, agreement, ends, stays)
    ward = await reform.commune(province[0])
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()
    task = await made(reform, path)
    [row] = await world.rows("select payload::text as payload from outbox where aggregate_id = $1", task["id"])
    event = parse_envelope(row["payload"]).data
    assert isinstance(event, TaskAssigned)
    heir = await reform.acting(people(ward))
    assert (event.task.lead.name, event.task.lead.promised_by_name) == (people(ward), f"UBND thị xã {ends.key}")
    assert set(map(str, event.members)) >= {heir.organization, world.id(province[1]), world.id(ends.ubnd)}
    [entry] = (await heir.read(f"/v1/tasks/{task['id']}/history"))["items"]
    assert entry["action"] == "assign"
    assert {"field": "lead", "from": f"UBND thị xã {ends.key}", "to": people(ward)} in entry["changes"]
    assert entry["remark"] == "Kế thừa theo sắp xếp đơn vị hành chính có hiệu lực ngày 01/06/2026."
    assert (await world.person(province[1]).read(f"/v1/tasks/{task['id']}"))["id"] == task["id"]


async def test_it_is_the_same_before_the_succession_is_carried_out_and_nothing_is_done_twice(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    path = await completed(reform, agreement, ends, stays)
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    task = await made(reform, path)
    assert answering(task["lead"]) == (people(ward), ward.name, f"UBND thị xã {ends.key}")
    assert (await reform.carry_out()).repointed == 1
    assert await reform.types(task["id"]) == ["task.assigned.v1"]
    assert (await reform.types(agreement["id"])).count("agreement.succeeded.v1") == 1
    assert await world.rows("select from agreement_party where responsible_organization_name = $1", committee(ward))
    accepted(await reform.operator.post("/v1/successions/apply"), 202)
    assert (await reform.carry_out()).repointed == 0
    states = [case["state"] for case in await cases_of(reform, agreement, stays, ends.ubnd)]
    assert states == ["automatic"]
    assert await reform.proven()


async def test_a_part_that_was_taken_over_before_keeps_whose_promise_it_is(reform: Reform) -> None:
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    path = await repeated(reform, agreement, ends, stays)
    parent = (await reform.province())[0]
    first, second = await reform.commune(parent), await reform.commune(parent)
    await reform.dissolve(whole(ends.unit, first))
    await reform.carry_out()
    await complete(reform, path, (await reform.acting(people(first))).organization, reform.world.id(stays.ubnd))
    following = await made(reform, path)
    assert answering(following["lead"]) == (people(first), first.name, f"UBND thị xã {ends.key}")
    await complete(
        reform,
        f"/v1/tasks/{following['id']}",
        (await reform.acting(people(first))).organization,
        reform.world.id(stays.ubnd),
    )
    await reform.dissolve(whole(first, second), effective_on="2026-08-01")
    await reform.carry_out()
    last = await made(reform, f"/v1/tasks/{following['id']}")
    # The promise is still that of the town, though a ward came in between.
    assert answering(last["lead"]) == (people(second), second.name, f"UBND thị xã {ends.key}")
    assert await responsible(reform, agreement, stays, last) == (people(second), False)
    days = [case["effective_on"] for case in await cases_of(reform, agreement, stays, ends.ubnd)]
    assert days == ["2026-06-01", "2026-08-01"]
    assert await reform.proven()


async def test_one_body_that_took_two_places_takes_both_again(reform: Reform) -> None:
    world = reform.world
    lead, one, other = [await reform.town() for _ in range(3)]
    agreement = await reform.agreement(lead, one, other)
    path = await completed(reform, agreement, lead, one, other)
    ward = await reform.ward()
    await reform.dissolve(whole(one.unit, ward), whole(other.unit, ward))
    await reform.carry_out()
    task = await made(reform, path)
    assert [answering(party) for party in task["coordinating"]] == [
        (people(ward), ward.name, f"UBND thị xã {town.key}") for town in (one, other)
    ]
    heir = await reform.acting(people(ward))
    await complete(reform, f"/v1/tasks/{task['id']}", world.id(lead.ubnd), heir.organization)
    following = await made(reform, f"/v1/tasks/{task['id']}")
    assert [party["promised_by_name"] for party in following["coordinating"]] == [
        f"UBND thị xã {town.key}" for town in (one, other)
    ]


async def test_where_nobody_follows_it_stays_with_whoever_had_it(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(stays, await reform.town())
    path = await completed(reform, agreement, ends, stays)
    await world.rows("delete from unit_parent where unit_id = $1", ends.unit.id)
    await world.rows("update unit set valid_to = '2026-05-31' where id = $1", ends.unit.id)
    task = await made(reform, path)
    assert answering(task["lead"]) == (f"UBND thị xã {ends.key}", ends.unit.name, None)


async def test_where_several_could_the_proposed_one_has_it_until_somebody_decides(reform: Reform) -> None:
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    path = await completed(reform, agreement, ends, stays)
    first, second = await divide(reform, ends)
    task = await made(reform, path)
    assert answering(task["lead"]) == (people(first), first.name, f"UBND thị xã {ends.key}")
    assert await responsible(reform, agreement, stays, task) == (people(first), True)
    leader = reform.world.person(stays.key)
    [case] = await cases_of(reform, agreement, stays, ends.ubnd)
    assert (case["state"], [one["id"] for one in case["tasks"]]) == ("open", [task["id"]])
    assert case["allowed_actions"] == ["decide"]
    work = await reform.world.person("dongtrieu").read("/v1/my-work", agreement_id=agreement["id"], kind="decide")
    assert case["id"] in {item["subject"]["id"] for item in work["items"]}
    await leader.step(f"{WORKLIST}/{case['id']}", "decide", choosing(second))
    after = await leader.read(f"/v1/tasks/{task['id']}")
    assert answering(after["lead"]) == (people(second), second.name, f"UBND thị xã {ends.key}")
    assert await reform.types(task["id"]) == ["task.assigned.v1", "task.reassigned.v1"]
    assert await reform.proven()


async def test_where_nobody_is_named_to_follow_the_unit_above_has_it_until_somebody_decides(reform: Reform) -> None:
    province, _ = above = await reform.province()
    ends, stays = await reform.town(above), await reform.town()
    agreement = await reform.agreement(ends, stays)
    path = await completed(reform, agreement, ends, stays)
    await reform.dissolve_alone(ends.unit)
    await reform.carry_out()
    task = await made(reform, path)
    assert answering(task["lead"]) == (people(province), province.name, f"UBND thị xã {ends.key}")
    assert await responsible(reform, agreement, stays, task) == (people(province), True)
    [case] = await cases_of(reform, agreement, stays, ends.ubnd)
    assert (case["state"], [one["id"] for one in case["tasks"]]) == ("open", [task["id"]])
    work = await reform.world.person("dongtrieu").read("/v1/my-work", agreement_id=agreement["id"], kind="decide")
    assert case["id"] in {item["subject"]["id"] for item in work["items"]}
    assert await reform.proven()


@pytest.mark.parametrize("when", ["completed before the reform", "completed by the proposed one"])
async def test_what_was_decided_of_the_promise_before_is_followed(reform: Reform, when: str) -> None:
    """An open task is given to whoever is chosen, so the next occurrence of a completed one is as well."""
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    # Something is open of the town, so that there is something to decide.
    await world.task(agreement, lead=ends.ubnd, coordinating=(stays.ubnd,))
    path = await repeated(reform, agreement, ends, stays)
    if when == "completed before the reform":
        await complete(reform, path, world.id(ends.ubnd), world.id(stays.ubnd))
    first, second = await divide(reform, ends)
    if when == "completed by the proposed one":
        await complete(reform, path, (await reform.acting(people(first))).organization, world.id(stays.ubnd))
    [case] = await cases_of(reform, agreement, stays, ends.ubnd)
    await world.person(stays.key).step(f"{WORKLIST}/{case['id']}", "decide", choosing(second))
    task = await made(reform, path)
    assert answering(task["lead"]) == (people(second), second.name, f"UBND thị xã {ends.key}")
    assert await responsible(reform, agreement, stays, task) == (people(second), False)
    [case] = await cases_of(reform, agreement, stays, ends.ubnd)
    assert (case["state"], task["id"] in {one["id"] for one in case["tasks"]}) == ("decided", True)
    assert await reform.proven()


async def test_what_was_decided_of_the_task_apart_holds_for_the_next_one(reform: Reform) -> None:
    """Different wards take on different matters: the next occurrence is the same matter."""
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    other = await world.task(agreement, lead=ends.ubnd, coordinating=(stays.ubnd,))
    path = await repeated(reform, agreement, ends, stays)
    first, second = await divide(reform, ends)
    leader = world.person(stays.key)
    [case] = await cases_of(reform, agreement, stays, ends.ubnd)
    body = choosing(second, task_ids=[path.rsplit("/", 1)[1]])
    await leader.step(f"{WORKLIST}/{case['id']}", "decide", body)
    await complete(reform, path, (await reform.acting(people(second))).organization, world.id(stays.ubnd))
    task = await made(reform, path)
    assert answering(task["lead"]) == (people(second), second.name, f"UBND thị xã {ends.key}")
    assert await responsible(reform, agreement, stays, task) == (people(second), False)
    [rest] = [one for one in await cases_of(reform, agreement, stays, ends.ubnd) if one["task_id"] is None]
    assert [one["id"] for one in rest["tasks"]] == [other["id"]]
    [apart] = [one for one in await cases_of(reform, agreement, stays, ends.ubnd) if one["task_id"] == task["id"]]
    assert (apart["state"], apart["decision"]["reason"]) == ("decided", body["reason"])
    # What is decided of the rest leaves it where it is.
    await leader.step(f"{WORKLIST}/{case['id']}", "decide", choosing(first))
    assert (await leader.read(f"/v1/tasks/{task['id']}"))["lead"] == task["lead"]
    assert await reform.proven()


@pytest.mark.parametrize("reforms", ["the first", "the second"])
async def test_a_succession_that_begins_while_it_is_made_finds_it(
    reform: Reform, monkeypatch: pytest.MonkeyPatch, reforms: str
) -> None:
    """It was settled to whom it goes, and only then his unit ended: the succession waits and takes it along."""
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(stays, await reform.town())
    path = await completed(reform, agreement, ends, stays)
    # Whose unit ends is no more than a reader until then, beside what he completed.
    await read_on_already(reform, agreement, ends, stays)
    parent, unit = (await reform.province())[0], ends.unit
    if reforms == "the second":
        unit = await reform.commune(parent)
        await reform.dissolve(whole(ends.unit, unit))
        await reform.carry_out()
    ward = await reform.commune(parent)
    async with held(monkeypatch, writing_repository, "create") as making:
        maker = asyncio.create_task(make_due(reform.world.registry.database, 50))
        await making.reached.wait()
        await reform.dissolve(whole(unit, ward), effective_on="2026-08-01")
        succession = asyncio.create_task(reform.carry_out())
        await asyncio.sleep(0.5)
        assert not succession.done()
        making.go_on.set()
        await asyncio.gather(maker, succession)
    task = await made(reform, path)
    assert answering(task["lead"]) == (people(ward), ward.name, f"UBND thị xã {ends.key}")
    assert await reform.types(task["id"]) == ["task.assigned.v1", "task.reassigned.v1"]
    assert await reform.proven()


async def test_one_that_is_due_while_a_succession_is_under_way_waits_for_it(
    reform: Reform, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    path = await completed(reform, agreement, ends, stays)
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    async with held(monkeypatch, queue_repository, "finish_steps") as succeeding:
        succession = asyncio.create_task(reform.carry_out())
        await succeeding.reached.wait()
        assert await make_due(reform.world.registry.database, 50) == 0
        succeeding.go_on.set()
        await succession
    task = await made(reform, path)
    assert answering(task["lead"]) == (people(ward), ward.name, f"UBND thị xã {ends.key}")
    assert await reform.types(task["id"]) == ["task.assigned.v1"]


async def test_successions_and_occurrences_at_once_lose_nothing(reform: Reform) -> None:
    world, database = reform.world, reform.world.registry.database
    for _ in range(ROUNDS):
        ends, stays = await reform.town(), await reform.town()
        agreement = await reform.agreement(ends, stays)
        paths = [await completed(reform, agreement, ends, stays) for _ in range(3)]
        ward = await reform.ward()
        await reform.dissolve(whole(ends.unit, ward))
        await asyncio.gather(*(make_due(database, 2) for _ in range(3)), *(reform.carry_out() for _ in range(2)))
        await reform.carry_out()
        for path in paths:
            task = await made(reform, path)
            assert answering(task["lead"]) == (people(ward), ward.name, f"UBND thị xã {ends.key}")
            types = await reform.types(task["id"])
            assert types[0] == "task.assigned.v1"
            assert types[1:] in ([], ["task.reassigned.v1"])
        assert (await reform.types(agreement["id"])).count("agreement.succeeded.v1") == 1
        assert len(await world.rows("select from organization where name = $1", people(ward))) == 1
        assert [case["state"] for case in await cases_of(reform, agreement, stays, ends.ubnd)] == ["automatic"]
    assert await reform.proven()


async def repeated(
    reform: Reform, agreement: Json, lead: Town, *coordinating: Town, monitoring: tuple[str, ...] = ()
) -> str:
    """The path of a task that comes again every month."""
    world = reform.world
    keys = tuple(town.ubnd for town in coordinating)
    task = await world.task(agreement, lead=lead.ubnd, coordinating=keys, monitoring=monitoring)
    path = f"/v1/tasks/{task['id']}"
    accepted(await put(world, path, MONTHLY), 200)
    return path


async def completed(
    reform: Reform, agreement: Json, lead: Town, *coordinating: Town, monitoring: tuple[str, ...] = ()
) -> str:
    """The same, done by those who were given it."""
    path = await repeated(reform, agreement, lead, *coordinating, monitoring=monitoring)
    await complete(reform, path, reform.world.id(lead.ubnd), *(reform.world.id(town.ubnd) for town in coordinating))
    return path


async def complete(reform: Reform, path: str, lead: str, *coordinating: str) -> None:
    worker = reform.of(lead, Role.SPECIALIST)
    await worker.step(path, "accept")
    await worker.step(path, "submit")
    for one in coordinating:
        await reform.of(one).step(path, "confirm")
    assert (await worker.read(path))["status"] == "completed"


async def made(reform: Reform, path: str) -> Json:
    """The one occurrence after a task, made by now."""
    world = reform.world
    for _ in range(3):
        await make_due(world.registry.database, 50)
    [row] = await world.rows("select id from task where previous_occurrence_id = $1", path.rsplit("/", 1)[1])
    return await world.person("dongtrieu").read(f"/v1/tasks/{row['id']}")


async def divide(reform: Reform, town: Town) -> tuple[Unit, Unit]:
    """The town goes mostly to one ward, and partly to another one; carried out."""
    parent = (await reform.province())[0]
    first, second = await reform.commune(parent), await reform.commune(parent)
    await reform.dissolve(most(town.unit, first), part(town.unit, second))
    await reform.carry_out()
    return first, second


async def read_on_already(reform: Reform, agreement: Json, ends: Town, stays: Town) -> None:
    """A body that left another task of the agreement stands there as one that reads on."""
    world = reform.world
    task = await world.task(agreement, lead=ends.ubnd, coordinating=())
    body = {"lead_organization_id": world.id(stays.ubnd), "reason": "Phân công lại (minh họa)"}
    await world.person("dongtrieu").step(f"/v1/tasks/{task['id']}", "reassign", body)


async def cases_of(reform: Reform, agreement: Json, reader: Town, promised_by: str) -> list[Json]:
    path = f"/v1/agreements/{agreement['id']}/successions"
    items = (await reform.world.person(reader.key).read(path))["items"]
    return [one for one in items if one["promised_by"]["organization_id"] == reform.world.id(promised_by)]


async def responsible(reform: Reform, agreement: Json, reader: Town, task: Json) -> tuple[str, bool]:
    """Who answers for the lead of a task, and whether that is provisional."""
    items = (await reform.world.person(reader.key).read(f"/v1/agreements/{agreement['id']}/responsible"))["items"]
    [lead] = [item for item in items if (item["task_id"], item["relation"]) == (task["id"], "lead")]
    return lead["answers"]["name"], lead["provisional"]


def choosing(unit: Unit, **more: Any) -> Json:
    return {"unit_id": str(unit.id), "reason": "Khu vực giáp ranh thuộc địa bàn phường.", **more}


def answering(party: Json) -> tuple[str, str, str | None]:
    """Who takes part, for which unit, and whose promise it is where that is another's."""
    return party["name"], party["unit_name"], party["promised_by_name"]


class Held:
    """A step that waits in the middle of its transaction."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self.go_on = asyncio.Event()


@asynccontextmanager
async def held(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> AsyncIterator[Held]:
    """The first call of a function waits until it may go on."""
    step, function = Held(), getattr(module, name)

    async def waiting(*args: Any, **kwargs: Any) -> Any:
        step.reached.set()
        await step.go_on.wait()
        return await function(*args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(module, name, waiting)
        try:
            yield step
        finally:
            step.go_on.set()
