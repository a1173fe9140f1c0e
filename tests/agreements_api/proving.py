"""What tests of the chains need: the command that proves them, and a superuser who tampers."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from lienvung.postgres import DatabaseAddress
from tests.agreements_api.agreements.world import World
from tests.parts import Cluster


@dataclass(frozen=True)
class Result:
    """What a command ended with."""

    exit_code: int | None
    stdout: str
    stderr: str


Command = Callable[..., Awaitable[Result]]
Tampering = Callable[[str], AbstractAsyncContextManager[None]]


def command_line(address: DatabaseAddress, directory: Path) -> Command:
    """Runs the service's command line, as an installation does."""
    environment = os.environ | {
        "AGREEMENTS_API_DATABASE_URL": address.url,
        "JWKS_PATH": str(directory / "jwks.json"),
        "LIENVUNG_ENVIRONMENT": "test",
    }

    async def run(*arguments: str) -> Result:
        program = Path(sys.executable).parent / "agreements-api"
        process = await asyncio.create_subprocess_exec(program, *arguments, env=environment, stdout=PIPE, stderr=PIPE)
        output, errors = await process.communicate()
        return Result(process.returncode, output.decode(), errors.decode())

    return run


def tampering(world: World, cluster: Cluster, tables: Sequence[str]) -> Tampering:
    """Runs a statement as a superuser, whom no trigger stops, for the length of a block; `tables` are put back then."""
    url = urlsplit(cluster.admin_url)._replace(path=f"/{world.address.name}").geturl()
    return lambda statement: _tampered(world, url, tables, statement)


@asynccontextmanager
async def _tampered(world: World, superuser_url: str, tables: Sequence[str], statement: str) -> AsyncIterator[None]:
    connection = await asyncpg.connect(superuser_url)
    try:
        await connection.execute("set session_replication_role = replica")
        for table in tables:
            await connection.execute(f"create temporary table kept_{table} as select * from public.{table}")
        await connection.execute(statement)
        yield
    finally:
        for table in tables:
            columns = await world.columns(table)
            await connection.execute(
                f"delete from {table}; insert into {table} ({columns}) select {columns} from kept_{table}"
            )
        await connection.close()
