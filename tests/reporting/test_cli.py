"""The operator's commands on events that were put aside."""

import asyncio
import os
import sys
from uuid import uuid4

import pytest

from lienvung.postgres import DatabaseAddress
from reporting.config import Settings
from reporting.projections.consumers import GROUP
from shared.auth import SYSTEM
from shared.db import Database
from shared.events import TASKS
from shared.inbox import repository


@pytest.fixture
async def parked(settings: Settings, database: Database) -> str:
    """The key of an agreement whose one event is no event."""
    key = str(uuid4())
    async with database.transaction(SYSTEM) as session:
        await repository.add_dead_letter(
            session,
            group=GROUP,
            topic=TASKS,
            partition=0,
            cluster_id="c",
            message_offset=1,
            key=key,
            event_id=None,
            type=None,
            payload=b"no JSON",
            reason="poison",
            error="InvalidEnvelope",
            attempts=1,
        )
        await repository.park(session, GROUP, (TASKS, key))
    return key


async def run(database: DatabaseAddress, *arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from reporting.cli import app; app()",
        *arguments,
        env={**os.environ, "REPORTING_DATABASE_URL": database.url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


async def test_what_was_put_aside_is_listed_tried_again_and_given_up(
    reporting_database: DatabaseAddress, parked: str
) -> None:
    code, listed = await run(reporting_database, "dead-letters")
    line = next(line for line in listed.splitlines() if parked in line)
    assert (code, line.split()[1:4]) == (0, [TASKS, parked, "poison"])
    letter = line.split()[0]
    code, tried = await run(reporting_database, "replay", TASKS, parked)
    assert (code, f"{letter} failed again" in tried) == (1, True)
    assert (await run(reporting_database, "discard", letter))[0] == 0
    assert (await run(reporting_database, "discard", letter))[0] == 1
    assert (await run(reporting_database, "replay", TASKS, parked))[0] == 0
    assert parked not in (await run(reporting_database, "dead-letters"))[1]
