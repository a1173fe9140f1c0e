"""Profiles of the hot paths: where the time of a read, a list and a write goes, function by function."""

import pstats
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

from lienvung.postgres import DatabaseAddress
from tests.load.client import Load, request, run_load
from tests.load.dataset import Size
from tests.load.reads import visible_tasks
from tests.load.stack import OUTPUT, POOL_SIZE, Bench, task_id
from tests.load.statements import PAGE
from tests.load.writes import Writer

SECONDS = 4.0
WARM_UP = 1.0
LINES = 60

Requests = Callable[[], Awaitable[Sequence[Sequence[bytes]]]]


async def write_profiles(bench: Bench, database: DatabaseAddress, size: Size) -> list[Path]:
    """One file of text for each hot path, and beside it the figures for a viewer."""
    writer = Writer(bench, database)
    headers = {"Authorization": f"Bearer {bench.token(bench.actor())}"}

    def gets(targets: Sequence[str]) -> Requests:
        async def requests() -> Sequence[Sequence[bytes]]:
            return [[request("GET", target, headers) for target in targets]] * POOL_SIZE

        return requests

    paths: Mapping[str, tuple[Requests, int]] = {
        "read": (gets([f"/v1/tasks/{task_id(number)}" for number in visible_tasks(size)]), 200),
        "list": (gets([f"/v1/tasks?limit={PAGE}"]), 200),
        "write": (writer.requests, 201),
    }
    return [await _profile(bench, database, name, requests, status) for name, (requests, status) in paths.items()]


async def _profile(bench: Bench, database: DatabaseAddress, name: str, requests: Requests, status: int) -> Path:
    figures, text = OUTPUT / f"{name}.pstats", OUTPUT / f"{name}.txt"
    socket = bench.sockets / f"profiled-{name}.sock"
    command = (sys.executable, "-m", "tests.load.profiled", str(figures), "serve", "--uds", str(socket))
    environment = bench.environment(database, "agreements")
    async with bench.process(f"profiled-{name}", command, environment, core=bench.core) as running:
        address = await bench.listening(socket, running)
        load = Load(address, await requests(), SECONDS, WARM_UP, expected_status=status, repeat=status == 200)
        await run_load(load, core=bench.other_core)
    with text.open("w", encoding="utf-8") as file:
        pstats.Stats(str(figures), stream=file).strip_dirs().sort_stats("tottime").print_stats(LINES)
    return text
