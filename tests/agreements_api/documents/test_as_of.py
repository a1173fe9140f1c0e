"""Which documents an agreement, a task, a meeting or an obstacle had at an instant."""

import pytest

from agreements_api.policy import Role
from shared import clock
from tests.agreements_api.agreements.world import REPORT, Json, World, pointers, problem
from tests.agreements_api.documents.files import attached
from tests.agreements_api.history.test_as_of import LONG_AGO, without_actions
from tests.agreements_api.meetings.steps import planned
from tests.agreements_api.obstacles.raising import raised

EVERY = {"If-Match": "*"}


def now() -> str:
    return clock.now().isoformat()


async def test_documents_are_those_that_there_were(world: World) -> None:
    """Through attaching, removing and being named by a report."""
    plan = await world.plan()
    obstacle, _ = await raised(world, plan)
    path, worker = f"/v1/tasks/{obstacle['task_id']}", world.specialist("ubnd-dongtrieu")
    reader = world.person("haiduong", Role.VIEWER)
    queries: list[tuple[str, Json]] = [
        ("/v1/documents", {"agreement_id": plan["id"]}),
        ("/v1/documents", {"agreement_id": plan["id"], "removed": "true"}),
        ("/v1/documents", {"subject_id": obstacle["task_id"]}),
        ("/v1/documents", {"subject_id": obstacle["id"]}),
        (f"{path}/evidence", {}),
    ]
    seen: list[tuple[str, str, Json, Json]] = []

    async def look(*documents: Json) -> None:
        singles: list[tuple[str, Json]] = [(f"/v1/documents/{one['id']}", {}) for one in documents]
        for place, query in [*queries, *singles]:
            seen.append((now(), place, query, await reader.read(place, **query)))

    await look()
    first = await attached(worker, ("task", obstacle["task_id"]))
    second = await attached(world.specialist("ubnd-kinhmon"), ("obstacle", obstacle["id"]))
    await look(first, second)
    await world.specialist("ubnd-kinhmon").delete(f"/v1/documents/{second['id']}?reason=Nhầm", **EVERY)
    await look(first, second)
    await worker.step(path, "reports", REPORT | {"evidence_ids": [first["id"]]})
    [report] = (await worker.read(f"{path}/reports"))["items"]
    before = seen[-1][0]
    assert (await reader.read(f"{path}/evidence", report_id=report["id"], as_of=before))["items"] == []
    named = (await reader.read(f"{path}/evidence", report_id=report["id"], as_of=now()))["items"]
    assert [one["id"] for one in named] == [first["id"]]
    await attached(worker, ("task", obstacle["task_id"]))

    for instant, place, query, shown in seen:
        was = await reader.read(place, as_of=instant, **query)
        items = shown.get("items")
        expected = without_actions(shown) if items is None else shown | {"items": [*map(without_actions, items)]}
        assert was == expected, (instant, place, query)
    assert len(seen) == 19


async def test_before_it_was_there_it_is_not_found(world: World, plan: Json) -> None:
    obstacle, _ = await raised(world, plan)
    meeting = await planned(world, plan)
    document = await attached(world.specialist("dongtrieu"), ("meeting", meeting["id"]))
    reader = world.person("dongtrieu")
    problem(await reader.get(f"/v1/documents/{document['id']}", as_of=LONG_AGO), 404)
    problem(await reader.get("/v1/documents", agreement_id=plan["id"], as_of=LONG_AGO), 404)
    problem(await reader.get(f"/v1/tasks/{obstacle['task_id']}/evidence", as_of=LONG_AGO), 404)
    for subject in (plan["id"], obstacle["id"], obstacle["task_id"], meeting["id"]):
        problem(await reader.get("/v1/documents", subject_id=subject, as_of=LONG_AGO), 404)
        await reader.read("/v1/documents", subject_id=subject, as_of=now())


async def test_a_stranger_sees_none_of_the_past(world: World, plan: Json) -> None:
    document = await attached(world.specialist("chilinh"), ("agreement", plan["id"]))
    stranger = world.person("elsewhere")
    problem(await stranger.get(f"/v1/documents/{document['id']}", as_of=now()), 404)
    problem(await stranger.get("/v1/documents", agreement_id=plan["id"], as_of=now()), 404)


async def test_what_differs_of_the_last_report_names_the_evidence(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    worker, task_id = world.specialist("ubnd-dongtrieu"), path.rsplit("/", 1)[1]
    first, second = [await attached(worker, ("task", task_id)) for _ in range(2)]
    await worker.step(path, "reports", REPORT | {"evidence_ids": [first["id"]]})
    instant = now()
    await worker.step(path, "reports", REPORT | {"evidence_ids": [first["id"], second["id"]]})
    span: Json = {"from": instant}
    found = await worker.read(f"{path}/difference", **span)
    fields = {change["field"]: change["to"] for change in found["changes"]}
    assert fields[f"last_report/evidence/{second['id']}"]["digest"] == second["digest"]
    assert f"last_report/evidence/{first['id']}" not in fields


@pytest.mark.parametrize("path", ["/v1/documents", "/v1/tasks/{id}/evidence", "/v1/documents/{id}"])
async def test_the_future_is_named(world: World, plan: Json, path: str) -> None:
    query: Json = {"agreement_id": plan["id"]} if path == "/v1/documents" else {}
    answer = await world.person("dongtrieu").get(path.format(id=plan["id"]), as_of="2199-01-01", **query)
    assert pointers(problem(answer, 422)) == ["/query/as_of"]
