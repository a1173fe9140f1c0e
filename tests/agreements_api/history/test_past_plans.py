"""How PostgreSQL finds the past in a large history, under the application's role and its row-level security."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from agreements_api.agreements import reading_repository
from agreements_api.agreements.past import repository as agreements
from agreements_api.history import repository as history
from agreements_api.party_succession import repository as successions
from agreements_api.tasks.lists_repository import Filter
from agreements_api.tasks.past import repository as tasks
from shared import clock
from tests.agreements_api.agreements.world import World

AGREEMENTS, TASKS_OF_EACH, VERSIONS = 300, 10, 10
# Copies of a plan and of a task of it, each with history of its own.
_COPY = """
with copied as (
    insert into agreement
    select (jsonb_populate_record(a, jsonb_build_object(
        'id', gen_random_uuid(), 'created_at', a.created_at - make_interval(mins => i)))).*
    from agreement a, generate_series(1, $3) i where a.id = $1 returning id, created_at
), member as (
    insert into agreement_member select c.id, o, c.id, 'superior' from copied c, unnest($4::uuid[]) o
), task_copy as (
    insert into task ({columns})
    select {columns} from (select c.id as agreement, c.created_at as made, i, t
        from task t, copied c, generate_series(1, $5) i where t.id = $2) s,
        lateral jsonb_populate_record(s.t, jsonb_build_object(
            'id', gen_random_uuid(), 'agreement_id', s.agreement, 'created_at', s.made, 'title', 'Nhiệm vụ ' || s.i))
    returning id, agreement_id, created_at
)
insert into history (id, subject_id, agreement_id, subject_kind, version, action, actor_id, actor_kind, actor_name,
                     changes, occurred_at, state)
select gen_random_uuid(), r.id, r.agreement, h.subject_kind, v, 'report', h.actor_id, 'user', 'x', '[]',
       r.created_at + make_interval(secs => v), h.state || jsonb_build_object('id', r.id, 'version', v)
from (select id, id as agreement, created_at, $1 as model from copied
      union all select id, agreement_id, created_at, $2 from task_copy) r
join history h on h.subject_id = r.model and h.version = 1 cross join generate_series(1, $6) v
order by r.id, v
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def many(world: World) -> int:
    """A history as long as that of some years."""
    plan = await world.plan()
    task = await world.task(plan)
    superior = world.organizations["quangninh"].id
    statement = _COPY.format(columns=await world.columns("task"))
    await world.rows(statement, UUID(plan["id"]), UUID(task["id"]), AGREEMENTS, [superior], TASKS_OF_EACH, VERSIONS)
    for table in ("agreement", "agreement_access", "agreement_member", "task", "history", "organization"):
        await world.rows(f"analyze {table}")
    return AGREEMENTS * (1 + TASKS_OF_EACH) * VERSIONS


@pytest.mark.parametrize("table", ["agreement", "task"])
async def test_one_state_is_found_by_its_record(world: World, many: int, table: str) -> None:
    subject = await some(world, table)
    plan = await explain(world, history.STATE_AT, organization(world), subject, clock.now())
    assert "history_subject_id_version_key" in plan
    assert rows_read(plan) <= VERSIONS


async def test_the_changes_of_an_agreement_are_found_by_their_time(world: World, many: int) -> None:
    subject = await some(world, "agreement")
    begin = datetime(2000, 1, 1, tzinfo=UTC)
    plan = await explain(world, history.BETWEEN, organization(world), subject, begin, clock.now(), None)
    assert "history_of_agreement" in plan
    assert rows_read(plan) <= (1 + TASKS_OF_EACH) * VERSIONS


async def test_who_promised_what_in_an_agreement_is_found_by_its_history(world: World, many: int) -> None:
    subject = await some(world, "agreement")
    plan = await explain(world, successions.PROMISES_PAST, organization(world), subject, clock.now())
    assert "history_subject_id_version_key" in plan
    assert rows_read(plan) <= (2 + TASKS_OF_EACH) * VERSIONS


@pytest.mark.parametrize("sort", ["due_on", "-updated_at", "created_at"])
async def test_the_tasks_of_one_agreement_are_found_by_it(world: World, many: int, sort: str) -> None:
    subject = await some(world, "agreement")
    statement, *values = tasks.list_statement(
        organization(world),
        Filter(agreement_id=subject, statuses=["not_started"]),
        as_of=clock.now(),
        sort=sort,
        after=None,
        limit=51,
        today=clock.today(),
        soon=clock.today(),
    )
    plan = await explain(world, statement, *values)
    assert "history_subject_id_version_key" in plan
    assert "Seq Scan on task" not in plan
    # One version of each task, and not its whole history.
    assert rows_read(plan) <= TASKS_OF_EACH * 2


@pytest.mark.parametrize("sort", ["created_at", "-created_at"])
async def test_agreements_of_the_past_are_walked_along_their_creation(world: World, many: int, sort: str) -> None:
    statement, *values = agreements.list_statement(
        organization(world), reading_repository.Filter(), as_of=clock.now(), sort=sort, after=None, limit=51
    )
    plan = await explain(world, statement, *values)
    assert "agreement_created" in plan
    assert "Sort" not in plan
    assert rows_read(plan) < many / 20


async def test_one_agreement_is_proved_without_reading_the_others(world: World, many: int) -> None:
    subject = await some(world, "agreement")
    for kind in history.KINDS:
        plan = await explain(world, history.LINKS_OF_ONE[kind], None, 200, subject, system=True)
        assert "Seq Scan on task" not in plan
        assert "Seq Scan on history" not in plan
        assert rows_read(plan) <= (1 + TASKS_OF_EACH) * VERSIONS


def organization(world: World) -> UUID:
    return world.organizations["quangninh"].id


async def some(world: World, table: str) -> UUID:
    """One of the copies, from the middle."""
    rows = await world.rows(
        f"select id from {table} where id in (select subject_id from history where version = $1) order by id offset 50"
        " limit 1",
        VERSIONS,
    )
    found: UUID = rows[0]["id"]
    return found


async def explain(world: World, statement: str, *values: Any, system: bool = False) -> str:
    """How it was done, with the rows that each step went through."""
    connection = await asyncpg.connect(world.address.url)
    try:
        await connection.execute("select set_config('lienvung.organization_id', $1, false)", str(organization(world)))
        await connection.execute("select set_config('lienvung.system', $1, false)", "on" if system else "off")
        rows = await connection.fetch(f"explain (analyze, timing off, costs off) {statement}", *values)
    finally:
        await connection.close()
    return "\n".join(row[0] for row in rows)


def rows_read(plan: str) -> float:
    """The rows of every scan of history, those that a filter dropped included."""
    total, loops, scanning = 0.0, 1.0, False
    for line in plan.splitlines():
        if "->" in line or "Scan" in line:
            scanning = " on history " in line
            if scanning and "(actual rows=" in line:
                found, times = line.split("(actual rows=")[1].rstrip(")").split(" loops=")
                loops = float(times)
                total += float(found) * loops
        if scanning and "Rows Removed by Filter:" in line:
            total += float(line.split(":")[1]) * loops
    return total
