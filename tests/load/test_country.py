"""The generator of the whole country, held to the schema on a small share of it."""

from collections.abc import Callable

import asyncpg

from agreements_api.config import Settings
from agreements_api.history.verification import verify
from agreements_api.localities.loader import load_units
from lienvung.postgres import DatabaseAddress
from shared.db import Database
from tests.agreements_api.worklist.following import DIFFERENCES
from tests.load.country import Scale, fill


async def test_every_record_is_there_and_says_that_it_is_synthetic(
    agreements_database: DatabaseAddress, make_settings: Callable[..., Settings]
) -> None:
    scale = Scale(provinces=1, agreements=10)
    units = Database(make_settings(Settings, agreements_database))
    await units.start()
    try:
        await load_units(units)
    finally:
        await units.stop()

    await fill(agreements_database.owner_url, scale)
    await units.start()
    try:
        proof = await verify(units)
    finally:
        await units.stop()

    # Its history is one that the product itself could have written.
    assert (proof.broken, proof.records) == (0, scale.agreements + scale.tasks)
    assert proof.entries > 4 * scale.tasks

    connection = await asyncpg.connect(agreements_database.owner_url)
    try:
        assert await connection.fetchval("select count(*) from agreement where demonstration") == scale.agreements
        assert await connection.fetchval("select count(*) from task where demonstration") == scale.tasks
        assert await connection.fetchval("select count(*) from agreement_party") == 4 * scale.agreements
        for column, table in (("name", "organization"), ("title", "agreement"), ("title", "task")):
            silent = await connection.fetch(f"select {column} from {table} where {column} not like '%tổng hợp%'")
            assert silent == []
        # Whoever takes part in a task sees it, and nobody else.
        seen = await connection.fetchval("""
            select count(*) from task t where not exists (
                select from agreement_access x
                where x.agreement_id = t.agreement_id and x.organization_id = t.lead_organization_id)""")
        assert seen == 0
        # What waits is what the product would have kept.
        assert await connection.fetchval("select count(*) from open_work") > 0
        assert await connection.fetch(DIFFERENCES) == []
    finally:
        await connection.close()
