"""How PostgreSQL goes through a large table of tasks, under the application's role and its row-level security."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from agreements_api.tasks import lists_repository, reading_repository
from agreements_api.tasks.lists_repository import SORTS, Filter
from tests.agreements_api.agreements.world import Json, World

# More agreements than any list gathers the tasks of.
AGREEMENTS, TASKS_OF_EACH = 5_050, 4
ANALYZED = ("agreement", "agreement_access", "agreement_member", "task", "organization", "unit")
ORDER_INDEXES = {"due_on": "task_due", "updated_at": "task_updated", "created_at": "task_created"}

# Copies of one plan and of one task of it. Two provinces watch over all of them; Sơn Động leads the tasks of one.
_COPY = """
with copied as (
    insert into agreement
    select (jsonb_populate_record(a, jsonb_build_object(
        'id', gen_random_uuid(), 'created_at', a.created_at - make_interval(mins => i)))).*
    from agreement a, generate_series(1, $3) i where a.id = $1 returning id
), numbered as materialized (
    select id, row_number() over () as number from copied
), member as (
    insert into agreement_member
    select n.id, o, n.id, 'superior' from numbered n, unnest($4::uuid[]) o
    union all select n.id, $5, n.id, 'party' from numbered n where n.number = 1
), task_copy as (
    insert into task ({columns})
    select {columns}
    from (select n.number, n.id as agreement, i, t from task t, numbered n, generate_series(1, $6) i where t.id = $2) s,
        lateral jsonb_populate_record(s.t, jsonb_build_object(
            'id', gen_random_uuid(), 'agreement_id', s.agreement,
            'due_on', date '2026-01-01' + (s.number * 7 + s.i * 13)::int % 900,
            'title', 'Nhiệm vụ ' || s.number || ' ' || s.i, 'folded', 'nhiem vu ' || md5(s.number || ' ' || s.i),
            'created_at', now() - make_interval(mins => (s.number * $6 + s.i)::int),
            'updated_at', now() - make_interval(mins => (s.i * $3 + s.number)::int)))
    returning id, agreement_id
)
insert into agreement_member select c.agreement_id, $5, c.id, 'lead' from task_copy c join numbered n
    on n.id = c.agreement_id and n.number = 1
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def many(world: World, plan: Json) -> int:
    """A table as large as that of some years."""
    task = await world.task(plan)
    # What the planner knows is what `analyze` tells it below, whenever the server would vacuum on its own.
    for table in ANALYZED:
        await world.rows(f"alter table {table} set (autovacuum_enabled = off)")
    ids = {key: organization.id for key, organization in world.organizations.items()}
    await world.rows(
        _COPY.format(columns=await world.columns("task")),
        UUID(plan["id"]),
        UUID(task["id"]),
        AGREEMENTS,
        [ids["quangninh"], ids["bacgiang"]],
        ids["ubnd-sondong"],
        TASKS_OF_EACH,
    )
    for table in ANALYZED:
        await world.rows(f"analyze {table}")
    return AGREEMENTS * TASKS_OF_EACH


@pytest.mark.parametrize("following", [False, True])
@pytest.mark.parametrize("sort", list(SORTS))
async def test_every_order_walks_along_its_index(world: World, many: int, sort: str, following: bool) -> None:
    after: Any = None
    if following:
        value = date(2026, 8, 1) if sort.endswith("due_on") else (await world.rows("select now()"))[0]["now"]
        after = (value, UUID(int=1))
    plan = await explain(world, "quangninh", Filter(), sort=sort, after=after)
    assert ORDER_INDEXES[sort.removeprefix("-")] in plan
    assert "Sort  (" not in done(plan)
    assert "Seq Scan on task" not in plan
    assert rows_read(plan) < many / 20


@pytest.mark.parametrize(
    ("key", "narrowed"),
    [
        ("quangninh", Filter(statuses=["not_started"])),
        ("quangninh", Filter(timeliness=["due_soon"])),
        # Few rows among many: the walk begins at what is few.
        ("ubnd-sondong", Filter()),
        ("ubnd-sondong", Filter(relations=["lead"])),
        ("ubnd-sondong", Filter(relations=["lead"], statuses=["in_progress"])),
    ],
)
async def test_a_narrowed_list_reads_little(world: World, many: int, key: str, narrowed: Filter) -> None:
    plan = await explain(world, key, narrowed, sort="due_on", after=None)
    assert "Seq Scan on task" not in plan
    assert rows_read(plan) < many / 20, plan


