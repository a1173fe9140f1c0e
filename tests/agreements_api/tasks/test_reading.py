"""Reading one task: entity tags, and what changes without a new version."""

from datetime import timedelta

from shared import clock
from tests.agreements_api.agreements.world import Json, World


async def test_what_the_caller_has_is_not_sent_again(world: World, plan: Json) -> None:
    path = f"/v1/tasks/{(await world.task(plan))['id']}"
    reader = world.person("ubnd-kinhmon")
    tag = (await reader.get(path)).headers["etag"]
    same = await reader.get(path, headers={"If-None-Match": tag})
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    await world.specialist("ubnd-dongtrieu").step(path, "accept")
    changed = await reader.get(path, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


async def test_a_task_that_becomes_overdue_is_sent_again_though_nobody_changed_it(world: World, plan: Json) -> None:
    due_on = clock.today() + timedelta(days=1)
    path = f"/v1/tasks/{(await world.task(plan, due_on=due_on.isoformat()))['id']}"
    reader = world.person("ubnd-dongtrieu")
    before = await reader.get(path)
    assert before.json()["timeliness"] == "due_soon"
    clock.set_offset(timedelta(days=3))
    try:
        after = await reader.get(path, headers={"If-None-Match": before.headers["etag"]})
    finally:
        clock.set_offset(timedelta())
    assert after.status_code == 200
    assert after.json() == before.json() | {"timeliness": "overdue"}
    # It is the same version: what was decided on it still holds.
    accept = await world.specialist("ubnd-dongtrieu").post(f"{path}/accept", **{"If-Match": before.headers["etag"]})
    assert accept.status_code == 200
