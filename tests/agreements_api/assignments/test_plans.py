"""How PostgreSQL finds a person's open work and a task's log among those of a whole country."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest_asyncio

from agreements_api.assignments import repository
from shared import clock
from tests.agreements_api.agreements.world import Json, World
from tests.agreements_api.assignments.people import assign, employee

OTHERS = 20_000
_MANY = """
with everybody as (
    insert into account (id, organization_id, username, name, roles)
    select gen_random_uuid(), $1, 'nguoi.' || i, 'Người dùng (minh họa)', '{specialist}' from generate_series(1, 200) i
    returning id
), given as (
    insert into work_assignment
    select gen_random_uuid(), $1, e.id, 'task', gen_random_uuid(), $2, e.id, now()
    from everybody e, generate_series(1, $3 / 200) i returning *
)
insert into work_assignment_log
select gen_random_uuid(), g.organization_id, g.account_id, g.subject_kind, g.subject_id, g.agreement_id, 'assigned',
    null, g.account_id, 'x', now()
from given g
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def person(world: World, plan: Json) -> tuple[UUID, UUID]:
    """Somebody with one open task among twenty thousand of others, and that task."""
    person = await employee(world, "ubnd-dongtrieu")
    task = await world.task(plan)
    await assign(world.person("ubnd-dongtrieu"), f"/v1/tasks/{task['id']}", person)
    await world.rows(_MANY, world.organizations["ubnd-dongtrieu"].id, UUID(plan["id"]), OTHERS)
    for table in ("account", "work_assignment", "work_assignment_log", "task", "agreement", "agreement_access"):
        await world.rows(f"analyze {table}")
    return person.actor.id, UUID(task["id"])


async def explain(world: World, statement: str, *values: Any) -> str:
    connection = await asyncpg.connect(world.address.url)
    try:
        await connection.execute("select set_config('lienvung.organization_id', $1, false)", world.id("ubnd-dongtrieu"))
        return "\n".join(row[0] for row in await connection.fetch(f"explain (costs off) {statement}", *values))
    finally:
        await connection.close()


async def test_open_work_is_found_by_its_person(world: World, person: tuple[UUID, UUID]) -> None:
    organization = world.organizations["ubnd-dongtrieu"].id
    plan = await explain(world, repository.OPEN_WORK, organization, person[0], None, 51)
    assert "work_assignment_of" in plan
    assert "Seq Scan on work_assignment" not in plan


async def test_a_log_is_found_by_its_task(world: World, person: tuple[UUID, UUID]) -> None:
    organization = world.organizations["ubnd-dongtrieu"].id
    plan = await explain(world, repository.LOG, organization, person[1], None, 51, None)
    assert "work_assignment_log_of" in plan
    assert "Seq Scan on work_assignment_log" not in plan


async def test_who_handled_a_task_is_found_by_it(world: World, person: tuple[UUID, UUID]) -> None:
    organization = world.organizations["ubnd-dongtrieu"].id
    plan = await explain(world, repository.PAST_ASSIGNEES, organization, person[1], clock.now())
    assert "work_assignment_log_of" in plan
    assert "Seq Scan on work_assignment_log" not in plan
