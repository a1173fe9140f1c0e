"""The backstop: under the application's role PostgreSQL itself shows nobody another's agreements."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from tests.agreements_api.agreements.world import REPORT, Json, World

TABLES = (
    "agreement",
    "agreement_party",
    "agreement_clause",
    "agreement_member",
    "agreement_access",
    "signature",
    "task",
    "task_progress_report",
    "task_confirmation",
    "history",
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def plan(world: World) -> Json:
    """A plan with a task that was reported of and confirmed."""
    plan = await world.plan()
    path = f"/v1/tasks/{(await world.task(plan))['id']}"
    worker = world.specialist("ubnd-dongtrieu")
    for verb, body in (("accept", None), ("reports", REPORT), ("submit", None)):
        await worker.step(path, verb, body)
    await world.person("ubnd-kinhmon").step(path, "confirm")
    return plan


@asynccontextmanager
async def as_application(world: World, key: str | None) -> AsyncIterator[asyncpg.Connection]:
    """A session of the application's role, in the name of a body or of nobody."""
    connection = await asyncpg.connect(world.address.url)
    try:
        if key is not None:
            await connection.execute("select set_config('lienvung.organization_id', $1, false)", world.id(key))
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("table", TABLES)
async def test_nobody_sees_what_he_is_no_member_of(world: World, plan: Json, table: str) -> None:
    statement = f"select count(*) from {table}"
    for key in ("elsewhere", None):
        async with as_application(world, key) as connection:
            assert await connection.fetchval(statement) == 0
    async with as_application(world, "ubnd-kinhmon") as connection:
        assert await connection.fetchval(statement) > 0


@pytest.mark.parametrize(
    ("statement", "done"),
    [
        ("update agreement set title = 'khác' where id = $1", "UPDATE 0"),
        ("update task set title = 'khác' where agreement_id = $1", "UPDATE 0"),
        ("update signature set voided_at = now() where agreement_id = $1", "UPDATE 0"),
        ("delete from agreement_party where agreement_id = $1", "DELETE 0"),
        ("delete from agreement_member where agreement_id = $1", "DELETE 0"),
    ],
)
async def test_nobody_changes_what_he_is_no_member_of(world: World, plan: Json, statement: str, done: str) -> None:
    async with as_application(world, "elsewhere") as connection:
        assert await connection.execute(statement, UUID(plan["id"])) == done


@pytest.mark.parametrize(
    "statement",
    [
        "insert into agreement_member (agreement_id, organization_id, source_id, relation)"
        " select $1, id, $1, 'party' from organization where name = 'UBND huyện Sơn Động'",
        "insert into history (id, subject_id, agreement_id, subject_kind, version, action, actor_id, actor_kind,"
        " actor_name, changes, occurred_at)"
        " values (gen_random_uuid(), $1, $1, 'agreement', 99, 'sign', $1, 'user', 'x', '[]', now())",
        "insert into agreement_party (id, agreement_id, ordinal, organization_id, organization_name, role, required)"
        " select gen_random_uuid(), $1, 9, id, name, 'signatory', true from organization limit 1",
    ],
)
async def test_nobody_writes_into_what_he_is_no_member_of(world: World, plan: Json, statement: str) -> None:
    async with as_application(world, "elsewhere") as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await connection.execute(statement, UUID(plan["id"]))


@pytest.mark.parametrize(
    "statement",
    [
        "delete from history",
        "update history set changes = '[]'",
        "update task_progress_report set percent = 0",
        "delete from task_confirmation",
        "delete from task",
        "delete from signature",
        "delete from agreement",
        "update agreement_access set organization_id = organization_id",
        "insert into agreement_access select lienvung_org(), agreement_id from agreement_access",
        "alter table task disable row level security",
    ],
)
async def test_not_even_a_member_takes_anything_off_the_record(world: World, plan: Json, statement: str) -> None:
    async with as_application(world, "dongtrieu") as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


async def test_every_table_of_an_agreement_is_protected(world: World) -> None:
    """A table that somebody adds beside these without a policy is found here."""
    unprotected: list[Any] = await world.rows(
        """
        select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace
          and a.attname in ('agreement_id', 'task_id') and not c.relrowsecurity
        """
    )
    assert unprotected == []


async def test_access_ends_with_the_last_relation(world: World, plan: Json) -> None:
    """Kept by a trigger: sees who has any relation at all, and nobody else."""
    counts = await world.rows(
        """
        select (select count(*) from agreement_access) as access,
               (select count(distinct (agreement_id, organization_id)) from agreement_member) as members,
               (select count(*) from agreement_access
                join agreement_member using (agreement_id, organization_id)) as both,
               (select count(*) from agreement_member) as relations
        """
    )
    assert counts[0]["access"] == counts[0]["members"]
    assert counts[0]["both"] == counts[0]["relations"]
