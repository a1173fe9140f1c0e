"""Reading obstacles as they were at an instant."""

from datetime import timedelta
from typing import Any

import pytest

from agreements_api.config import Settings
from agreements_api.obstacles.past.service import on_day, stand
from agreements_api.policy import Role
from shared import clock
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.history.test_as_of import LONG_AGO, without_actions
from tests.agreements_api.obstacles.raising import in_working_days, planned, raised


def now() -> str:
    return clock.now().isoformat()


async def test_every_read_of_an_obstacle_shows_what_it_showed_then(world: World, plan: Json) -> None:
    """Through measures, escalation, resolution and reopening, and while its task and its agreement become others."""
    obstacle, path = await raised(world, plan)
    task = f"/v1/tasks/{obstacle['task_id']}"
    reader = world.person("haiduong", Role.VIEWER)
    raiser, lead = world.specialist("ubnd-kinhmon"), world.person("ubnd-dongtrieu")
    seen: list[tuple[str, dict[str, Json]]] = []

    async def look() -> None:
        shown = {part: await reader.read(f"{path}{part}") for part in ("", "/history")}
        shown["list"] = await reader.read("/v1/obstacles", task_id=obstacle["task_id"])
        seen.append((now(), shown))

    await look()
    accepted(await raiser.change(path, {"text": "Hồ sơ chưa khớp, cần đo lại (minh họa)."}), 200)
    await look()
    obstacle = await planned(world, path, due_on=in_working_days(3))
    await look()
    measure = f"{path}/measures/{obstacle['measures'][0]['id']}"
    headers = {"If-Match": (await lead.get(path)).headers["etag"]}
    accepted(await lead.patch(measure, {"done": True, "remark": "Đã đo"}, **headers), 200)
    await look()
    accepted(await world.person("dongtrieu").change(task, {"title": "Tên nhiệm vụ khác"}), 200)
    await look()
    moved = {"lead_organization_id": world.id("ubnd-sondong"), "reason": "Đổi đơn vị chủ trì (minh họa)"}
    await world.person("dongtrieu").step(task, "reassign", moved)
    await look()
    await world.person("ubnd-kinhmon").step(path, "escalate", {"reason": "Vượt thẩm quyền"})
    await look()
    await world.person("bacgiang").step(path, "resolve", {"resolution": "Đã thống nhất"})
    await look()
    await world.person("bacgiang").step(path, "reopen", {"reason": "Lại phát sinh"})
    await look()

    for instant, shown in seen:
        for part in ("", "/history"):
            was = await reader.read(f"{path}{part}", as_of=instant)
            assert was == without_actions(shown[part]), (instant, part)
        listed = await reader.read("/v1/obstacles", task_id=obstacle["task_id"], as_of=instant)
        assert listed["items"] == [without_actions(item) for item in shown["list"]["items"]]


async def test_lists_of_the_past_are_narrowed_by_what_they_were(world: World) -> None:
    plan = await world.plan()
    first, path = await raised(world, plan)
    second, _ = await raised(world, plan)
    reader, instant = world.person("dongtrieu"), now()
    await world.person("ubnd-dongtrieu").step(path, "escalate", {"reason": "Vượt thẩm quyền"})
    await world.person("quangninh").step(path, "resolve", {"resolution": "Đã thống nhất"})
    await raised(world, plan)

    async def ids(**query: Any) -> list[str]:
        page = await reader.read("/v1/obstacles", agreement_id=plan["id"], as_of=instant, **query)
        return [item["id"] for item in page["items"]]

    both = [second["id"], first["id"]]
    assert await ids() == both
    assert await ids(status="open", level="locality") == both
    assert await ids(status="resolved") == []
    assert await ids(level="province") == []
    assert await ids(organization=world.id("ubnd-dongtrieu")) == both
    assert await ids(organization=world.id("quangninh")) == []
    assert await ids(overdue="false") == both
    assert await ids(overdue="true") == []
    page = await reader.read("/v1/obstacles", agreement_id=plan["id"], as_of=instant, limit=1)
    following = await reader.read(
        "/v1/obstacles", agreement_id=plan["id"], as_of=instant, limit=1, cursor=page["next_cursor"]
    )
    assert [item["id"] for item in (*page["items"], *following["items"])] == both
    assert following["next_cursor"] is None


async def test_they_need_the_agreement_or_the_task(world: World) -> None:
    found = problem(await world.person("dongtrieu").get("/v1/obstacles", as_of=now()), 422)
    assert pointers(found) == ["/query/agreement_id"]


async def test_before_it_was_raised_and_for_strangers_it_is_not_found(world: World, plan: Json) -> None:
    before = now()
    obstacle, path = await raised(world, plan)
    reader, stranger = world.person("dongtrieu"), world.person("elsewhere")
    for instant in (LONG_AGO, before):
        problem(await reader.get(path, as_of=instant), 404)
        problem(await reader.get(f"{path}/history", as_of=instant), 404)
        query = {"task_id": obstacle["task_id"], "as_of": instant}
        assert (await reader.read("/v1/obstacles", **query))["items"] == []
    problem(await stranger.get(path, as_of=now()), 404)
    assert (await stranger.read("/v1/obstacles", task_id=obstacle["task_id"], as_of=now()))["items"] == []


async def test_the_past_of_an_obstacle_has_entity_tags(world: World, plan: Json) -> None:
    _, path = await raised(world, plan)
    reader, instant = world.person("dongtrieu"), now()
    await world.person("ubnd-dongtrieu").step(path, "resolve", {"resolution": "Đã thống nhất"})
    first = await reader.get(path, as_of=instant)
    again = await reader.get(path, as_of=instant, headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code) == (200, 304)


async def test_what_was_overdue_is_that_of_the_day(world: World, plan: Json, settings: Settings) -> None:
    """The log keeps no such thing: it changes with the day and without a version."""
    obstacle, _ = await raised(world, plan)
    state = obstacle | {"measures": [_measure(obstacle["due_on"]), _measure("2199-12-31")]}
    last_day = clock.today() + timedelta(days=90)
    shown = on_day(state, last_day)
    assert (shown["overdue"], stand(shown)) == (True, "overdue")
    assert [measure["overdue"] for measure in shown["measures"]] == [True, False]
    in_time = on_day(state, clock.today())
    assert (in_time["overdue"], stand(in_time)) == (False, "in_time")
    late = on_day(state | {"due_on": "2199-12-31"}, last_day)
    assert (late["overdue"], stand(late)) == (False, "late")
    assert on_day(state | {"status": "resolved"}, last_day)["overdue"] is False
    assert settings.obstacle_working_days < 90


@pytest.mark.parametrize("path", ["/v1/obstacles", "/v1/obstacles/01990000-0000-7000-8000-0000000000aa"])
async def test_the_future_is_named(world: World, path: str) -> None:
    found = problem(await world.person("dongtrieu").get(path, as_of="2199-01-01"), 422)
    assert pointers(found) == ["/query/as_of"]


def _measure(due_on: str) -> Json:
    return {
        "id": "01990000-0000-7000-8000-0000000000f2",
        "text": "Đo lại (minh họa)",
        "organization_id": "01990000-0000-7000-8000-0000000000f3",
        "organization_name": "UBND",
        "due_on": due_on,
        "done_at": None,
        "remark": None,
    }
