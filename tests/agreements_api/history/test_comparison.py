"""Differences between two instants, by whom and when."""

from typing import Any

from shared import clock
from tests.agreements_api.agreements.world import PARTIES, REPORT, Json, World, accepted, pointers, problem, signature

LONG_AGO = "2000-01-01T00:00:00Z"


async def test_an_agreement_tells_of_its_fields_parties_clauses_and_signatures(world: World) -> None:
    plan = await world.draft()
    path = f"/v1/agreements/{plan['id']}"
    begin = clock.now().isoformat()
    accepted(await world.person("dongtrieu").change(path, {"title": "Một"}), 200)
    accepted(await world.person("dongtrieu").change(path, {"title": "Hai", "clauses": [{"text": "Điều mới."}]}), 200)
    await world.person("dongtrieu").step(path, "open")
    await world.person("chilinh").step(path, "sign", signature("chilinh"))
    found = await difference(world, path, begin)
    assert (found["from_version"], found["to_version"]) == (1, 5)
    told = {one["field"]: one for one in found["changes"]}
    assert (told["title"]["from"], told["title"]["to"]) == (plan["title"], "Hai")
    # The last of the two who renamed it, and the one who opened it.
    assert (told["title"]["changed"]["version"], told["title"]["changed"]["action"]) == (3, "update")
    assert told["title"]["changed"]["actor"]["name"] == "leader dongtrieu"
    assert told["status"]["changed"]["action"] == "open"
    assert "version" not in told
    assert [(one["kind"], one["name"]) for one in found["parties"]] == [("changed", "Ban Thường vụ Thành ủy Chí Linh")]
    assert {one["field"] for one in found["parties"][0]["changes"]} == {"signatory_name", "signed_at"}
    # The clause at the place of another one is that one in other words.
    assert sorted(one["kind"] for one in found["clauses"]) == ["changed", "removed"]
    assert {one["changes"][0]["changed"]["version"] for one in found["clauses"]} == {3}
    assert [one["kind"] for one in found["signatures"]] == ["added"]
    assert found["signatures"][0]["changes"][0]["changed"]["actor"]["name"] == "leader chilinh"
    assert found["tasks"] == []


async def test_its_tasks_are_added_changed_or_cancelled(world: World) -> None:
    plan = await world.plan()
    path = f"/v1/agreements/{plan['id']}"
    custodian, worker = world.person("dongtrieu"), world.specialist("ubnd-dongtrieu")
    changed, cancelled, untouched = [await world.under_way(plan, title=name) for name in ("Một", "Hai", "Ba")]
    begin = clock.now().isoformat()
    await worker.step(changed, "reports", REPORT)
    accepted(await custodian.change(changed, {"due_on": "2027-06-30"}), 200)
    await custodian.step(cancelled, "cancel", {"reason": "Trùng"})
    await world.task(plan, title="Bốn")
    end = clock.now().isoformat()
    await worker.step(changed, "reports", REPORT | {"percent": 90})

    found = await difference(world, path, begin, end)
    tasks = {task["title"]: task for task in found["tasks"]}
    assert {title: task["kind"] for title, task in tasks.items()} == {
        "Một": "changed",
        "Hai": "cancelled",
        "Bốn": "added",
    }
    assert untouched.split("/")[-1] not in {task["task_id"] for task in found["tasks"]}
    told = {one["field"]: (one["from"], one["to"], one["changed"]["action"]) for one in tasks["Một"]["changes"]}
    assert told["percent"] == (0, 40, "report")
    assert told["due_on"] == ("2026-12-31", "2027-06-30", "change_deadline")
    assert told["last_report"][1]["narrative"] == REPORT["narrative"]
    assert tasks["Hai"]["last"]["remark"] == "Trùng"
    assert (tasks["Bốn"]["from_version"], tasks["Bốn"]["to_version"], tasks["Bốn"]["changes"]) == (None, 1, [])
    assert tasks["Bốn"]["last"]["action"] == "assign"
    assert found["changes"] == []

    one = await difference(world, changed, begin, end)
    assert one == tasks["Một"]


async def test_before_it_was_there_it_was_nothing(world: World) -> None:
    path = await world.under_way()
    agreement = f"/v1/agreements/{(await world.person('dongtrieu').read(path))['agreement_id']}"
    found = await difference(world, agreement, LONG_AGO)
    assert (found["from_version"], found["to_version"]) == (None, 8)
    assert {one["field"] for one in found["changes"]} >= {"title", "status", "instrument"}
    assert [one["kind"] for one in found["parties"]] == ["added"] * len(PARTIES)
    assert [one["kind"] for one in found["clauses"]] == ["added"] * 2
    assert [task["kind"] for task in found["tasks"]] == ["added"]
    problem(await world.person("dongtrieu").get(f"{agreement}/difference", **since(LONG_AGO, LONG_AGO)), 404)
    problem(await world.person("dongtrieu").get(f"{path}/difference", **since(LONG_AGO, LONG_AGO)), 404)


async def test_between_an_instant_and_itself_nothing_differs(world: World) -> None:
    path = await world.under_way()
    instant = clock.now().isoformat()
    found = await difference(world, path, instant, instant)
    assert (found["kind"], found["changes"], found["last"]) == (None, [], None)


async def test_what_was_done_and_undone_does_not_differ(world: World) -> None:
    path = await world.under_way()
    begin = clock.now().isoformat()
    for due_on in ("2027-06-30", "2026-12-31"):
        accepted(await world.person("dongtrieu").change(path, {"due_on": due_on}), 200)
    found = await difference(world, path, begin)
    assert (found["kind"], found["changes"]) == (None, [])
    assert (found["from_version"], found["to_version"], found["last"]["version"]) == (2, 4, 4)


async def test_the_earlier_instant_comes_first(world: World) -> None:
    path = await world.under_way()
    reader = world.person("dongtrieu")
    agreement = f"/v1/agreements/{(await reader.read(path))['agreement_id']}"
    for place in (path, agreement):
        found = problem(await reader.get(f"{place}/difference", **since(clock.now().isoformat(), LONG_AGO)), 422)
        assert pointers(found) == ["/query/from"]
        assert pointers(problem(await reader.get(f"{place}/difference"), 422)) == ["/query/from"]
        assert pointers(problem(await reader.get(f"{place}/difference", **since(LONG_AGO, "2199-01-01")), 422)) == [
            "/query/to"
        ]


async def difference(world: World, path: str, begin: str, end: str | None = None) -> Json:
    return await world.person("dongtrieu").read(f"{path}/difference", **since(begin, end))


def since(begin: str, end: str | None = None) -> dict[str, Any]:
    return {"from": begin} | ({"to": end} if end else {})
