"""The migrations go up and down again, and the tables fit what the code thinks of them."""

import asyncio
import secrets
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import asyncpg
import pytest

from lienvung.postgres import DatabaseAddress
from notifier.alerts.models import Alert
from notifier.deadlines.models import Deadline, Organization, Person, Task
from notifier.tables import Table
from shared.db.migrate import downgrade, upgrade
from tests.notifier.conftest import World
from tests.parts import Parts, in_thread

# What the first release wrote, and what its processes may still write while they are replaced.
TASK = """
insert into task (id, version, agreement_id, agreement_title, title, status, lead_name, members, demonstration)
    values ('00000000-0000-0000-0000-00000000000a', 3, '00000000-0000-0000-0000-00000000000b', 'Kế hoạch', 'Rà soát',
            'in_progress', 'UBND', array['00000000-0000-0000-0000-00000000000c'::uuid], true)
"""
DEADLINE = """
insert into deadline (task_id, organization_id, role, due_on, revision, is_open, since, task_version)
    select id, '00000000-0000-0000-0000-00000000000c', 'lead', '2026-12-31', 1, true, now(), 3 from task
"""
STEP = """
insert into alert_step (id, task_id, organization_id, revision, policy, step, kind, audience, fire_at, ready_at)
    select gen_random_uuid(), task_id, organization_id, revision, 'default.v1', 'escalation_5', 'escalated', 'leaders',
           now(), now() from deadline
"""
ALERT = """
insert into alert (step_id, task_id, deadline_revision, policy, step, kind, channel, recipient_id, organization_id,
    party_organization_id, party_role, agreement_id, agreement_title, task_title, due_on, demonstration, fired_at)
    select gen_random_uuid(), d.task_id, 1, 'default.v1', 'due', 'due', 'in_app', gen_random_uuid(), d.organization_id,
           d.organization_id, d.role, t.agreement_id, t.agreement_title, t.title, d.due_on, true, now()
    from deadline d join task t on t.id = d.task_id
"""
MAIL = """
insert into delivery (alert_id, channel, organization_id, recipient_id)
    select id, 'email', organization_id, recipient_id from alert
"""
# What only this release writes: an agreement that waits for a signature, and its reminder.
SIGNING = (
    """
    insert into task (id, version, agreement_id, agreement_title, title, status, lead_name, members, demonstration,
        subject_kind)
        select agreement_id, 2, agreement_id, agreement_title, agreement_title, 'open_for_signature', '', members, true,
               'agreement' from task
    """,
    """
    insert into deadline (task_id, organization_id, role, due_on, revision, is_open, since, task_version, subject_kind)
        select t.id, d.organization_id, 'signatory', d.due_on, 1, true, d.since, 2, 'agreement'
        from task t, deadline d where t.subject_kind = 'agreement'
    """,
    """
    insert into alert_step (id, task_id, organization_id, revision, policy, step, kind, audience, fire_at, ready_at)
        select gen_random_uuid(), task_id, organization_id, 1, 'signing.v1', 'due', 'due', 'signers', now(), now()
        from deadline where subject_kind = 'agreement'
    """,
    ALERT.replace("demonstration, fired_at)", "demonstration, fired_at, subject_kind)").replace(
        "true, now()\n", "true, now(), d.subject_kind\n"
    )
    + " where d.subject_kind = 'agreement'",
    MAIL + " where subject_kind = 'agreement'",
)
# What only the release after that writes: an urging, and the alert of it.
URGING = (
    """
    insert into task (id, version, agreement_id, agreement_title, title, status, lead_name, members, demonstration,
        subject_kind, about_task_id, path)
        select gen_random_uuid(), 4, agreement_id, agreement_title, title, 'open', 'UBND', members, true, 'urging', id,
               '/v1/tasks' from task where subject_kind = 'task'
    """,
    """
    insert into deadline (task_id, organization_id, role, due_on, revision, is_open, since, task_version, subject_kind,
        account_ids)
        select id, members[1], 'asked', '2026-12-31', 1, true, now(), 4, 'urging', array[gen_random_uuid()] from task
        where subject_kind = 'urging'
    """,
    """
    insert into alert_step (id, task_id, organization_id, revision, policy, step, kind, audience, fire_at, ready_at)
        select gen_random_uuid(), task_id, organization_id, 1, 'urging.v1', 'asked', 'asked', 'party', now(), now()
        from deadline where subject_kind = 'urging'
    """,
    ALERT.replace("demonstration, fired_at)", "demonstration, fired_at, subject_kind, about_task_id, path)").replace(
        "true, now()\n", "true, now(), d.subject_kind, t.about_task_id, t.path\n"
    )
    + " where d.subject_kind = 'urging'",
    MAIL + " where subject_kind = 'urging'",
)
# What only the release after that writes: that a plan period closed, and the alert of it.
FUNDING = tuple(
    statement.replace("'urging'", "'funding'")
    .replace("'urging.v1'", "'funding.v1'")
    .replace("'asked', '2026", "'lead', '2026")
    for statement in URGING
)
# What only the release after that writes: that a result was not confirmed, and the alert of it.
REFUSAL = tuple(
    statement.replace("'funding'", "'refusal'").replace("'funding.v1'", "'refusal.v1'") for statement in FUNDING
)
FOUNDATION = (TASK, DEADLINE, STEP, ALERT, MAIL)
_COUNTS = """
select (select count(*) from task) as task, (select count(*) from deadline) as deadline,
       (select count(*) from alert_step) as alert_step, (select count(*) from alert) as alert,
       (select count(*) from delivery) as delivery
"""