@pytest.mark.parametrize("narrowed", [Filter(), Filter(timeliness=["overdue", "due_soon"])])
@pytest.mark.parametrize("sort", ["due_on", "-due_on"])
async def test_a_list_is_gathered_or_walked_by_how_much_is_visible_whatever_was_known(
    world: World, many: int, sort: str, narrowed: Filter
) -> None:
    """Under the plan that is kept for every organisation alike."""
    for key, taken, other in (
        ("quangninh", "task_due", "task_agreement"),
        ("ubnd-sondong", "task_agreement", "task_due"),
    ):
        plan = await explain(world, key, narrowed, sort=sort, after=None, kept=True)
        assert taken in done(plan), plan
        assert other not in done(plan), plan
        assert rows_read(plan) < many / 20


@pytest.mark.parametrize(
    "narrowed",
    [
        Filter(),
        Filter(statuses=["not_started"]),
        Filter(timeliness=["due_soon", "not_due"]),
        Filter(timeliness=["no_deadline"]),
        Filter(folded="nhiem vu c4"),
        Filter(due_after=date(2027, 1, 1), due_before=date(2027, 3, 1)),
    ],
)
@pytest.mark.parametrize("sort", list(SORTS))
async def test_both_ways_find_the_same(
    world: World, many: int, monkeypatch: pytest.MonkeyPatch, sort: str, narrowed: Filter
) -> None:
    async def pages() -> list[list[Any]]:
        """Two pages, one after the other."""
        first = await page(world, "quangninh", narrowed, sort=sort, after=None)
        after = (first[-1]["sort_value"], first[-1]["id"]) if first else None
        following = await page(world, "quangninh", narrowed, sort=sort, after=after) if after else []
        return [[row["id"] for row in rows] for rows in (first, following)]

    walked = await pages()
    monkeypatch.setattr(lists_repository, "_GATHERED_OF_ALL", AGREEMENTS)
    monkeypatch.setattr(lists_repository, "_GATHERED_OF_SOME", AGREEMENTS)
    assert await pages() == walked
    assert not set(walked[0]) & set(walked[1])


async def test_the_tasks_of_one_agreement_are_found_by_it(world: World, many: int) -> None:
    agreement = (await world.rows("select agreement_id from task order by id limit 1"))[0]["agreement_id"]
    plan = await explain(world, "quangninh", Filter(agreement_id=agreement), sort="due_on", after=None)
    assert "task_agreement" in plan
    assert rows_read(plan) < many / 20


async def test_one_task_is_found_by_its_key(world: World, many: int) -> None:
    task = (await world.rows("select id from task order by id limit 1"))[0]["id"]
    organization = world.organizations["quangninh"].id
    plan = await as_member(
        world,
        "quangninh",
        reading_repository.READ,
        (organization, task, date(2026, 11, 24), date(2026, 12, 3)),
    )
    assert "task_pkey" in plan
    assert "Seq Scan on task" not in plan
    assert rows_read(plan) < 100


async def test_whether_a_request_waits_is_asked_of_the_page_alone(world: World, many: int) -> None:
    """With a request for a later deadline of every task."""
    await world.rows(
        "insert into task_extension (id, task_id, agreement_id, due_on, requested_due_on, reason,"
        " requested_by_organization_id, requested_by_name, requested_by, requested_at)"
        " select gen_random_uuid(), id, agreement_id, '2026-12-31', '2027-02-26', 'x', lead_organization_id, 'x', 'x',"
        " now() from task"
    )
    await world.rows("analyze task_extension")
    try:
        for key in ("quangninh", "ubnd-sondong"):
            plan = await explain(world, key, Filter(), sort="due_on", after=None)
            assert "task_extension_open" in plan
            assert "Seq Scan on task_extension" not in plan
            assert rows_read(plan) < many / 20
    finally:
        await world.rows("delete from task_extension")


