"""Which dossiers a list shows, and how PostgreSQL finds them among those of a whole country."""

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from agreements_api.boundary_cases import past_repository, repository
from agreements_api.boundary_cases.repository import Filter
from shared import clock
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.boundary_cases.dossiers import FIRST, handed_over, opened

MANY = 20_000


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def cases(world: World, plan: Json) -> dict[str, Json]:
    """Dossiers of three tasks, in the order in which they were opened; the last one is another plan's."""
    return {
        "inhabited": await opened(world, plan, kind="cross_inhabited"),
        "over": await handed_over(world, plan),
        "other": await opened(world, await world.plan()),
    }


async def listed(world: World, cases: dict[str, Json], path: str = "/v1/boundary-cases", **query: Any) -> list[str]:
    names = {case["id"]: name for name, case in cases.items()}
    return [names[item["id"]] for item in (await world.person("chilinh").read(path, **query))["items"]]


async def test_the_newest_dossier_comes_first(world: World, cases: dict[str, Json]) -> None:
    assert await listed(world, cases) == ["other", "over", "inhabited"]
    assert (await world.person("elsewhere").read("/v1/boundary-cases"))["items"] == []


async def test_a_list_is_narrowed(world: World, plan: Json, cases: dict[str, Json]) -> None:
    assert await listed(world, cases, state="handed_over") == ["over"]
    assert await listed(world, cases, state=["open", "closed"]) == ["other", "inhabited"]
    assert await listed(world, cases, kind="cross_inhabited") == ["inhabited"]
    assert await listed(world, cases, agreement_id=plan["id"]) == ["over", "inhabited"]
    assert await listed(world, cases, locality=cases["over"]["sides"][1]["unit_id"]) == ["other", "over", "inhabited"]
    assert await listed(world, cases, locality=str(world.organizations["sondong"].unit_id)) == []


async def test_a_task_lists_its_own(world: World, cases: dict[str, Json]) -> None:
    path = f"/v1/tasks/{cases['over']['task_id']}/boundary-cases"
    assert await listed(world, cases, path) == ["over"]
    assert await listed(world, cases, path, state="open") == []
    problem(await world.person("elsewhere").get(path), 404)
    problem(await world.person("chilinh").get(f"/v1/tasks/{uuid4()}/boundary-cases"), 404)


async def test_pages_follow_one_another(world: World, cases: dict[str, Json]) -> None:
    reader = world.person("chilinh")
    answer = await reader.get("/v1/boundary-cases", limit=2)
    first = accepted(answer, 200)
    assert 'rel="next"' in answer.headers["link"]
    rest = await reader.read("/v1/boundary-cases", limit=2, cursor=first["next_cursor"])
    assert [item["id"] for item in (*first["items"], *rest["items"])] == [
        cases[name]["id"] for name in ("other", "over", "inhabited")
    ]
    assert rest["next_cursor"] is None
    task = f"/v1/tasks/{cases['over']['task_id']}/boundary-cases"
    problem(await reader.get(task, cursor=first["next_cursor"]), 400, "invalid_cursor")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [({"state": "lost"}, "/query/state/0"), ({"kind": "x"}, "/query/kind/0"), ({"locality": "x"}, "/query/locality")],
)
async def test_a_parameter_that_cannot_be_is_named(world: World, query: dict[str, Any], pointer: str) -> None:
    assert pointers(problem(await world.person("chilinh").get("/v1/boundary-cases", **query), 422)) == [pointer]


async def test_what_nobody_has_heard_of_is_not_found(world: World) -> None:
    for path in ("", "/history"):
        problem(await world.person("chilinh").get(f"/v1/boundary-cases/{uuid4()}{path}"), 404)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def country(world: World, cases: dict[str, Json]) -> None:
    """Twenty thousand dossiers of another agreement's task."""
    columns = await world.columns("boundary_case")
    await world.rows(
        f"insert into boundary_case ({columns}) select {columns} from (select (jsonb_populate_record(b,"
        " jsonb_build_object('id', gen_random_uuid()))).* from boundary_case b, generate_series(1, $2) i"
        " where b.id = $1) b",
        UUID(cases["other"]["id"]),
        MANY,
    )
    await world.rows(
        "insert into boundary_case_log (id, case_id, agreement_id, version, action, actor_id, actor_kind, actor_name,"
        " changes, occurred_at, state) select gen_random_uuid(), id, agreement_id, 9, 'open', id, 'user', 'x', '[]',"
        ' now(), \'{"state": "open", "sides": [{}, {}], "steps": []}\' from boundary_case'
    )
    for table in ("boundary_case", "boundary_case_log", "task", "agreement_access"):
        await world.rows(f"analyze {table}")


async def explain(world: World, statement: str, *values: Any) -> str:
    connection = await asyncpg.connect(world.address.url)
    try:
        await connection.execute("select set_config('lienvung.organization_id', $1, false)", world.id("chilinh"))
        return "\n".join(row[0] for row in await connection.fetch(f"explain (costs off) {statement}", *values))
    finally:
        await connection.close()


@pytest.mark.parametrize("part", ["all", "task", "agreement"])
async def test_a_list_is_read_in_its_order(
    world: World, plan: Json, cases: dict[str, Json], country: None, part: str
) -> None:
    narrowed, index = {
        "all": (Filter(), "boundary_case_pkey"),
        "task": (Filter(task_id=UUID(cases["over"]["task_id"])), "boundary_case_of"),
        "agreement": (Filter(agreement_id=UUID(plan["id"])), "boundary_case_of_agreement"),
    }[part]
    organization = world.organizations["chilinh"].id
    found = await explain(world, *repository.list_statement(organization, narrowed, before=None, limit=51))
    assert index in found, found
    assert "Seq Scan on boundary_case b" not in found


@pytest.mark.parametrize("part", ["task", "agreement"])
async def test_dossiers_of_the_past_are_found_by_their_task_or_agreement(
    world: World, plan: Json, cases: dict[str, Json], country: None, part: str
) -> None:
    narrowed, index = {
        "task": (Filter(task_id=UUID(cases["over"]["task_id"])), "boundary_case_of"),
        "agreement": (Filter(agreement_id=UUID(plan["id"])), "boundary_case_of_agreement"),
    }[part]
    organization, now = world.organizations["chilinh"].id, clock.now()
    found = await explain(
        world, *past_repository.list_statement(organization, narrowed, as_of=now, before=None, limit=51)
    )
    assert index in found, found
    assert "boundary_case_log_case_id_version_key" in found, found
    for table in ("boundary_case b", "boundary_case_log g", "history h"):
        assert f"Seq Scan on {table}" not in found


async def test_the_log_is_found_by_its_dossier(world: World, cases: dict[str, Json], country: None) -> None:
    organization = world.organizations[FIRST].id
    found = await explain(world, repository.LOG, organization, UUID(cases["over"]["id"]), repository.NEWEST, 51, None)
    assert "boundary_case_log_case_id_version_key" in found, found
