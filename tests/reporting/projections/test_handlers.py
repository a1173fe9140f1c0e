"""What events do to the projections: once, in whatever order and number they arrive."""

from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from reporting.tables import Table
from shared.auth import SYSTEM
from shared.db import Database
from shared.events import TaskAssigned, TaskCompleted, TaskReopened, TaskResumed, TaskSuspended
from tests.reporting.factories import SIGNED_AT, Story, apply, apply_together

TABLES = ("organization", "agreement", "party", "clause", "agreement_member", "task_version")


async def contents(database: Database) -> dict[str, list[Any]]:
    async with database.read(SYSTEM) as connection:
        return {
            table: sorted(tuple(map(str, row)) for row in await connection.fetch(f"select * from {table}"))
            for table in TABLES
        }


async def versions(database: Database, task_id: UUID) -> list[asyncpg.Record]:
    async with database.read(SYSTEM) as connection:
        found: list[asyncpg.Record] = await connection.fetch(
            "select version, percent, valid_from, valid_to = 'infinity' as current, valid_to"
            " from task_version where task_id = $1 order by version",
            task_id,
        )
    return found


async def test_a_replay_of_everything_changes_nothing(database: Database, plan: Story) -> None:
    events = plan.events()
    await apply(database, *events)
    before = await contents(database)
    await apply(database, *reversed(events), *events)
    assert await contents(database) == before


async def test_a_task_that_is_reopened_counts_as_open_again(database: Database, plan: Story) -> None:
    await apply(database, *plan.events())
    task = plan.plan.task(plan.people[0], due_on=date(2026, 12, 31))
    done = SIGNED_AT + timedelta(days=9)
    await apply(
        database,
        task.event(TaskAssigned),
        task.event(TaskCompleted, status="completed", completed_at=done, percent=100),
        task.event(TaskReopened, status="in_progress", completed_at=None, percent=40),
        task.event(TaskSuspended, status="suspended"),
        task.event(TaskResumed, status="in_progress"),
    )
    async with database.read(SYSTEM) as connection:
        rows = await connection.fetch(
            "select status, completed_at is not null as done, percent, valid_to = 'infinity' as current"
            " from task_version where task_id = $1 order by version offset 1",
            task.id,
        )
    assert [tuple(row) for row in rows] == [
        ("completed", True, 100, False),
        ("in_progress", False, 40, False),
        ("suspended", False, 40, False),
        ("in_progress", False, 40, True),
    ]


async def test_a_stale_agreement_does_not_undo_a_newer_one(database: Database, plan: Story) -> None:
    members = [plan.issuer.id]
    newer, older = plan.plan.event(9, title="Mới", members=members), plan.plan.event(8, title="Cũ", parties=[])
    await apply(database, newer, older)
    async with database.read(SYSTEM) as connection:
        row = await connection.fetchrow(
            "select a.title, (select count(*) from party p where p.agreement_id = a.id) as parties,"
            " (select count(*) from agreement_member m where m.source_id = a.id) as members"
            " from agreement a where a.id = $1",
            plan.plan.id,
        )
    assert row is not None
    assert tuple(row) == ("Mới", 5, 1)


async def test_parties_clauses_and_members_are_those_of_the_last_version(database: Database, plan: Story) -> None:
    first = plan.plan.event(20)
    renamed = first.agreement.parties[1].model_copy(update={"organization_name": "Tên mới"})
    second = plan.plan.event(21, parties=[renamed], clauses=first.agreement.clauses[:2], members=[plan.people[0].id])
    await apply(database, first, second)
    async with database.read(SYSTEM) as connection:
        parties = await connection.fetch("select organization_name from party where agreement_id = $1", plan.plan.id)
        clauses = await connection.fetch("select id from clause where agreement_id = $1", plan.plan.id)
        members = await connection.fetch(
            "select organization_id from agreement_member where source_id = $1", plan.plan.id
        )
    assert [row[0] for row in parties] == ["Tên mới"]
    assert {row[0] for row in clauses} == {clause.id for clause in first.agreement.clauses[:2]}
    assert [row[0] for row in members] == [plan.people[0].id]


