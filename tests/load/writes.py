"""A progress report through HTTP, against asyncpg sending the same statements in one transaction, with fsync on."""

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from lienvung.postgres import DatabaseAddress
from shared import clock
from shared.auth import Actor
from shared.ids import new_id
from tests.load.bare import Loop, Statement, run_loop
from tests.load.client import Load, request, run_load
from tests.load.dataset import Size
from tests.load.reads import product, set_up_for
from tests.load.rounds import alternate
from tests.load.stack import POOL_SIZE, Bench, task_id
from tests.load.statements import renewed, report_body, report_statements
from tests.load.table import Row, rate_row

ROUNDS = 5
SECONDS = 1.2
WARM_UP = 0.3
CONNECTIONS = POOL_SIZE
WANTED = 0.35
# More than any machine writes on one connection in the time of a round.
WRITES = 600

_MINE = """
select t.id, t.version from task t
where t.lead_organization_id = $1 and t.status = 'in_progress' order by t.id
"""


async def measure(bench: Bench, database: DatabaseAddress, size: Size) -> list[Row]:
    """The row of the write."""
    writer = Writer(bench, database)
    async with product(bench, database) as (address, _):

        async def through_http() -> float:
            load = Load(address, await writer.requests(), SECONDS, WARM_UP, expected_status=201, repeat=False)
            return (await run_load(load, core=bench.other_core)).rate

        async def bare() -> float:
            return await run_loop(await writer.loop(), core=bench.core)

        reached = await alternate(ROUNDS, {"bare asyncpg": bare, "product": through_http})
    work = "write: progress report with Idempotency-Key and If-Match"
    return [
        rate_row(work, reached["product"], reached["bare asyncpg"], "bare asyncpg, same statements", at_least=WANTED)
    ]


class Writer:
    """Prepares what a round writes; every connection has tasks of its own, whose versions it counts."""

    def __init__(self, bench: Bench, database: DatabaseAddress) -> None:
        self._actor = bench.actor()
        self._token = bench.token(self._actor)
        self._database = database

    async def requests(self) -> list[list[bytes]]:
        """For each connection, more reports than it can send in a round."""
        versions = await self._versions()
        body = report_body(clock.today())
        return [[self._request(task, version, body) for task, version in mine] for mine in _turns(versions)]

    async def loop(self) -> Loop:
        """The same reports as the statements that each of them sends."""
        connection = await asyncpg.connect(self._database.owner_url)
        try:
            await connection.execute(*_flat(set_up_for(self._actor)))
            template = await report_statements(connection, self._actor, task_id(0))
        finally:
            await connection.close()
        versions = await self._versions()
        units = [[renewed(template, task_id(0), task, version) for task, version in mine] for mine in _turns(versions)]
        return Loop(self._database.url, set_up_for(self._actor), units, SECONDS, WARM_UP, begin=begin_for(self._actor))

    def _request(self, task: Any, version: int, body: bytes) -> bytes:
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Idempotency-Key": str(new_id()),
            "If-Match": f'"v{version}"',
        }
        return request("POST", f"/v1/tasks/{task}/reports", headers, body)

    async def _versions(self) -> dict[Any, int]:
        connection = await asyncpg.connect(self._database.owner_url)
        try:
            rows = await connection.fetch(_MINE, self._actor.organization_id)
        finally:
            await connection.close()
        return {row["id"]: row["version"] for row in rows}


def begin_for(actor: Actor) -> str:
    """How a transaction of the product begins, in one round trip."""
    roles = ",".join(sorted(actor.roles))
    return (
        f"begin; set local lienvung.organization_id = '{actor.organization_id}';"
        f" set local lienvung.roles = '{roles}'; set local lienvung.system = 'off'"
    )


def _turns(versions: Mapping[Any, int]) -> list[list[tuple[Any, int]]]:
    """Who writes what: each connection goes round its own tasks, each time at the next version."""
    tasks = list(versions)
    share = len(tasks) // CONNECTIONS
    return [
        [
            (task, versions[task] + turn)
            for turn in range(-(-WRITES // share))
            for task in tasks[connection * share : (connection + 1) * share]
        ]
        for connection in range(CONNECTIONS)
    ]


def _flat(statement: Statement) -> Sequence[Any]:
    return (statement[0], *statement[1])
