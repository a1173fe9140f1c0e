"""Dossiers of boundary areas as they were at an instant."""

import asyncio
from typing import Any

import orjson

from agreements_api.policy import Role
from shared.db.migrate import downgrade, upgrade
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.boundary_cases.dossiers import FIRST, SECOND, body, confirmed, opened, path_of
from tests.agreements_api.history.looking import Looking, now, with_moments
from tests.agreements_api.history.test_as_of import LONG_AGO

BEFORE = "0026"
REMARK = {"remark": "Theo biên bản (minh họa)"}


async def gone_through(world: World, case: Json, looking: Looking | None = None) -> None:
    """Counted anew, confirmed, taken back, handed over and closed, looked at after each."""
    path, worker = path_of(case), world.specialist(FIRST)

    async def look() -> None:
        if looking is not None:
            await looking.look(path, f"{path}/history")

    await look()
    accepted(await worker.change(path, {"households": 13, "note": None, "place": "Nơi khác (minh họa)"}), 200)
    await look()
    step = f"steps/{case['steps'][0]['id']}"
    await world.person(FIRST).step(path, f"{step}/confirm", REMARK)
    await look()
    await world.person(FIRST).step(path, f"{step}/take-back", REMARK)
    await look()
    await world.person(SECOND).step(path, f"{step}/confirm", REMARK)
    await look()
    # What one side alone has confirmed of other figures is void.
    accepted(await worker.change(path, {"plots": 31, "kind": "cross_inhabited"}), 200)
    await look()
    for number in range(2):
        for key in (FIRST, SECOND):
            await confirmed(world, case, number, key)
            await look()
    await world.person("dongtrieu").step(path, "close", REMARK)
    await look()


async def test_every_read_shows_what_it_showed_then(world: World, plan: Json) -> None:
    """While its task becomes another one and other parties lead it."""
    case = await opened(world, plan)
    task, custodian = f"/v1/tasks/{case['task_id']}", world.person("dongtrieu")
    looking = Looking(world.person("haiduong", Role.VIEWER), f"{task}/boundary-cases")
    path, worker = path_of(case), world.specialist(FIRST)
    await looking.look(path)
    accepted(await custodian.change(task, {"title": "Tên nhiệm vụ khác"}), 200)
    await looking.look(path)
    case = accepted(await worker.change(path, {"steps": [{"title": "Đo đạc"}, {"title": "Ký biên bản"}]}), 200)
    await looking.look(path)
    await gone_through(world, case, looking)
    moved = {"lead_organization_id": world.id("ubnd-sondong"), "reason": "Đổi đơn vị chủ trì (minh họa)"}
    await custodian.step(task, "reassign", moved)
    await looking.look(path)
    assert await looking.again() == 4 * 2 + 11 * 3


async def test_lists_of_the_past_are_narrowed_by_what_they_were_and_come_in_pages(world: World) -> None:
    plan = await world.plan()
    cases = [await opened(world, plan) for _ in range(3)]
    reader, instant = world.person("chilinh"), now()
    await gone_through(world, cases[0])
    await opened(world, plan)

    async def ids(**query: Any) -> list[str]:
        page = await reader.read("/v1/boundary-cases", agreement_id=plan["id"], as_of=instant, **query)
        return [item["id"] for item in page["items"]]

    expected = [case["id"] for case in reversed(cases)]
    assert await ids() == await ids(state="open") == await ids(kind="both") == expected
    assert await ids(state="closed") == await ids(kind="cross_inhabited") == []
    query = {"agreement_id": plan["id"], "as_of": instant, "limit": 2}
    page = await reader.read("/v1/boundary-cases", **query)
    rest = await reader.read("/v1/boundary-cases", **query, cursor=page["next_cursor"])
    assert ([item["id"] for item in (*page["items"], *rest["items"])], rest["next_cursor"]) == (expected, None)
    refused = problem(await reader.get("/v1/boundary-cases", as_of=instant), 422)
    assert pointers(refused) == ["/query/agreement_id"]


async def test_nothing_can_be_done_with_the_past(world: World, plan: Json) -> None:
    case = await opened(world, plan)
    leader, path = world.person(FIRST), path_of(case)
    was = await leader.get(path, as_of=now())
    assert (await leader.read(path))["steps"][0]["allowed_actions"] == ["confirm"]
    shown = was.json()
    assert (shown["allowed_actions"], [step["allowed_actions"] for step in shown["steps"]]) == ([], [[], []])
    assert (await leader.get(path, as_of=now(), headers={"If-None-Match": was.headers["etag"]})).status_code == 304


async def test_before_it_was_opened_and_for_strangers_it_is_not_found(world: World, plan: Json) -> None:
    task = await world.task(plan)
    before, reader, stranger = now(), world.person("dongtrieu"), world.person("elsewhere")
    listed = f"/v1/tasks/{task['id']}/boundary-cases"
    path = path_of(accepted(await world.specialist(FIRST).post(listed, body(world)), 201))
    assert (await reader.read(listed, as_of=before))["items"] == []
    problem(await reader.get(listed, as_of=LONG_AGO), 404)
    for where in (path, f"{path}/history"):
        problem(await reader.get(where, as_of=before), 404)
    for where in (path, f"{path}/history", listed):
        problem(await stranger.get(where, as_of=now()), 404)
        assert pointers(problem(await reader.get(where, as_of="2199-01-01"), 422)) == ["/query/as_of"]


async def test_what_was_logged_before_is_worked_out_as_it_was_kept(world: World) -> None:
    """But for the days and the ids of steps that others replaced."""
    case = await opened(world, await world.plan())
    steps = {"steps": [{"title": "Đo đạc", "due_on": "2026-12-20"}, {"title": "Ký biên bản"}]}
    await gone_through(world, accepted(await world.specialist(FIRST).change(path_of(case), steps), 200))
    kept = await _states(world)
    assert len(kept) >= 13
    await asyncio.to_thread(downgrade, "agreements_api", world.address.owner_url, BEFORE)
    await asyncio.to_thread(upgrade, "agreements_api", world.address.owner_url)
    replaced = 0
    for before, after in zip(kept, await _states(world), strict=True):
        old, new = ([(step["id"], step["title"]) for step in state["steps"]] for state in (before, after))
        if old != new:
            assert [title for _, title in old] == [title for _, title in new]
            before["steps"], replaced = after["steps"], replaced + 1
        assert after == before, before["version"]
    # Version 1 of this dossier, and versions 1 of others whose steps were replaced at once.
    assert 0 < replaced < len(kept) / 4


async def _states(world: World) -> list[Json]:
    """What is kept, but for who answered: that is the task's to tell."""
    rows = await world.rows("select state from boundary_case_log order by occurred_at, version")
    states: list[Json] = [with_moments(orjson.loads(row["state"])) for row in rows]
    for state in states:
        state["task_title"] = None
        for side in state["sides"]:
            del side["answering_organization_id"]
    return states