async def test_a_task_keeps_every_version_with_the_time_it_was_true(database: Database, plan: Story) -> None:
    task = plan.plan.task(plan.people[0])
    await apply(database, task.event(percent=10), task.event(percent=40), task.event(percent=100))
    first, second, third = await versions(database, task.id)
    assert [row["percent"] for row in (first, second, third)] == [10, 40, 100]
    assert (first["valid_to"], second["valid_to"]) == (second["valid_from"], third["valid_from"])
    assert [row["current"] for row in (first, second, third)] == [False, False, True]


async def test_a_gap_in_the_versions_is_no_reason_to_stop(database: Database, plan: Story) -> None:
    task = plan.plan.task(plan.people[0])
    await apply(database, task.event(version=1, percent=1), task.event(version=5, percent=5))
    assert [(row["version"], row["current"]) for row in await versions(database, task.id)] == [(1, False), (5, True)]


async def test_a_stale_version_of_a_task_is_dropped(database: Database, plan: Story) -> None:
    task = plan.plan.task(plan.people[0])
    await apply(database, task.event(version=2, percent=2), task.event(version=1, percent=1))
    await apply(database, task.event(version=2, percent=99))
    assert [(row["version"], row["percent"]) for row in await versions(database, task.id)] == [(2, 2)]


async def test_clocks_that_disagree_make_no_version_end_before_it_began(database: Database, plan: Story) -> None:
    task = plan.plan.task(plan.people[0])
    later = SIGNED_AT + timedelta(days=1)
    await apply(
        database,
        task.event(at=later),
        task.event(at=later - timedelta(milliseconds=3)),
        task.event(at=later + timedelta(days=1)),
    )
    first, second, third = await versions(database, task.id)
    assert first["valid_to"] == second["valid_from"] == later
    assert second["valid_to"] == third["valid_from"]


async def test_a_batch_leaves_what_its_events_would_leave_one_by_one(database: Database, plan: Story) -> None:
    chance = Random(352)
    tasks = [plan.plan.task(body) for body in plan.people]
    events = [chance.choice(tasks).event(percent=percent) for percent in range(60)]
    # Some come late, some after a gap, and the clocks of their senders disagree.
    events += [
        task.event(version=version, at=SIGNED_AT + timedelta(days=chance.randint(0, 20)))
        for task in tasks
        for version in (3, 70, 71)
    ]
    plan.plan.members = plan.plan.members[:3]
    events += [task.event(version=90 + number) for number, task in enumerate(tasks)]
    await apply(database, *events)
    one_by_one = await contents(database)
    await forget_tasks(database, [task.id for task in tasks])
    await apply_together(database, events[:40], events[40:])
    assert await contents(database) == one_by_one


async def forget_tasks(database: Database, task_ids: list[UUID]) -> None:
    async with database.read(SYSTEM) as connection:
        await connection.execute("delete from task_version where task_id = any($1)", task_ids)
        await connection.execute("delete from agreement_member where source_id = any($1)", task_ids)


async def test_an_organization_keeps_its_newest_name(database: Database, plan: Story) -> None:
    body = plan.people[3]
    await apply(database, body.event(3, name="UBND xã Sơn Động"), body.event(2, name="UBND huyện"))
    async with database.read(SYSTEM) as connection:
        assert await connection.fetchval("select name from organization where id = $1", body.id) == "UBND xã Sơn Động"


@pytest.mark.parametrize("table", [*TABLES, "projection_state"])
async def test_the_models_describe_the_migrated_tables(database: Database, table: str) -> None:
    async with database.read(SYSTEM) as connection:
        rows = await connection.fetch(
            "select column_name, is_nullable = 'YES' as nullable from information_schema.columns where table_name = $1",
            table,
        )
    columns = Table.metadata.tables[table].columns
    assert {row["column_name"]: row["nullable"] for row in rows} == {c.name: c.nullable for c in columns}
