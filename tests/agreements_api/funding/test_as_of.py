"""What a task needed of public investment at an instant, as its history tells it."""

from datetime import date

from agreements_api.funding.missed import tell_missed
from agreements_api.funding.models import Gate
from agreements_api.policy import Role
from shared import clock
from tests.agreements_api.agreements.test_signing_time import days_later
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.funding.money import CLOSED, OPEN, funded
from tests.agreements_api.funding.test_periods import add, period
from tests.agreements_api.history.looking import Looking, now
from tests.agreements_api.history.test_as_of import LONG_AGO

NOTHING: Json = {
    "needs_public_investment": False,
    "plan_period": None,
    "source": None,
    "amount": None,
    "status": "none",
}


async def test_every_read_shows_what_it_showed_then(world: World, plan: Json) -> None:
    """From nothing said through a period that was missed, a remark alone and no need at all."""
    task = await world.task(plan)
    path, custodian = f"/v1/tasks/{task['id']}", world.person("dongtrieu")
    every = {"agreement_id": plan["id"], "state": [state.value for state in Gate]}
    looking = Looking(world.person("haiduong", Role.VIEWER), "/v1/funding-gates", **every)

    async def look() -> None:
        await looking.look(f"{path}/funding")

    await look()
    await funded(world, task, plan_period=CLOSED, status="none", source=None, amount=None)
    await look()
    await tell_missed(world.registry.database, 50)
    await look()
    await funded(world, task, plan_period=OPEN, remark="Đã có chủ trương (minh họa)")
    await look()
    await funded(world, task, plan_period=OPEN, remark="Đang thẩm định (minh họa)")
    await look()
    await funded(world, task, **NOTHING)
    await look()
    await funded(world, task, status="allocated", amount=1)
    await look()
    accepted(await custodian.change(path, {"title": "Tên nhiệm vụ khác"}), 200)
    await custodian.step(path, "cancel", {"reason": "Thôi (minh họa)"})
    await look()
    assert await looking.again() == 16


async def test_the_gate_is_that_of_the_day(world: World, plan: Json) -> None:
    """And so are the periods that there were."""
    task = await world.task(plan)
    await funded(world, task)
    path, reader, before = f"/v1/tasks/{task['id']}/funding", world.person("lucnam"), now()
    left = (date.fromisoformat("2030-12-31") - clock.today()).days
    async with days_later(world, left):
        accepted(await add(world, period(2031)), 201)
        soon = now()
    async with days_later(world, left + 1):
        assert (await reader.read(path))["next_period"] == "2031-2035"
        for instant, gate, following in ((before, "open", OPEN), (soon, "closing_soon", OPEN)):
            was = await reader.get(path, as_of=instant)
            assert (was.json()["gate"], was.json()["next_period"]) == (gate, following)
            tag = {"If-None-Match": was.headers["etag"]}
            assert (await reader.get(path, as_of=instant, headers=tag)).status_code == 304


async def test_the_list_is_that_of_the_day_too(world: World, plan: Json) -> None:
    task = await world.task(plan)
    await funded(world, task)
    reader, before = world.person("lucnam"), now()
    left = (date.fromisoformat("2030-12-31") - clock.today()).days
    soon = {"agreement_id": plan["id"], "state": "closing_soon"}
    async with days_later(world, left):
        assert task["id"] in [one["task_id"] for one in (await reader.read("/v1/funding-gates", **soon))["items"]]
        assert (await reader.read("/v1/funding-gates", **soon, as_of=before))["items"] == []
        found = (await reader.read("/v1/funding-gates", agreement_id=plan["id"], as_of=before, within=left))["items"]
        assert [(one["gate"], one["task_id"]) for one in found if one["task_id"] == task["id"]] == [
            ("open", task["id"])
        ]
        assert (await reader.read("/v1/funding-gates", as_of=LONG_AGO))["items"] == []
        assert (await world.person("elsewhere").read("/v1/funding-gates", as_of=before))["items"] == []


async def test_before_the_task_was_there_and_for_strangers_it_is_not_found(world: World, plan: Json) -> None:
    task = await world.task(plan)
    path, reader = f"/v1/tasks/{task['id']}/funding", world.specialist("ubnd-dongtrieu")
    was = await reader.read(path, as_of=now())
    assert (was["version"], was["needs_public_investment"], was["allowed_actions"]) == (0, None, [])
    problem(await reader.get(path, as_of=LONG_AGO), 404)
    problem(await world.person("elsewhere").get(path, as_of=now()), 404)
    assert pointers(problem(await reader.get(path, as_of="2199-01-01"), 422)) == ["/query/as_of"]


async def test_what_the_history_tells_is_what_the_row_holds(world: World, plan: Json) -> None:
    """Each version once, and at the very moment at which it was written."""
    task = await world.task(plan)
    for status in ("none", "proposed", "in_plan"):
        await funded(world, task, status=status)
    rows = await world.rows(
        "select f.version, f.updated_at, h.occurred_at, count(*) over () as told from task_funding f"
        " join history h on h.subject_id = f.task_id and h.action = 'change_funding' where f.task_id = $1"
        " order by h.version desc",
        task["id"],
    )
    assert (rows[0]["version"], rows[0]["told"]) == (3, 3)
    assert rows[0]["updated_at"] == rows[0]["occurred_at"]
