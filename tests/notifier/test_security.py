"""Row-level security as the backstop: a query that forgot its filter still shows no stranger's rows."""

from datetime import date
from uuid import uuid4

import asyncpg
import pytest

from shared.auth import SYSTEM, Actor
from tests.notifier.conftest import TUESDAY, World
from tests.notifier.factories import actor_for, agreement_event, signing, staffed, task_event

TABLES = ("organization", "person", "task", "deadline", "alert_step", "alert", "delivery")


@pytest.mark.parametrize("table", TABLES)
async def test_an_organisation_sees_its_own_signatures_only(world: World, table: str) -> None:
    body, other = staffed(), staffed()
    await world.meet(body, other)
    await world.learn(
        agreement_event(signing(body), sign_by=date(2026, 10, 23), moment=TUESDAY),
        agreement_event(signing(other), sign_by=date(2026, 10, 23), moment=TUESDAY),
    )
    await world.fire()

    async def seen(actor: Actor) -> int:
        async with world.database.read(actor) as connection:
            count: int = await connection.fetchval(f"select count(*) from {table}")
        return count

    mine = await seen(actor_for(body))
    assert (await seen(SYSTEM), mine > 0) == (2 * mine, True)


@pytest.mark.parametrize("table", TABLES)
async def test_an_organisation_sees_its_own_rows_only(world: World, table: str) -> None:
    body, other = staffed(), staffed()
    await world.meet(body, other)
    await world.learn(
        task_event(body, due_on=date(2026, 10, 23), moment=TUESDAY),
        task_event(other, due_on=date(2026, 10, 23), moment=TUESDAY),
    )
    await world.fire()

    async def seen(actor: Actor) -> int:
        async with world.database.read(actor) as connection:
            count: int = await connection.fetchval(f"select count(*) from {table}")
        return count

    everything, mine = await seen(SYSTEM), await seen(actor_for(body))
    assert (everything, mine) == (2 * mine, mine)
    assert mine > 0
    assert await seen(Actor(id=uuid4(), kind="user", name="A")) == 0


async def test_an_organisation_writes_no_alert_for_another(world: World) -> None:
    body, other = staffed(), staffed()
    await world.meet(body, other)
    await world.learn(task_event(other, due_on=date(2026, 10, 23), moment=TUESDAY))
    await world.fire()
    async with world.database.write(actor_for(body)) as connection:
        assert await connection.execute("update alert set read_at = now()") == "UPDATE 0"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with world.database.write(actor_for(body)) as connection:
            await connection.execute("insert into mail_optout values ($1, now())", other.of("leader").account_id)
