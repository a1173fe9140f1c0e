"""`make bench`: every figure of the product that has a limit, beside that limit in the same run."""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import perf_counter

from lienvung.postgres import DatabaseAddress
from tests.load import (
    alerts,
    consumers,
    drain,
    gateway,
    imports,
    latency,
    provenance,
    reads,
    reports,
    scale,
    successions,
    worklist,
    writes,
)
from tests.load.dataset import Size, fill_agreements
from tests.load.profiling import write_profiles
from tests.load.stack import Bench
from tests.load.table import Row, misses, render

Section = Callable[[Bench], Awaitable[list[Row]]]
SIZE = Size()


async def read_section(bench: Bench) -> list[Row]:
    return await reads.measure(bench, await _agreements(bench), SIZE)


async def write_section(bench: Bench) -> list[Row]:
    return await writes.measure(bench, await _agreements(bench), SIZE)


async def event_section(bench: Bench) -> list[Row]:
    """Latency, then a full outbox, then those who read what came of both."""
    database = await asyncio.to_thread(bench.parts.create, "agreements", "bench_events")
    rows = await latency.measure(bench, database)
    rows += await drain.measure(bench, database)
    for service in ("notifier", "reporting"):
        rows += await consumers.measure(bench, service, drain.EVENTS * drain.ROUNDS)
    return rows


SECTIONS: Mapping[str, Section] = {
    "reads": read_section,
    "gateway": gateway.measure,
    "events": event_section,
    "alerts": alerts.measure,
    "reports": reports.measure,
    "provenance": provenance.measure,
    "imports": imports.measure,
    "country": scale.measure,
    "worklist": worklist.measure,
    "successions": successions.measure,
    # Last, because PostgreSQL goes on cleaning up after it.
    "writes": write_section,
}


async def _agreements(bench: Bench) -> DatabaseAddress:
    """The database of agreements-api with its synthetic records, made when first asked for."""
    database = bench.parts.cluster().address("agreements", "bench_agreements")
    made = bench.folder / "bench_agreements"
    if not made.exists():
        await asyncio.to_thread(bench.parts.create, "agreements", "bench_agreements")
        await fill_agreements(database.owner_url, SIZE)
        made.touch()
    return database


async def run(names: Sequence[str], *, profile: bool = False) -> list[Row]:
    """Measure these sections, one after the other."""
    rows: list[Row] = []
    with Bench() as bench:
        for name in names:
            started = perf_counter()
            rows += await SECTIONS[name](bench)
            say(f"  {name}: {perf_counter() - started:.0f} s")
        if profile:
            for path in await write_profiles(bench, await _agreements(bench), SIZE):
                say(f"  {path}")
    return rows


def main() -> None:
    """What is asked for on the command line; ends with 0 also where a figure is below what is wanted."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("sections", nargs="*", choices=[[], *SECTIONS], help="only these; all by default")
    parser.add_argument("--profile", action="store_true", help="also write profiles of the hot paths to .run/bench/")
    arguments = parser.parse_args()
    say("Measuring; the data is synthetic. Each figure stands beside its limit in the same run: only ratios count.")
    started = perf_counter()
    with contextlib.suppress(KeyboardInterrupt):
        rows = asyncio.run(run(arguments.sections or list(SECTIONS), profile=arguments.profile))
        say(f"\n{render(rows)}\n\n{misses(rows)}\n{perf_counter() - started:.0f} s in all.")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
