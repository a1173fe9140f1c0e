"""Open points as they were at an instant, as the history of their agreement tells."""

from tests.agreements_api.agreements.world import Json, World, pointers, problem
from tests.agreements_api.history.looking import now
from tests.agreements_api.provenance.test_open_points import raised


async def test_a_point_is_what_it_was(world: World) -> None:
    """But for when it was changed: that is the time of the agreement's version, a moment after the point's own."""
    plan = await world.plan()
    task, leader = await world.task(plan), world.person("chilinh")
    before = now()
    path = f"/v1/open-points/{(await raised(world, plan))['id']}"
    seen: list[tuple[str, Json]] = []

    async def look() -> None:
        seen.append((now(), await leader.read(path)))

    await look()
    await leader.step(path, "carry", {"task_id": task["id"], "remark": "Giao nhiệm vụ"})
    await look()
    await leader.step(path, "resolve", {"remark": "Đã họp định kỳ"})
    await look()
    for instant, shown in seen:
        was = await leader.read(path, as_of=instant)
        assert was | {"updated_at": None} == shown | {"updated_at": None, "allowed_actions": []}
        assert was["updated_at"] <= instant
    problem(await leader.get(path, as_of=before), 404)
    problem(await world.person("elsewhere").get(path, as_of=now()), 404)
    assert pointers(problem(await leader.get(path, as_of="2199-01-01"), 422)) == ["/query/as_of"]


async def test_nothing_can_be_done_with_the_past(world: World) -> None:
    plan = await world.plan()
    path, leader = f"/v1/open-points/{(await raised(world, plan))['id']}", world.person("chilinh")
    was = await leader.get(path, as_of=now())
    assert was.json()["allowed_actions"] == []
    assert (await leader.get(path, as_of=now(), headers={"If-None-Match": was.headers["etag"]})).status_code == 304


async def test_before_the_agreement_was_there_it_has_no_points(world: World) -> None:
    plan = await world.plan()
    path, leader = f"/v1/agreements/{plan['id']}/open-points", world.person("chilinh")
    assert (await leader.read(path, as_of=plan["created_at"]))["items"] == []
    problem(await leader.get(path, as_of="2001-01-01"), 404)
