"""Row-level security: the backstop behind every scoped query."""

from uuid import UUID

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from lienvung.postgres import DatabaseAddress
from reporting.reports import service
from reporting.reports.schemas import ReportCreate
from shared.auth import Actor
from shared.db import Database
from shared.ids import new_id
from tests.reporting.factories import Body, Story

OF_AN_AGREEMENT = ("agreement", "party", "clause", "task_version", "agreement_member")


def actor_of(body: Body | UUID | None) -> Actor:
    return Actor(
        id=new_id(),
        kind="user",
        name="x",
        organization_id=body.id if isinstance(body, Body) else body,
        roles=frozenset({"leader"}),
    )


async def visible(database: Database, actor: Actor, table: str) -> int:
    async with database.read(actor) as connection:
        return int(await connection.fetchval(f"select count(*) from {table}"))


@pytest.mark.parametrize("table", OF_AN_AGREEMENT)
async def test_a_member_sees_the_rows_of_its_agreements_and_a_stranger_none(
    database: Database, plan: Story, table: str
) -> None:
    assert await visible(database, actor_of(plan.issuer), table) > 0
    assert await visible(database, actor_of(plan.outsider), table) == 0
    assert await visible(database, actor_of(None), table) == 0


async def test_a_member_sees_only_its_own_memberships(database: Database, plan: Story) -> None:
    async with database.read(actor_of(plan.issuer)) as connection:
        rows = await connection.fetch("select distinct organization_id from agreement_member")
    assert [row[0] for row in rows] == [plan.issuer.id]


@pytest.mark.parametrize("table", ["report", "report_content"])
async def test_a_report_is_seen_by_its_issuer_alone(database: Database, plan: Story, table: str) -> None:
    actor = actor_of(plan.issuer)
    async with database.transaction(actor) as session:
        report = await service.request(session, actor, ReportCreate(agreement_id=plan.plan.id, place="Đông Triều"))
        connection = await session.connection()
        await connection.exec_driver_sql("insert into report_content values ($1, $2, 'x')", (report.id, plan.issuer.id))
    assert await visible(database, actor, table) > 0
    assert await visible(database, actor_of(plan.committees[1]), table) == 0


async def test_nobody_makes_itself_a_member_by_hand(database: Database, plan: Story) -> None:
    async def intrude() -> None:
        async with database.transaction(actor_of(plan.outsider)) as session:
            connection = await session.connection()
            await connection.exec_driver_sql(
                "insert into agreement_member values ($1, $1, $2)", (plan.plan.id, plan.outsider.id)
            )

    with pytest.raises(DBAPIError, match="row-level security"):
        await intrude()


async def test_the_application_role_owns_nothing_and_is_bound_by_the_policies(
    reporting_database: DatabaseAddress,
) -> None:
    connection = await asyncpg.connect(reporting_database.url)
    try:
        owned = await connection.fetchval(
            "select count(*) from pg_class where relowner = (select oid from pg_roles where rolname = current_user)"
        )
        bypass = await connection.fetchval("select rolsuper or rolbypassrls from pg_roles where rolname = current_user")
    finally:
        await connection.close()
    assert (owned, bypass) == (0, False)
