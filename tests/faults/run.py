"""`make faults`: everything is killed at random under load, then the checker looks for what was lost or doubled."""

import argparse
import asyncio
import secrets
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import perf_counter

from lienvung.stack import Stack
from shared import clock
from tests.faults.cast import Cast, found
from tests.faults.checker import Evidence, Finding, check, compare
from tests.faults.client import Journal, Pace
from tests.faults.evidence import FIRE_HOUR, collect, effects
from tests.faults.kills import SENDER, WEIGHTS, Toll, Watch, carry_out, kill, moments, plan
from tests.faults.rest import come_to_rest
from tests.faults.wire import Wire
from tests.faults.work import Work

OUTPUT = Path(__file__).resolve().parents[2] / ".run" / "faults"
WANTED_RATE = 50.0
WANTED_KILLS = 60
LIVES_AT_ONCE = 16
SHOWN_FINDINGS = 40

_UNLIMITED = '{"quota": 10000000, "window_seconds": 1}'
# Leases are short, so that what a killed worker held comes back within the run; the gateway lets one address do it all.
ENVIRONMENT = {
    "GATEWAY_ADDRESS_LIMIT": _UNLIMITED,
    "GATEWAY_SUBJECT_LIMIT": _UNLIMITED,
    "NOTIFIER_FIRE_HOUR": str(FIRE_HOUR),
    "NOTIFIER_SCHEDULE_LEASE_SECONDS": "5",
    "NOTIFIER_SEND_TIMEOUT_SECONDS": "10",
    "NOTIFIER_SEND_LEASE_SECONDS": "30",
    "REPORTING_RENDER_LEASE_SECONDS": "10",
}


# Syncing stays on; after a kill the file system is synced whole instead of file by file, which takes many times longer.
POSTGRES_SETTINGS = {"recovery_init_sync_method": "syncfs"}


@dataclass(frozen=True)
class Options:
    """What is asked for on the command line."""

    kills: int
    seconds: float
    seed: int
    rate: float
    keep: bool


@dataclass
class Outcome:
    """What the run came to."""

    toll: Toll = field(default_factory=Toll)
    watch: Watch = field(default_factory=Watch)
    journal: Journal = field(default_factory=Journal)
    findings: list[Finding] = field(default_factory=list)
    rate: float = 0.0

    def shortcomings(self, options: Options) -> list[str]:
        """What the run had to do and did not, so that it proves too little."""
        kills, wanted_kills = self.toll.kills.total(), min(WANTED_KILLS, options.kills)
        wanted_rate = min(WANTED_RATE, options.rate * 0.9)
        return [
            *([f"only {kills} kills of {wanted_kills}"] if kills < wanted_kills else []),
            *([f"only {self.rate:.1f} writes/s of {wanted_rate:.0f}"] if self.rate < wanted_rate else []),
        ]


async def run(options: Options, folder: Path) -> Outcome:
    """Both halves of the proof: kills under load, then the loss of the whole broker."""
    outcome = Outcome()
    say(f"Seed {options.seed}. The stack starts in {folder}")
    stack = Stack(
        folder, durable=True, postgres_settings=POSTGRES_SETTINGS, environment=ENVIRONMENT, observer=outcome.watch
    )
    async with stack, Wire(stack.gateway) as wire:
        cast = await found(wire, outcome.journal, stack.operator)
        say(f"{len(cast.organizations)} organisations, {len(cast.people)} accounts")
        await _under_load(stack, cast, outcome, options)
        before = await _judge(stack, cast, outcome, "after the kills")
        say(_amounts(before))
        await _without_a_broker(stack, cast, outcome, options)
    return outcome


async def _under_load(stack: Stack, cast: Cast, outcome: Outcome, options: Options) -> None:
    rng = Random(options.seed)
    names = plan(rng, options.kills)
    work = Work(cast, outcome.journal, Pace(options.rate), options.seed)
    working = asyncio.create_task(work.run(LIVES_AT_ONCE))
    began = perf_counter()
    killing = asyncio.create_task(
        carry_out(stack, rng, names, moments(rng, options.kills, options.seconds), outcome.toll)
    )
    while not killing.done():
        await asyncio.wait([killing, working], timeout=15, return_when=asyncio.FIRST_COMPLETED)
        seconds, done = perf_counter() - began, outcome.journal.acknowledged
        say(
            f"  {seconds:4.0f} s: {outcome.toll.kills.total():3} kills, {done:6,} writes ({done / seconds:.1f}/s),"
            f" {outcome.journal.repeated:,} repeated"
        )
        if working.done():
            killing.cancel()
            working.result()
    await killing
    outcome.rate = outcome.journal.acknowledged / (perf_counter() - began)
    work.stop.set()
    await working