async def test_what_a_task_follows_is_asked_of_the_page_alone(world: World, many: int) -> None:
    """With many series, which stay: to take one away is to look through all tasks for whoever is of it."""
    await world.rows(
        "insert into task_recurrence (id, agreement_id, frequency, rule, working_days_after, current_task_id,"
        " next_due_on, next_from, created_at, updated_at) select id, agreement_id, 'monthly',"
        " 'FREQ=MONTHLY;BYMONTHDAY=14', 0, id, '2027-01-14', '2027-01-01', now(), now() from task limit 2000"
    )
    await world.rows("analyze task_recurrence")
    for key in ("quangninh", "ubnd-sondong"):
        plan = await explain(world, key, Filter(), sort="due_on", after=None)
        assert "task_recurrence_pkey" in plan
        assert "Seq Scan on task_recurrence" not in plan
        assert rows_read(plan) < many / 20


async def explain(world: World, key: str, narrowed: Filter, *, sort: str, after: Any, kept: bool = False) -> str:
    statement, *values = asked_for(world, key, narrowed, sort=sort, after=after)
    return await as_member(world, key, statement, values, kept=kept)


async def page(world: World, key: str, narrowed: Filter, *, sort: str, after: Any) -> list[asyncpg.Record]:
    async with member(world, key) as connection:
        return list(await connection.fetch(*asked_for(world, key, narrowed, sort=sort, after=after)))


def asked_for(world: World, key: str, narrowed: Filter, *, sort: str, after: Any) -> Any:
    return lists_repository.list_statement(
        world.organizations[key].id,
        narrowed,
        sort=sort,
        after=after,
        limit=51,
        today=date(2026, 11, 24),
        soon=date(2026, 12, 3),
    )


@asynccontextmanager
async def member(world: World, key: str) -> AsyncIterator[Any]:
    """A connection of somebody of the organisation."""
    connection = await asyncpg.connect(world.address.url)
    try:
        await connection.execute(
            "select set_config('lienvung.organization_id', $1, false)", str(world.organizations[key].id)
        )
        yield connection
    finally:
        await connection.close()


async def as_member(world: World, key: str, statement: str, values: Any, *, kept: bool = False) -> str:
    """How it was done, with the rows that each step went through and those that were expected.

    Under a plan for these values, or under that which is kept for every value alike.
    """
    async with member(world, key) as connection:
        if kept:
            await connection.execute("set plan_cache_mode = force_generic_plan")
            statement, values = await prepared(connection, statement, values), ()
        rows = await connection.fetch(f"explain (analyze, timing off) {statement}", *values)
    return "\n".join(row[0] for row in rows)


async def prepared(connection: Any, statement: str, values: Any) -> str:
    """What carries the statement out with these values under a plan that the server keeps."""
    await connection.execute(f"prepare kept as {statement}")
    given = "select string_agg(quote_nullable(v), ',') from unnest($1::text[]) v"
    return f"execute kept({await connection.fetchval(given, texts(values))})"


def done(plan: str) -> str:
    """The steps of a plan that came upon a row, without what was said of them."""
    lines = plan.splitlines()
    return "\n".join(line for line in lines if "actual rows=" in line and "actual rows=0.00" not in line)


def texts(values: Any) -> list[str | None]:
    """Values as PostgreSQL reads them, of arrays those of plain words."""
    return [
        "{" + ",".join(str(one) for one in value) + "}" if isinstance(value, list) else value and str(value)
        for value in values
    ]


def rows_read(plan: str) -> float:
    """The rows of every scan of the table, those that a filter dropped included."""
    total, times, scanning = 0.0, 0.0, False
    for line in plan.splitlines():
        if "->" in line or "Scan" in line:
            scanning = " on task t" in line
        if scanning and "actual rows=" in line:
            found, loops = line.split("actual rows=")[1].rstrip(")").split(" loops=")
            times = float(loops)
            total += float(found) * times
        if scanning and "Rows Removed by Filter:" in line:
            total += float(line.split(":")[1]) * times
    return total
