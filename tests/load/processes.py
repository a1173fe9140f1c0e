"""Processes of the bench: what is measured gets a core of its own, where the system can promise one."""

import asyncio
import os
import pickle
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from subprocess import PIPE
from typing import Any

Work = Callable[[Any], Awaitable[Any]]

ROOT = Path(__file__).resolve().parents[2]


def cores() -> tuple[int | None, int | None]:
    """One core for what is measured and one for what measures it; none where they cannot be told apart."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    available: Sequence[int] = sorted(os.sched_getaffinity(0))
    return (available[0], available[1]) if len(available) > 1 else (None, None)


def pin(pid: int, core: int | None) -> None:
    """Keep a process, and the threads it has yet to start, on one core."""
    if core is not None:
        os.sched_setaffinity(pid, {core})


async def run_apart(work: Work, task: object, *, core: int | None = None) -> Any:
    """Run a coroutine function of the bench in a process of its own and give what it returns."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.load.apart", stdin=PIPE, stdout=PIPE, cwd=ROOT, env=dict(os.environ)
    )
    pin(process.pid, core)
    answer, _ = await process.communicate(pickle.dumps((work, task)))
    if process.returncode:
        raise RuntimeError(f"{work.__module__} ended with {process.returncode}")
    return pickle.loads(answer)
