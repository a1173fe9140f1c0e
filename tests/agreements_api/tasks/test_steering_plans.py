"""How PostgreSQL finds what stands beside a task among very much of it, under the application's role."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from agreements_api.extensions import repository as extensions
from agreements_api.milestones import repository as milestones
from agreements_api.recurrence import repository as recurrence
from agreements_api.task_dependencies import repository as dependencies
from agreements_api.task_dependencies.models import Direction
from tests.agreements_api.agreements.world import Json, World

TASKS, OF_EACH = 400, 25
BESIDE = ("task_milestone", "task_extension", "task_dependency", "task_part_history")
THEN = datetime(2027, 1, 1, tzinfo=UTC)
FILLED = (
    "insert into task_milestone (id, task_id, agreement_id, position, title, created_at, updated_at)"
    " select gen_random_uuid(), t.id, t.agreement_id, i, 'Mốc', now(), now()"
    " from task t, generate_series(1, $1::int) i",
    "insert into task_extension (id, task_id, agreement_id, due_on, requested_due_on, reason, state, decided_at,"
    " requested_by_organization_id, requested_by_name, requested_by, requested_at)"
    " select gen_random_uuid(), t.id, t.agreement_id, '2026-12-31', '2027-01-31', 'x', 'denied', now(),"
    " t.lead_organization_id, 'x', 'x', now() from task t, generate_series(1, $1::int) i",
    "insert into task_dependency (id, agreement_id, task_id, depends_on_task_id, lag_working_days, created_at)"
    " select gen_random_uuid(), k.agreement_id, k.id, o.id, 0, now()"
    " from (select id, agreement_id, row_number() over (order by id) as nth from task) k"
    " join (select id, row_number() over (order by id) as nth from task) o on o.nth between k.nth + 1 and k.nth + $1",
    # Versions of many milestones, and of dependencies on one task ahead.
    "insert into task_part_history (part_id, version, kind, task_id, agreement_id, state, occurred_at)"
    " select m.id, v, 'milestone', m.task_id, m.agreement_id, jsonb_build_object('position', m.position), now()"
    " from task_milestone m, generate_series(1, $1::int / 5) v",
    "insert into task_part_history (part_id, version, kind, task_id, other_task_id, agreement_id, state, occurred_at)"
    " select d.id, 1, 'dependency', d.task_id, d.depends_on_task_id, d.agreement_id,"
    " jsonb_build_object('task_id', d.task_id, 'depends_on_task_id', d.depends_on_task_id), now()"
    " from task_dependency d where $1 > 0",
    "insert into task_recurrence (id, agreement_id, frequency, rule, working_days_after, current_task_id, next_due_on,"
    " next_from, created_at, updated_at)"
    " select gen_random_uuid(), t.agreement_id, 'monthly', 'x', 0, t.id, '2027-01-14',"
    " date '2026-12-01' + (row_number() over ())::int * $1::int, now(), now() from task t",
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def task(world: World, plan: Json) -> UUID:
    """One task among many that have much beside them."""
    one, columns = await world.task(plan), await world.columns("task")
    copied = ", ".join(f"r.{name}" for name in columns.split(", "))
    await world.rows(
        f"insert into task ({columns}) select {copied} from task t, generate_series(2, $2) i, lateral"
        " jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid(), 'title', 'Việc ' || i)) r"
        " where t.id = $1",
        UUID(one["id"]),
        TASKS,
    )
    for statement in FILLED:
        await world.rows(statement, OF_EACH)
    for table in (*BESIDE, "task", "task_recurrence"):
        await world.rows(f"analyze {table}")
    [row] = await world.rows("select id from task order by id offset 200 limit 1")
    identity: UUID = row["id"]
    return identity


@pytest.mark.parametrize(
    ("statement", "more", "index"),
    [
        (milestones.LIST, (None, None, 51), "task_milestone_of"),
        (milestones.LIST, (5, UUID(int=1), 51), "task_milestone_of"),
        (extensions.LIST, (None, 51), "task_extension_of"),
        (extensions.LIST, (UUID(int=2**127), 51), "task_extension_of"),
        (dependencies.LISTS[Direction.PREDECESSORS], (None, 11), "task_dependency_of"),
        (dependencies.LISTS[Direction.SUCCESSORS], (None, 11), "task_dependency_on"),
        (milestones.PAST_LIST, (THEN, None, None, 51), "task_part_history_of"),
        (extensions.PAST_LIST, (THEN, None, 51), "task_extension_of"),
        (dependencies.PAST_LISTS[Direction.PREDECESSORS], (THEN, None, 11), "task_part_history_of"),
        (dependencies.PAST_LISTS[Direction.SUCCESSORS], (THEN, None, 11), "task_part_history_on"),
    ],
)
async def test_what_stands_beside_one_task_is_found_by_it(
    world: World, task: UUID, statement: str, more: tuple[Any, ...], index: str
) -> None:
    plan = await explain(world, statement, world.organizations["quangninh"].id, task, *more)
    assert index in plan
    for table in BESIDE:
        assert f"Seq Scan on {table}" not in plan


async def test_what_is_due_is_found_without_looking_at_what_is_not(world: World, task: UUID) -> None:
    plan = await explain(world, recurrence.DUE, date(2027, 1, 1), 50, system=True)
    assert "task_recurrence_due" in plan
    assert "Seq Scan on task_recurrence" not in plan


async def explain(world: World, statement: str, *values: Any, system: bool = False) -> str:
    connection = await asyncpg.connect(world.address.url)
    try:
        await connection.execute(
            "select set_config('lienvung.organization_id', $1, false), set_config('lienvung.system', $2, false)",
            "" if system else str(world.organizations["quangninh"].id),
            "on" if system else "",
        )
        return "\n".join(row[0] for row in await connection.fetch(f"explain (costs off) {statement}", *values))
    finally:
        await connection.close()
