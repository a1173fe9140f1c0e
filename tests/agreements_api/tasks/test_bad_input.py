"""What a task cannot be made or reported of: a problem that names the field, and nothing written."""

from typing import Any
from uuid import uuid4

import pytest

from tests.agreements_api.agreements.world import REPORT, Json, World, pointers, problem

STRANGE = "01990000-0000-7000-8000-000000000003"


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"title": None}, "/title", "string_type"),
        ({"title": 12}, "/title", "string_type"),
        ({"title": " "}, "/title", "string_too_short"),
        ({"lead_organization_id": "x"}, "/lead_organization_id", "uuid_parsing"),
        ({"lead_organization_id": STRANGE}, "/lead_organization_id", "unknown_reference"),
        ({"clause_id": STRANGE}, "/clause_id", "unknown_reference"),
        ({"coordinating": [{"organization_id": STRANGE}]}, "/coordinating/0/organization_id", "unknown_reference"),
        ({"monitoring": [{"organization_id": STRANGE}]}, "/monitoring/0/organization_id", "unknown_reference"),
        ({"coordinating": [{}]}, "/coordinating/0/organization_id", "missing"),
        ({"coordinating": "none"}, "/coordinating", "list_type"),
        ({"coordinating": [{"organization_id": STRANGE}] * 101}, "/coordinating", "too_long"),
        ({"due_on": "31/12/2026"}, "/due_on", "date_parsing"),
        ({"due_on": 0}, "/due_on", "date_parsing"),
        ({"due_on": True}, "/due_on", "date_parsing"),
        ({"due_on": "2026-12-31T00:00:00Z"}, "/due_on", "date_parsing"),
        ({"due_on": "2200-01-01"}, "/due_on", "less_than_equal"),
        ({"demonstration": "yes"}, "/demonstration", "bool_type"),
        ({"percent": 10}, "/percent", "extra_forbidden"),
        ({"field": "x" * 101}, "/field", "string_too_long"),
    ],
)
async def test_a_task_that_cannot_be_made_names_the_field(
    world: World, plan: Json, change: Json, pointer: str, code: str
) -> None:
    before = await count(world, plan)
    body = {"title": "Việc", "lead_organization_id": world.id("ubnd-dongtrieu")}
    answer = await world.person("dongtrieu").post(f"/v1/agreements/{plan['id']}/tasks", body | change)
    errors = problem(answer, 422)["errors"]
    assert [(error["pointer"], error["code"]) for error in errors] == [(pointer, code)]
    assert await count(world, plan) == before


async def test_the_clause_of_another_agreement_is_not_taken(world: World, plan: Json) -> None:
    other = await world.plan()
    body = {
        "title": "Việc",
        "lead_organization_id": world.id("ubnd-dongtrieu"),
        "clause_id": other["clauses"][0]["id"],
    }
    answer = await world.person("dongtrieu").post(f"/v1/agreements/{plan['id']}/tasks", body)
    assert pointers(problem(answer, 422)) == ["/clause_id"]


@pytest.mark.parametrize("place", ["coordinating", "monitoring"])
async def test_an_organisation_takes_part_in_one_way_only(world: World, plan: Json, place: str) -> None:
    lead = world.id("ubnd-dongtrieu")
    body: Json = {"title": "Việc", "lead_organization_id": lead, place: [{"organization_id": lead}]}
    answer = await world.person("dongtrieu").post(f"/v1/agreements/{plan['id']}/tasks", body)
    refused = problem(answer, 422)
    assert pointers(refused) == [f"/{place}/0/organization_id"]
    assert refused["errors"][0]["code"] == "named_twice"


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"percent": 101}, "/percent"),
        ({"percent": -1}, "/percent"),
        ({"percent": True}, "/percent"),
        ({"percent": "40"}, "/percent"),
        ({"percent": 40.5}, "/percent"),
        ({"percent": None}, "/percent"),
        ({"narrative": ""}, "/narrative"),
        ({"narrative": None}, "/narrative"),
        ({"narrative": "x" * 20_001}, "/narrative"),
        ({"period_start": "2026-11-15"}, "/period_end"),
        ({"period_start": "2026-13-01"}, "/period_start"),
        ({"period_start": "2099-01-15", "period_end": "2099-02-14"}, "/period_start"),
        ({"evidence": []}, "/evidence"),
    ],
)
async def test_a_report_that_cannot_be_taken_names_the_field(
    world: World, tasks: dict[str, str], change: Json, pointer: str
) -> None:
    path, worker = tasks["in_progress"], world.specialist("ubnd-dongtrieu")
    before = await worker.read(path)
    assert pointers(problem(await worker.act(path, "reports", REPORT | change), 422)) == [pointer]
    assert await worker.read(path) == before


