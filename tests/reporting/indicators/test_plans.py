"""The plans of the figures' statements: by index, and over the versions that count and no others."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest_asyncio

from lienvung.postgres import DatabaseAddress
from reporting.indicators.links import Scope
from reporting.indicators.repository import tasks_statement
from shared.auth import SYSTEM, Actor
from shared.db import Database
from shared.ids import new_id
from tests.reporting.factories import Story

NOW = datetime(2024, 12, 20, tzinfo=UTC)
AGREEMENTS = 300


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reader(database: Database, plan: Story, reporting_database: DatabaseAddress) -> Actor:
    """A member of one agreement among hundreds, each with tasks of many versions."""
    member = new_id()
    async with database.transaction(SYSTEM) as session:
        connection = await session.connection()
        await connection.exec_driver_sql(
            """
            insert into task_version
                (task_id, version, valid_from, valid_to, agreement_id, title, status, percent, demonstration,
                 lead_organization_id, lead_name, coordinating, monitoring, created_at)
            select task.id, v, timestamptz '2024-01-01' + v * interval '1 day',
                   case when v = 20 then 'infinity' else timestamptz '2024-01-01' + (v + 1) * interval '1 day' end,
                   agreement.id, 'x', 'in_progress', v, false, $1, 'x', '[]', '[]', timestamptz '2024-01-01'
            from (select gen_random_uuid() as id, a from generate_series(1, $2) a) agreement
            cross join lateral (select gen_random_uuid() as id from generate_series(1, 5 + a * 0)) task
            cross join generate_series(1, 20) v
            """,
            (plan.people[0].id, AGREEMENTS),
        )
        await connection.exec_driver_sql(
            "insert into agreement_member select a.id, a.id,"
            " case when row_number() over () = 1 then $1::uuid else gen_random_uuid() end"
            " from (select distinct agreement_id as id from task_version where title = 'x') a",
            (member,),
        )
    owner = await asyncpg.connect(reporting_database.owner_url)
    await owner.execute("analyze")
    await owner.close()
    return Actor(id=new_id(), kind="user", name="x", organization_id=member)


async def _plan(database: Database, reader: Actor, scope: Scope) -> list[dict[str, Any]]:
    assert reader.organization_id is not None
    statement, arguments = tasks_statement(reader.organization_id, scope)
    async with database.read(reader) as connection:
        explained = await connection.fetchval(f"explain (analyze, format json) {statement}", *arguments)
    return list(_nodes(json.loads(explained)[0]["Plan"]))


def _nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(node for child in plan.get("Plans", []) for node in _nodes(child))]


async def test_figures_of_now_meet_the_current_versions_of_the_callers_agreements_only(
    database: Database, reader: Actor
) -> None:
    nodes = await _plan(database, reader, Scope(NOW))
    (scan,) = [node for node in nodes if node.get("Relation Name") == "task_version"]
    assert scan["Node Type"] in ("Index Scan", "Bitmap Heap Scan")
    assert scan["Actual Rows"] * scan["Actual Loops"] == 5
    assert scan.get("Rows Removed by Filter", 0) == 0
    assert not [node for node in nodes if node["Node Type"] == "Seq Scan" and node["Actual Rows"] > 100]


async def test_figures_of_one_agreement_go_by_its_index(database: Database, reader: Actor) -> None:
    async with database.read(reader) as connection:
        agreement_id = await connection.fetchval("select agreement_id from agreement_member")
    nodes = await _plan(database, reader, Scope(NOW - timedelta(days=300), None, {"agreement_id": str(agreement_id)}))
    (scan,) = [node for node in nodes if node.get("Relation Name") == "task_version"]
    assert scan["Node Type"] in ("Index Scan", "Bitmap Heap Scan")
    assert scan["Actual Rows"] * scan["Actual Loops"] <= 5
