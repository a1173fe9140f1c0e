"""Progress reports that correct others: both stay, and the correction is visible as one."""

from uuid import uuid4

from shared import clock
from tests.agreements_api.agreements.world import REPORT, Json, World, accepted, pointers, problem

WRONG = REPORT | {"percent": 70}
RIGHT = REPORT | {"percent": 40, "narrative": "Số liệu đã kiểm tra lại (minh họa)."}


async def reports(world: World, path: str, **query: str) -> list[Json]:
    """The oldest first."""
    items: list[Json] = (await world.person("dongtrieu").read(f"{path}/reports", **query))["items"]
    return items[::-1]


async def test_both_reports_stay_and_name_each_other(world: World) -> None:
    path = await world.under_way()
    worker = world.specialist("ubnd-dongtrieu")
    await worker.step(path, "reports", WRONG)
    [wrong] = await reports(world, path)
    before = clock.now().isoformat()
    task = await worker.step(path, "reports", RIGHT | {"corrects": wrong["id"]})
    assert (task["percent"], task["last_report"]["narrative"]) == (40, RIGHT["narrative"])
    old, new = await reports(world, path)
    assert (old["percent"], old["narrative"], old["corrects"]) == (70, WRONG["narrative"], None)
    assert (old["corrected_by"], new["corrects"], new["corrected_by"]) == (new["id"], old["id"], None)
    # Before it was corrected, it was not.
    assert await reports(world, path, as_of=before) == [wrong]


async def test_history_and_event_tell_that_it_is_a_correction(world: World) -> None:
    path = await world.under_way()
    worker = world.specialist("ubnd-dongtrieu")
    await worker.step(path, "reports", WRONG)
    [wrong] = await reports(world, path)
    await worker.step(path, "reports", RIGHT | {"corrects": wrong["id"]})
    told = (await worker.read(f"{path}/history"))["items"]
    assert [row["action"] for row in told[:2]] == ["correct_report", "report"]
    assert told[0]["changes"] == [
        {"field": "percent", "from": 70, "to": 40},
        {"field": "corrects_report", "from": None, "to": wrong["id"]},
    ]
    first, second = [event["data"] for event in await world.registry.outbox(path.split("/")[-1])][-2:]
    assert (first["report_id"], first["corrects_report_id"]) == (wrong["id"], None)
    assert (second["corrects_report_id"], second["changes"]) == (wrong["id"], told[0]["changes"])


async def test_the_correction_of_an_earlier_report_leaves_the_last_one_standing(world: World) -> None:
    path = await world.under_way()
    worker = world.specialist("ubnd-dongtrieu")
    await worker.step(path, "reports", WRONG | {"percent": 30})
    await worker.step(path, "reports", REPORT | {"percent": 80, "narrative": "Kỳ sau (minh họa)."})
    [earlier, _] = await reports(world, path)
    task = await worker.step(path, "reports", RIGHT | {"percent": 20, "corrects": earlier["id"]})
    assert (task["percent"], task["last_report"]["narrative"]) == (80, "Kỳ sau (minh họa).")
    assert [one["percent"] for one in await reports(world, path)] == [30, 80, 20]
    told = (await worker.read(f"{path}/history"))["items"][0]
    assert [change["field"] for change in told["changes"]] == ["corrects_report"]


async def test_a_correction_is_corrected_and_the_first_report_is_not_again(world: World) -> None:
    path = await world.under_way()
    worker = world.specialist("ubnd-dongtrieu")
    await worker.step(path, "reports", WRONG)
    [wrong] = await reports(world, path)
    await worker.step(path, "reports", RIGHT | {"corrects": wrong["id"]})
    correction = (await reports(world, path))[1]
    found = problem(await worker.act(path, "reports", RIGHT | {"corrects": wrong["id"]}), 409, "already_corrected")
    assert found["corrected_by"] == correction["id"]
    task = accepted(await worker.act(path, "reports", RIGHT | {"percent": 45, "corrects": correction["id"]}), 201)
    assert task["percent"] == 45
    assert len(await reports(world, path)) == 3


async def test_only_a_report_of_the_same_task_is_corrected(world: World) -> None:
    plan = await world.plan()
    path, other = await world.under_way(plan), await world.under_way(plan)
    worker = world.specialist("ubnd-dongtrieu")
    await worker.step(other, "reports", WRONG)
    [elsewhere] = await reports(world, other)
    for corrects in (elsewhere["id"], str(uuid4())):
        found = problem(await worker.act(path, "reports", RIGHT | {"corrects": corrects}), 422)
        assert pointers(found) == ["/corrects"]
    assert await reports(world, path) == []