async def _without_a_broker(stack: Stack, cast: Cast, outcome: Outcome, options: Options) -> None:
    say("The broker's data is thrown away whole.")
    before = await effects(stack)
    rng = Random(f"{options.seed}/wiped")
    began = perf_counter()
    await stack.wipe_broker()
    # Not even now is anybody left in peace.
    for name in ("agreements-api-relay", "reporting-consume", "notifier-consume", "agreements-api-relay"):
        await asyncio.sleep(rng.uniform(0.5, 2.0))
        if await kill(stack, rng, name):
            outcome.toll.kills[name] += 1
    await _judge(stack, cast, outcome, "after the loss of the broker")
    say(f"  everything had arrived again after {perf_counter() - began:.0f} s")
    outcome.findings += compare(before, await effects(stack))


async def _judge(stack: Stack, cast: Cast, outcome: Outcome, when: str) -> Evidence:
    now = clock.now()
    began = perf_counter()
    await stack.wait_ready()
    waiting = await come_to_rest(stack)
    say(f"At rest {when}, {perf_counter() - began:.0f} s later" + (f" but for {waiting}" if waiting else ""))
    outcome.findings += [Finding("not_at_rest", what, f"{count} {when}") for what, count in waiting.items()]
    evidence = await collect(stack, cast, outcome.journal, sender_kills=outcome.toll.kills[SENDER], now=now)
    outcome.findings += check(evidence)
    return evidence


def _amounts(evidence: Evidence) -> str:
    doubled = len(evidence.mailed) - len(set(evidence.mailed))
    return (
        f"  {len(set(evidence.committed)):,} changes committed, {len(evidence.travelled):,} messages on Kafka,"
        f" {len(evidence.projections):,} projections, {len(evidence.listed_alerts):,} alerts"
        f" ({len(evidence.expected_alerts):,} still due), {len(evidence.mailed):,} mails, {doubled} of them twice"
    )


def show(outcome: Outcome, shortcomings: Sequence[str]) -> None:
    """The table of kills, what came in the way, and the findings."""
    toll, watch = outcome.toll, outcome.watch
    say(f"\n{'part':<24}{'kills':>7}{'died by itself':>16}{'longest away':>14}")
    for name in WEIGHTS:
        away = f"{watch.longest[name]:.1f} s" if name in watch.longest else ""
        say(f"{name:<24}{toll.kills[name]:>7}{watch.deaths[name]:>16}{away:>14}")
    say(f"{'':<24}{toll.kills.total():>7}")
    journal = outcome.journal
    say(f"\n{journal.acknowledged:,} writes acknowledged, {outcome.rate:.1f}/s while everything was being killed;")
    say(f"{journal.repeated:,} requests repeated under the same key. What clients met:")
    for what, times in journal.disturbances.most_common():
        say(f"  {times:>7,}  {what}")
    for note in watch.notes:
        # Its first line says what, its last one why; the whole of it is in the part's log.
        first, *_, last = note.splitlines() if "\n" in note else (note, "")
        say(f"note: {first} {last.strip()}")
    for finding in outcome.findings[:SHOWN_FINDINGS]:
        say(f"FINDING {finding.kind}: {finding.subject}: {finding.detail}")
    if len(outcome.findings) > SHOWN_FINDINGS:
        say(f"… and {len(outcome.findings) - SHOWN_FINDINGS} more")
    for shortcoming in shortcomings:
        say(f"NOT ENOUGH: {shortcoming}")


def options_of(arguments: Sequence[str]) -> Options:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=64, help="how many kills (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=240.0, help="how long the load lasts (default %(default)s)")
    parser.add_argument("--seed", type=int, help="repeats the plan of an earlier run; at random if not given")
    parser.add_argument(
        "--writes-per-second",
        type=float,
        default=80.0,
        help="writes to attempt, outages made good (default %(default)s)",
    )
    parser.add_argument("--keep", action="store_true", help="keep the stack's folder also where nothing is found")
    given = parser.parse_args(arguments)
    seed = given.seed if given.seed is not None else secrets.randbelow(2**31)
    return Options(given.kills, given.seconds, seed, given.writes_per_second, given.keep)


def main() -> int:
    """0 only where nothing was found, and where there was enough to find something in."""
    options = options_of(sys.argv[1:])
    folder = OUTPUT / f"seed-{options.seed}"
    shutil.rmtree(folder, ignore_errors=True)
    began = perf_counter()
    outcome = asyncio.run(run(options, folder))
    shortcomings = outcome.shortcomings(options)
    show(outcome, shortcomings)
    sound = not outcome.findings and not shortcomings
    if sound and not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    verdict = "Nothing was lost, reordered or done twice" if sound else f"Logs and data: {folder}"
    say(f"{len(outcome.findings)} findings, seed {options.seed}, {perf_counter() - began:.0f} s in all. {verdict}.")
    return 0 if sound else 1


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
