"""Which task waits for which: within one agreement, without cycles, also when two are made at once."""

import asyncio
from itertools import pairwise
from typing import Any

import pytest

from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem


async def test_a_task_waits_for_another_and_both_sides_say_so(world: World, plan: Json) -> None:
    first, second = await new_task(world, plan, "Trước"), await new_task(world, plan, "Sau")
    link = await wait(world, second, first, lag=5)
    assert (link["task_id"], link["depends_on_task_id"], link["lag_working_days"]) == (second, first, 5)
    reader = world.person("ubnd-kinhmon")
    before = (await reader.read(f"{at(second)}/dependencies"))["items"]
    after = (await reader.read(f"{at(first)}/dependencies", direction="successors"))["items"]
    assert [one["neighbour"]["title"] for one in before] == ["Trước"]
    assert [one["neighbour"]["title"] for one in after] == ["Sau"]
    assert before[0]["allowed_actions"] == after[0]["allowed_actions"] == []
    planner = world.specialist("dongtrieu")
    assert (await planner.read(f"{at(second)}/dependencies"))["items"][0]["allowed_actions"] == ["delete"]
    newest = (await reader.read(f"{at(second)}/history", limit=1))["items"][0]
    assert (newest["action"], newest["changes"]) == (
        "add_dependency",
        [{"field": f"dependencies/{first}", "from": None, "to": 5}],
    )


async def test_what_no_longer_waits_is_free(world: World, plan: Json) -> None:
    first, second = await new_task(world, plan), await new_task(world, plan)
    link, planner = await wait(world, second, first), world.specialist("dongtrieu")
    problem(await planner.delete(f"{at(second)}/dependencies/{link['id']}"), 428)
    problem(await planner.delete(f"{at(first)}/dependencies/{link['id']}", **{"If-Match": "*"}), 404)
    gone = await planner.delete(f"{at(second)}/dependencies/{link['id']}", **{"If-Match": "*"})
    assert gone.status_code == 204
    assert (await planner.read(f"{at(second)}/dependencies"))["items"] == []
    await wait(world, first, second)


@pytest.mark.parametrize("length", [1, 2, 5])
async def test_a_cycle_is_refused_however_long(world: World, plan: Json, length: int) -> None:
    chain = [await new_task(world, plan) for _ in range(length)]
    for earlier, later in pairwise(chain):
        await wait(world, later, earlier)
    planner = world.specialist("dongtrieu")
    before = await planner.read(at(chain[0]))
    refused = problem(await planner.act(at(chain[0]), "dependencies", {"depends_on_task_id": chain[-1]}), 422)
    assert (pointers(refused), refused["errors"][0]["code"]) == (["/depends_on_task_id"], "dependency_cycle")
    assert await planner.read(at(chain[0])) == before


async def test_of_two_that_make_a_cycle_at_once_one_is_refused(world: World, plan: Json) -> None:
    planner = world.specialist("dongtrieu")
    for _ in range(8):
        one, other = await new_task(world, plan), await new_task(world, plan)
        answers = await asyncio.gather(
            planner.post(f"{at(one)}/dependencies", {"depends_on_task_id": other}, **{"If-Match": "*"}),
            planner.post(f"{at(other)}/dependencies", {"depends_on_task_id": one}, **{"If-Match": "*"}),
        )
        assert sorted(answer.status_code for answer in answers) == [201, 422]
        [row] = await world.rows(
            "select count(*) as links from task_dependency where task_id = any($1::uuid[])", [one, other]
        )
        assert row["links"] == 1


async def test_of_many_that_close_a_ring_at_once_all_but_one_stay(world: World, plan: Json) -> None:
    planner = world.specialist("dongtrieu")
    ring = [await new_task(world, plan) for _ in range(5)]
    answers = await asyncio.gather(
        *(
            planner.post(f"{at(task)}/dependencies", {"depends_on_task_id": ring[number - 1]}, **{"If-Match": "*"})
            for number, task in enumerate(ring)
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201, 201, 201, 201, 422]


async def test_the_same_link_is_made_once(world: World, plan: Json) -> None:
    first, second = await new_task(world, plan), await new_task(world, plan)
    await wait(world, second, first)
    planner = world.specialist("dongtrieu")
    problem(await planner.act(at(second), "dependencies", {"depends_on_task_id": first}), 409, "already_depends")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/depends_on_task_id"),
        ({"depends_on_task_id": "x"}, "/depends_on_task_id"),
        ({"depends_on_task_id": "01990000-0000-7000-8000-00000000dead"}, "/depends_on_task_id"),
        ({"depends_on_task_id": "01990000-0000-7000-8000-00000000dead", "lag_working_days": -1}, "/lag_working_days"),
        ({"depends_on_task_id": "01990000-0000-7000-8000-00000000dead", "lag_working_days": 1001}, "/lag_working_days"),
        ({"depends_on_task_id": "01990000-0000-7000-8000-00000000dead", "lag_working_days": "5"}, "/lag_working_days"),
    ],
)
async def test_what_cannot_be_taken_names_its_field(world: World, plan: Json, body: Any, pointer: str) -> None:
    task, planner = await new_task(world, plan), world.specialist("dongtrieu")
    assert pointers(problem(await planner.act(at(task), "dependencies", body), 422)) == [pointer]


