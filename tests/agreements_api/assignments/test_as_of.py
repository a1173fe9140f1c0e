"""Who handled a task or an agreement at an instant."""

import pytest

from agreements_api.policy import Role
from shared import clock
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.assignments.people import assign, draft, employee, hand_over
from tests.agreements_api.history.test_as_of import LONG_AGO, without_actions


def now() -> str:
    return clock.now().isoformat()


async def test_who_handled_a_task_is_what_it_was(world: World, plan: Json) -> None:
    """Through naming, replacing, coming back and the hand-over of whoever leaves."""
    path = f"/v1/tasks/{(await world.task(plan))['id']}"
    leader = world.person("ubnd-dongtrieu")
    one, two, three = [await employee(world, "ubnd-dongtrieu") for _ in range(3)]
    seen: list[tuple[str, dict[str, Json]]] = []

    async def look() -> None:
        shown = {part: await leader.read(f"{path}/{part}") for part in ("assignees", "assignees/log")}
        seen.append((now(), shown))

    await look()
    for people in ((one,), (one, two), (two,), (one, two)):
        await assign(leader, path, *people)
        await look()
    administrator = world.person("ubnd-dongtrieu", Role.ADMINISTRATOR)
    await hand_over(administrator, one, str(three.actor.id))
    await look()
    # The one who takes over handles it already, and since when he did.
    await hand_over(administrator, three, str(two.actor.id))
    await look()
    for instant, shown in seen:
        for part, then in shown.items():
            was = await leader.read(f"{path}/{part}", as_of=instant)
            assert was == without_actions(then), (instant, part)
    assert [len(shown["assignees"]["items"]) for _, shown in seen] == [0, 1, 2, 1, 2, 2, 1]


async def test_whoever_drafted_an_agreement_handled_it(world: World) -> None:
    drafter, other = await employee(world, "chilinh"), await employee(world, "chilinh")
    path = f"/v1/agreements/{accepted(await drafter.post('/v1/agreements', draft()), 201)['id']}"
    instant, leader = now(), world.person("chilinh")
    await assign(leader, path, other)
    was = await leader.read(f"{path}/assignees", as_of=instant)
    assert [item["account_id"] for item in was["items"]] == [str(drafter.actor.id)]
    assert (was["version"], was["allowed_actions"]) == (1, [])


@pytest.mark.parametrize("part", ["assignees", "assignees/log"])
async def test_before_it_was_there_and_for_strangers_it_is_not_found(world: World, plan: Json, part: str) -> None:
    task = await world.task(plan)
    for path in (f"/v1/tasks/{task['id']}", f"/v1/agreements/{plan['id']}"):
        problem(await world.person("dongtrieu").get(f"{path}/{part}", as_of=LONG_AGO), 404)
        problem(await world.person("elsewhere").get(f"{path}/{part}", as_of=now()), 404)
        found = problem(await world.person("dongtrieu").get(f"{path}/{part}", as_of="2199-01-01"), 422)
        assert pointers(found) == ["/query/as_of"]


async def test_what_others_did_among_themselves_is_not_told_of_the_past_either(world: World, plan: Json) -> None:
    path = f"/v1/tasks/{(await world.task(plan))['id']}"
    await assign(world.person("ubnd-dongtrieu"), path, await employee(world, "ubnd-dongtrieu"))
    for key in ("ubnd-kinhmon", "dongtrieu", "haiduong"):
        assert (await world.person(key).read(f"{path}/assignees", as_of=now()))["items"] == []