@pytest.fixture
def foundation(parts: Parts) -> Iterator[DatabaseAddress]:
    """A database as the first release left it, with a task of which somebody was told."""
    address = parts.create("notifier", f"notifier_{secrets.token_hex(5)}")
    downgrade("notifier", address.owner_url, "0001")
    run(address.owner_url, *FOUNDATION)
    yield address
    parts.drop(address.name)


def run(url: str, *statements: str) -> list[dict[str, Any]]:
    """The statements one after the other, and what the last of them gives."""

    async def work() -> list[dict[str, Any]]:
        connection = await asyncpg.connect(url)
        try:
            rows: list[asyncpg.Record] = []
            for statement in statements:
                rows = await connection.fetch(statement)
            return [dict(row) for row in rows]
        finally:
            await connection.close()

    return in_thread(work)


def test_what_the_first_release_left_is_about_tasks(foundation: DatabaseAddress) -> None:
    upgrade("notifier", foundation.owner_url)
    for table in ("task", "deadline", "alert"):
        assert run(foundation.owner_url, f"select subject_kind from {table}") == [{"subject_kind": "task"}]
    # Processes of the first release go on for a moment.
    run(foundation.owner_url, *(f"delete from {table}" for table in ("delivery", "alert", "deadline", "task")))
    run(foundation.owner_url, *FOUNDATION)
    assert run(foundation.owner_url, "select subject_kind from alert") == [{"subject_kind": "task"}]


def test_a_role_is_one_of_its_kind_of_deadline(foundation: DatabaseAddress) -> None:
    upgrade("notifier", foundation.owner_url)
    run(foundation.owner_url, *SIGNING)
    for change in (
        "update deadline set role = 'lead' where subject_kind = 'agreement'",
        "update deadline set role = 'signatory' where subject_kind = 'task'",
        "update deadline set subject_kind = 'meeting'",
        "update deadline set subject_kind = 'funding', role = 'coordinating'",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            run(foundation.owner_url, change)


def test_taken_back_it_leaves_what_is_about_tasks(foundation: DatabaseAddress) -> None:
    before = run(foundation.owner_url, _COUNTS)
    upgrade("notifier", foundation.owner_url)
    run(foundation.owner_url, *SIGNING)
    assert run(foundation.owner_url, _COUNTS) == [{table: 2 * count for table, count in before[0].items()}]
    downgrade("notifier", foundation.owner_url, "0001")
    assert run(foundation.owner_url, _COUNTS) == before
    upgrade("notifier", foundation.owner_url)
    assert run(foundation.owner_url, _COUNTS) == before


def test_taken_back_it_leaves_what_is_about_tasks_and_signatures(foundation: DatabaseAddress) -> None:
    upgrade("notifier", foundation.owner_url)
    run(foundation.owner_url, *SIGNING)
    before = run(foundation.owner_url, _COUNTS)
    run(foundation.owner_url, *URGING)
    assert run(foundation.owner_url, _COUNTS) == [{table: count + 1 for table, count in before[0].items()}]
    downgrade("notifier", foundation.owner_url, "0003")
    assert run(foundation.owner_url, _COUNTS) == before
    upgrade("notifier", foundation.owner_url)
    assert run(foundation.owner_url, _COUNTS) == before


def test_taken_back_it_leaves_what_is_asked(foundation: DatabaseAddress) -> None:
    upgrade("notifier", foundation.owner_url)
    run(foundation.owner_url, *URGING)
    before = run(foundation.owner_url, _COUNTS)
    run(foundation.owner_url, *FUNDING)
    assert run(foundation.owner_url, _COUNTS) == [{table: count + 1 for table, count in before[0].items()}]
    downgrade("notifier", foundation.owner_url, "0004")
    assert run(foundation.owner_url, _COUNTS) == before
    upgrade("notifier", foundation.owner_url)
    assert run(foundation.owner_url, _COUNTS) == before


def test_taken_back_it_leaves_what_is_told_of_funding(foundation: DatabaseAddress) -> None:
    upgrade("notifier", foundation.owner_url)
    run(foundation.owner_url, *FUNDING)
    before = run(foundation.owner_url, _COUNTS)
    run(foundation.owner_url, *REFUSAL)
    assert run(foundation.owner_url, _COUNTS) == [{table: count + 1 for table, count in before[0].items()}]
    downgrade("notifier", foundation.owner_url, "0005")
    assert run(foundation.owner_url, _COUNTS) == before
    upgrade("notifier", foundation.owner_url)
    assert run(foundation.owner_url, _COUNTS) == before


async def test_the_schema_can_be_taken_down_and_built_again(parts: Parts) -> None:
    database = await asyncio.to_thread(parts.create, "notifier", "notifier_down_and_up")
    try:
        await asyncio.to_thread(downgrade, "notifier", database.owner_url, "base")
        connection = await asyncpg.connect(database.owner_url)
        try:
            left = await connection.fetch("select tablename from pg_tables where schemaname = 'public'")
        finally:
            await connection.close()
        assert [row["tablename"] for row in left] == ["alembic_version"]
        await asyncio.to_thread(upgrade, "notifier", database.owner_url)
    finally:
        await asyncio.to_thread(parts.drop, database.name)


async def test_models_have_the_columns_of_their_tables(world: World) -> None:
    of_models = {
        str(model.__tablename__): set(Table.metadata.tables[str(model.__tablename__)].columns.keys())
        for model in (Organization, Person, Alert)
    }
    plain = {"task": {one.name for one in fields(Task)}, "deadline": {one.name for one in fields(Deadline)}}
    for table, columns in (of_models | plain).items():
        rows = await world.owner.fetch(
            "select column_name from information_schema.columns where table_name = $1", table
        )
        assert {row["column_name"] for row in rows} == columns
