"""What is killed, how often and when: a plan made of a seed, and its execution against a running stack."""

import asyncio
import os
import signal
from collections import Counter
from dataclasses import dataclass, field
from random import Random

import psutil

from lienvung.postgres import DATABASES, role_names
from lienvung.stack import Observer, Stack
from lienvung.supervisor import Part

BACKEND = "postgres backend"
SENDER = "notifier-send"

# How the kills are shared out. The broker and the database take seconds to come back, so that they get fewer.
WEIGHTS = {
    "agreements-api-relay": 9,
    "agreements-api-lifecycle": 2,
    "agreements-api-succession": 1,
    "agreements-api-scan": 1,
    "agreements-api-imports": 1,
    "notifier-relay": 4,
    "reporting-relay": 2,
    "notifier-consume": 8,
    "reporting-consume": 8,
    "notifier-schedule": 7,
    SENDER: 7,
    "reporting-render": 2,
    "agreements-api": 5,
    "notifier": 2,
    "reporting": 2,
    "gateway": 2,
    "kafka": 5,
    "postgres": 5,
    BACKEND: 5,
}
# Whose sessions are killed inside of PostgreSQL.
_ROLES = tuple(role_names(database)[1] for database in DATABASES)
# How long a kill waits for something to kill.
_FIND_SECONDS = 10.0
_FIND_POLL = 0.02


def plan(rng: Random, kills: int) -> list[str]:
    """What to kill, in order: shares after the weights, by the largest remainder, shuffled."""
    total = sum(WEIGHTS.values())
    exact = {name: kills * weight / total for name, weight in WEIGHTS.items()}
    shares = {name: int(share) for name, share in exact.items()}
    by_remainder = sorted(exact, key=lambda name: shares[name] - exact[name])
    for name in by_remainder[: kills - sum(shares.values())]:
        shares[name] += 1
    order = [name for name, share in shares.items() for _ in range(share)]
    rng.shuffle(order)
    return order


def moments(rng: Random, kills: int, seconds: float) -> list[float]:
    """When to kill: one moment at random in each of as many equal stretches."""
    stretch = seconds / kills
    return [(number + rng.random()) * stretch for number in range(kills)]


@dataclass
class Toll:
    """What was killed, and what died without our doing."""

    kills: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)


class Watch(Observer):
    """Keeps what the stack tells of its parts: deaths that nobody ordered, and how long each took to be back."""

    def __init__(self) -> None:
        self.deaths: Counter[str] = Counter()
        self.longest: dict[str, float] = {}
        self.notes: list[str] = []
        self._down: dict[str, float] = {}

    def part_changed(self, part: Part, what: str) -> None:
        now = asyncio.get_running_loop().time()
        if what == "ready":
            gone = self._down.pop(part.name, None)
            if gone is not None:
                self.longest[part.name] = max(self.longest.get(part.name, 0.0), now - gone)
        elif what == "was killed":
            self._down.setdefault(part.name, now)
        elif what.startswith("died"):
            self._down.setdefault(part.name, now)
            self.deaths[part.name] += 1
            self.notes.append(f"{part.name} {what}")
        elif what.startswith("could not"):
            self.notes.append(f"{part.name} {what}")


async def carry_out(stack: Stack, rng: Random, names: list[str], at: list[float], toll: Toll) -> None:
    """Kill each in turn at its moment."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for name, moment in zip(names, at, strict=True):
        await asyncio.sleep(max(0.0, began + moment - loop.time()))
        if await kill(stack, rng, name):
            toll.kills[name] += 1
        else:
            toll.missed[name] += 1


async def kill(stack: Stack, rng: Random, name: str) -> bool:
    """Kill it, as soon as there is something to kill."""
    loop = asyncio.get_running_loop()
    until = loop.time() + _FIND_SECONDS
    while True:
        if _kill_backend(stack, rng) if name == BACKEND else stack.kill(name):
            return True
        if loop.time() > until:
            return False
        await asyncio.sleep(_FIND_POLL)


def _kill_backend(stack: Stack, rng: Random) -> bool:
    """A service's session in PostgreSQL; the server then ends all others and recovers."""
    postmaster = stack.processes.get("postgres")
    if postmaster is None:
        return False
    try:
        backends = [
            process.pid
            for process in psutil.Process(postmaster).children()
            if any(role in " ".join(process.cmdline()) for role in _ROLES)
        ]
        os.kill(rng.choice(backends), signal.SIGKILL)
    except (psutil.NoSuchProcess, ProcessLookupError, IndexError):
        return False
    return True