async def test_a_whole_number_of_percent_may_not_be_a_float(world: World, tasks: dict[str, str]) -> None:
    worker = world.specialist("ubnd-dongtrieu")
    problem(await worker.act(tasks["in_progress"], "reports", REPORT | {"percent": 40.0}), 422)


@pytest.mark.parametrize("verb", ["accept", "submit", "confirm", "complete"])
async def test_a_step_refuses_what_it_does_not_know(world: World, tasks: dict[str, str], verb: str) -> None:
    answer = await world.person("ubnd-dongtrieu").act(tasks["not_started"], verb, {"percent": 100})
    assert pointers(problem(answer, 422)) == ["/percent"]


@pytest.mark.parametrize("path", ["", "/history", "/reports", "/confirmations"])
async def test_an_identifier_that_is_none_is_named(world: World, path: str) -> None:
    answer = await world.person("dongtrieu").get(f"/v1/tasks/x{path}")
    assert pointers(problem(answer, 422)) == ["/path/task_id"]


async def test_what_does_not_exist_is_not_found(world: World) -> None:
    person, path = world.person("dongtrieu"), f"/v1/tasks/{uuid4()}"
    for read in (path, f"{path}/reports", f"{path}/confirmations", f"{path}/history"):
        problem(await person.get(read), 404, "not_found")
    problem(await person.post(f"{path}/accept", **{"If-Match": "*"}), 404, "not_found")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"status": "done"}, "/query/status/0"),
        ({"timeliness": "late"}, "/query/timeliness/0"),
        ({"sort": "title"}, "/query/sort"),
        ({"limit": 0}, "/query/limit"),
        ({"limit": 201}, "/query/limit"),
        ({"due_before": "soon"}, "/query/due_before"),
        ({"due_after": "1700000000"}, "/query/due_after"),
        ({"locality": "24"}, "/query/locality"),
        ({"relation": "superior"}, "/query/relation/0"),
        ({"q": "x" * 201}, "/query/q"),
    ],
)
async def test_a_filter_that_means_nothing_is_named(world: World, query: Json, pointer: str) -> None:
    assert pointers(problem(await world.person("dongtrieu").get("/v1/tasks", **query), 422)) == [pointer]


async def test_a_cursor_is_good_for_its_own_order_only(world: World, plan: Json) -> None:
    person = world.person("dongtrieu")
    await world.task(plan)
    await world.task(plan)
    cursor = (await person.read("/v1/tasks", limit=1))["next_cursor"]
    for query in ({"cursor": "x"}, {"cursor": cursor + "A"}, {"cursor": cursor, "sort": "-due_on"}):
        problem(await person.get("/v1/tasks", **query), 400, "invalid_cursor")
    other = await person.get("/v1/agreements", cursor=cursor)
    problem(other, 400, "invalid_cursor")


async def test_without_a_token_there_is_nothing(world: World) -> None:
    problem(await world.http.get(f"/v1/tasks/{uuid4()}"), 401, "unauthorized")
    problem(await world.http.get("/v1/tasks"), 401, "unauthorized")


async def count(world: World, plan: Json) -> list[Any]:
    """How much there is of everything that a task writes."""
    return [
        (await world.rows(f"select count(*) from {table}"))[0]["count"]
        for table in ("task", "history", "outbox", "agreement_member", "idempotency_record")
    ]