async def test_tasks_of_other_agreements_and_cancelled_ones_are_not_waited_for(world: World, plan: Json) -> None:
    task, planner = await new_task(world, plan), world.person("dongtrieu")
    elsewhere = await new_task(world, await world.plan())
    refused = problem(await planner.act(at(task), "dependencies", {"depends_on_task_id": elsewhere}), 422)
    assert refused["errors"][0]["code"] == "unknown_reference"
    cancelled = await new_task(world, plan)
    await planner.step(at(cancelled), "cancel", {"reason": "Trùng"})
    refused = problem(await planner.act(at(task), "dependencies", {"depends_on_task_id": cancelled}), 422)
    assert refused["errors"][0]["code"] == "task_cancelled"


async def test_the_impact_of_a_slip_is_read_before_it_is_asked_for(world: World, plan: Json) -> None:
    first = await new_task(world, plan, "Trước", due_on="2026-11-30")
    second = await new_task(world, plan, "Giữa", due_on="2026-12-18")
    third = await new_task(world, plan, "Sau", due_on="2026-12-31")
    await wait(world, second, first)
    await wait(world, third, second, lag=1)
    reader = world.person("quangninh")
    impact = await reader.read(f"{at(first)}/dependencies/impact", due_on="2026-12-04")
    assert (impact["due_on"], impact["asked_due_on"], impact["slip_working_days"]) == ("2026-11-30", "2026-12-04", 4)
    assert [(one["title"], one["projected_due_on"], one["slip_working_days"]) for one in impact["items"]] == [
        ("Giữa", "2026-12-24", 4),
        ("Sau", "2027-01-07", 4),
    ]
    # As planned: nothing moves.
    impact = await reader.read(f"{at(first)}/dependencies/impact")
    assert (impact["slip_working_days"], [one["slip_working_days"] for one in impact["items"]]) == (0, [0, 0])
    late = await new_task(world, plan, "Trễ", due_on="2026-01-30")
    assert (await reader.read(f"{at(late)}/dependencies/impact"))["slip_working_days"] > 0


@pytest.mark.parametrize("day", ["2032-01-01", "2199-12-31", "x", "1944-01-01"])
async def test_a_slip_is_followed_for_some_years_only(world: World, plan: Json, day: str) -> None:
    path = f"{at(await new_task(world, plan))}/dependencies/impact"
    assert pointers(problem(await world.person("dongtrieu").get(path, due_on=day), 422)) == ["/query/due_on"]


async def test_a_stranger_learns_nothing_and_others_change_nothing(world: World, plan: Json) -> None:
    first, second = await new_task(world, plan), await new_task(world, plan)
    body = {"depends_on_task_id": first}
    stranger = world.person("elsewhere")
    for read in ("dependencies", "dependencies/impact"):
        problem(await stranger.get(f"{at(second)}/{read}"), 404, "not_found")
    problem(await stranger.post(f"{at(second)}/dependencies", body, **{"If-Match": "*"}), 404)
    for person in (world.person("ubnd-kinhmon"), world.person("chilinh")):
        problem(await person.act(at(second), "dependencies", body), 403, "forbidden")


async def new_task(world: World, plan: Json, title: str = "Việc (minh họa)", **given: Any) -> str:
    return str((await world.task(plan, title=title, **given))["id"])


async def wait(world: World, task: str, other: str, lag: int = 0) -> Json:
    body = {"depends_on_task_id": other, "lag_working_days": lag}
    return accepted(await world.specialist("dongtrieu").act(at(task), "dependencies", body), 201)


def at(task: str) -> str:
    return f"/v1/tasks/{task}"
