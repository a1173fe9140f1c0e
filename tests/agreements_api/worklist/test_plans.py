"""How PostgreSQL goes through the open work of an organisation for which thousands of steps wait."""

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from agreements_api.policy import Role
from agreements_api.worklist import repository, service
from agreements_api.worklist.models import Urgency, WorkKind, WorkScope
from shared import clock
from shared.auth import Actor
from tests.agreements_api.agreements.world import Json, World
from tests.agreements_api.tasks.test_list_plans import as_member, prepared

OURS, OTHERS = 5_000, 15_000
# As many organisations as a country has, for each of which little waits.
_ELSEWHERE = """
insert into open_work (subject_id, organization_id, step, relation, agreement_id, handlers, due_on)
select gen_random_uuid(), o.id, (array['report', 'confirm', 'accept'])[1 + i % 3], 'lead', gen_random_uuid(), '{}',
    date '2026-06-01' + i * 9
from (select gen_random_uuid() as id from generate_series(1, 1000)) o, generate_series(1, 60) i
"""
# Copies of one task: the triggers of the product make its steps wait.
_COPY = """
insert into task ({columns})
select {columns} from (select t, i from task t, generate_series(1, $2) i where t.id = $1) s,
    lateral jsonb_populate_record(s.t, jsonb_build_object(
        'id', gen_random_uuid(), 'status', (array['not_started', 'in_progress'])[1 + s.i % 2],
        'due_on', case when s.i % 7 > 0 then date '2026-06-01' + s.i % 700 end, 'lead_organization_id', $3::uuid,
        'parties', jsonb_set((s.t).parties, '{{lead,organization_id}}', to_jsonb($3::uuid))))
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def many(world: World, plan: Json) -> World:
    """A table as large as that of some years."""
    task = await world.task(plan, coordinating=())
    columns = await world.columns("task")
    for key, number in (("ubnd-dongtrieu", OURS), ("ubnd-sondong", OTHERS)):
        await world.rows(_COPY.format(columns=columns), UUID(task["id"]), number, UUID(world.id(key)))
    await world.rows(_ELSEWHERE)
    for table in ("task", "open_work", "agreement", "agreement_access"):
        await world.rows(f"vacuum (analyze) {table}")
    return world


async def explained(world: World, scope: WorkScope, *, kept: bool = False, **narrowed: Any) -> str:
    statement, values = asked_of(world, "ubnd-dongtrieu", scope, **narrowed)
    return await as_member(world, "ubnd-dongtrieu", statement, values, kept=kept)


def asked_of(world: World, key: str, scope: WorkScope, **narrowed: Any) -> tuple[str, list[Any]]:
    """The statement of a leader's list, and its values."""
    actor = Actor(
        id=uuid4(),
        kind="user",
        name="x",
        organization_id=world.organizations[key].id,
        roles=frozenset({Role.LEADER.value}),
    )
    asked = replace(service.Asked(scope, (), (), None, None, False), **narrowed)
    day = service.day_of(clock.today(), 5)
    statement, *values = repository.statement(
        actor.organization_id, service.narrowed(actor, asked), day, after=None, limit=51
    )
    return statement, values


def part(plan: str, name: str) -> str:
    """The lines of one of the statement's own tables, or of what is made of them (`shown`)."""
    parts: dict[str, list[str]] = {"shown": []}
    inside, depth = "shown", 0
    for line in plan.splitlines():
        indent = len(line) - len(line.lstrip())
        if line.strip().startswith("CTE ") and not line.strip().startswith("CTE Scan"):
            inside, depth = line.split()[1], indent
            parts[inside] = []
        elif indent <= depth:
            inside = "shown"
        parts[inside].append(line)
    return "\n".join(parts[name])


@pytest.mark.parametrize("scope", list(WorkScope))
async def test_counts_are_taken_from_the_index_alone(many: World, scope: WorkScope) -> None:
    counted = part(await explained(many, scope), "counted")
    assert "Index Only Scan using open_work_counted" in counted
    assert "Seq Scan" not in counted
    # Of the others' rows none is looked at, and of our own each at most twice.
    assert OURS / 2 < rows_of(counted) <= 2 * OURS


@pytest.mark.parametrize("scope", list(WorkScope))
@pytest.mark.parametrize(
    "narrowed",
    [{}, {"kinds": (WorkKind.ACCEPT,)}, {"urgencies": (Urgency.OVERDUE, Urgency.SOON)}],
    ids=["all", "kind", "urgency"],
)
async def test_a_page_is_read_along_its_index(many: World, scope: WorkScope, narrowed: dict[str, Any]) -> None:
    plan = await explained(many, scope, **narrowed)
    assert "open_work_ordered" in part(plan, "page")
    assert "Seq Scan" not in part(plan, "page")
    # What its rows are about is found by key, however many tasks there are.
    assert "task_pkey" in part(plan, "shown")
    assert "Seq Scan on task t" not in plan


@pytest.mark.parametrize("scope", list(WorkScope))
async def test_the_plan_that_is_kept_for_every_organisation_is_one_for_thousands_of_steps(
    many: World, scope: WorkScope
) -> None:
    plan = await explained(many, scope, kept=True)
    page = part(plan, "page")
    assert "Index Scan using open_work_ordered" in page
    assert "Bitmap Index Scan on open_work_ordered" not in page
    assert "using open_work_counted" in part(plan, "counted")
    assert "open_work_ordered" not in part(plan, "counted")


async def test_no_plan_is_made_for_one_organisation_alone(many: World) -> None:
    """PostgreSQL does so as long as it takes that for cheaper, and to plan takes longer than to read."""
    connection = await asyncpg.connect(many.address.url)
    try:
        own = await prepared(connection, *asked_of(many, "ubnd-chilinh", WorkScope.ORGANIZATION))
        for _ in range(7):
            await connection.execute(own)
        plans = await connection.fetchrow(
            "select generic_plans, custom_plans from pg_prepared_statements where name = 'kept'"
        )
    finally:
        await connection.close()
    assert plans is not None
    assert tuple(plans) == (2, 5)


def rows_of(plan: str) -> float:
    """The rows of every scan of open work, those that a filter dropped included."""
    total, scanning = 0.0, False
    for line in plan.splitlines():
        if "->" in line:
            scanning = " on open_work" in line
        if scanning and "(actual rows=" in line:
            found, loops = line.split("(actual rows=")[1].rstrip(")").split(" loops=")
            total += float(found) * float(loops)
    return total


@pytest.mark.parametrize("source", ["succession", "extension", "boundary_case", "outcome"])
async def test_who_decides_is_looked_up_by_the_agreement_of_each_record(many: World, source: str) -> None:
    """Neither among everybody who stands to anything, nor in the index of every organisation."""
    plan = "\n".join(
        row["QUERY PLAN"]
        for row in await many.rows(
            f"explain select * from open_work_of_{source} where subject_id = any($1::uuid[])",
            [uuid4() for _ in range(300)],
        )
    )
    assert "agreement_member_of" not in plan
    assert "Seq Scan on agreement_member" not in plan
    assert "(agreement_id = " in plan.replace("((", "(")
