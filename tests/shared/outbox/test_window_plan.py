"""The relay finds what is new along its indexes, also where nobody has counted the table's rows yet."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from lienvung.postgres import DatabaseAddress
from shared.outbox.relay import _PAGE, _WINDOW, SESSION

EVENTS = 5_000
_FILL = """
insert into outbox (event_id, aggregate_id, version, type, topic, key, payload, headers, occurred_at)
select gen_random_uuid(), gen_random_uuid(), 1, 'vn.lienvung.report.ready.v1', 'lienvung.reports', 'key',
       json_build_object('text', repeat('x', 500)), '{}', now()
from generate_series(1, $1::int)
"""


@pytest.fixture
async def connection(reporting_database: DatabaseAddress) -> AsyncIterator[asyncpg.Connection[Any]]:
    """As the relay connects, to a full outbox that was never analysed."""
    writer = await asyncpg.connect(reporting_database.owner_url)
    await writer.execute("alter table outbox_default set (autovacuum_enabled = false)")
    await writer.execute(_FILL, EVENTS)
    await writer.close()
    connection = await asyncpg.connect(reporting_database.url, server_settings=SESSION)
    yield connection
    await connection.close()


async def test_a_window_and_its_pages_read_no_more_than_they_send(connection: asyncpg.Connection[Any]) -> None:
    now = await connection.fetchval("select pg_current_snapshot()::text")
    last = await connection.fetchval("select max(id) from outbox")
    window = await plan(connection, _WINDOW, [], now.split(":")[1], 2_001)
    page = await plan(connection, _PAGE, last, now, None, 2_000)
    for text in (window, page):
        assert "Seq Scan on outbox" not in text
        assert "Hash" not in text
        assert "Index" in text


async def plan(connection: asyncpg.Connection[Any], statement: str, *values: Any) -> str:
    rows = await connection.fetch(f"explain (costs off) {statement}", *values)
    return "\n".join(row[0] for row in rows)
