"""Running the product in the foreground: one at a time in a clone, until Ctrl-C, with its story on the first start."""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from httpx import HTTPError
from rich.console import Console

from lienvung import story
from lienvung.display import Display, measure, show_addresses
from lienvung.kafka import KafkaUnavailable
from lienvung.memory import MEGABYTE, resident_alone
from lienvung.postgres import PostgresError, write_private
from lienvung.processes import same_process, start_of
from lienvung.settings import StackSettings
from lienvung.stack import Stack, StackError
from lienvung.supervisor import PartFailed

STOP_SECONDS = 120.0
INTERRUPTED = 130


class AlreadyRunning(RuntimeError):
    """Another process runs the product in this folder."""


async def run(settings: StackSettings, console: Console) -> int:
    """Start, show, play the story if it is the first time, and wait for the end; gives the exit code."""
    with sole_owner(settings.run_dir, settings.environment):
        display = Display(console)
        stack = Stack(
            settings.run_dir,
            gateway_port=settings.gateway_port,
            postgres_url=settings.postgres_url,
            kafka_bootstrap_servers=settings.kafka_bootstrap_servers,
            smtp_url=settings.smtp_url,
            observer=display,
        )
        work = asyncio.create_task(_work(settings, stack, display, console))
        with _cancelled_by_signals(work, display):
            try:
                return await work
            except asyncio.CancelledError:
                # Whoever waits for the story must not take its interruption for its end.
                return INTERRUPTED if settings.exit_after_story else 0
            except (StackError, PartFailed, PostgresError, KafkaUnavailable) as error:
                console.print(f"\n{error}", style="bold red", markup=False, highlight=False, soft_wrap=True)
                return 1
            finally:
                await stack.stop()


async def _work(settings: StackSettings, stack: Stack, display: Display, console: Console) -> int:
    started = time.monotonic()
    async with display.table():
        await stack.start()
        seconds = time.monotonic() - started
        memory = await asyncio.to_thread(_resident_in_all, stack)
        stack.write_description()
        display.say(f"Ready in {seconds:.1f} s, {memory / MEGABYTE:,.0f} MB resident in all")
        told = await _tell(settings, stack, display)
        description = stack.write_description()
        if told is False or settings.exit_after_story:
            return 1 if told is False else 0
        show_addresses(console, stack.describe())
        display.say(f"The same is in {description}. Ctrl-C stops everything.")
        raise StackError(await stack.broken)


def _resident_in_all(stack: Stack) -> int:
    own = sum(resident_alone(pid) for pid in (os.getpid(), *stack.helpers))
    return own + sum(measure(stack.processes).values())


async def _tell(settings: StackSettings, stack: Stack, display: Display) -> bool | None:
    """Play the story unless it was played; None where there was none to play."""
    marker = Story(settings.run_dir / "story")
    if not settings.demo:
        return None
    if marker.state == "told":
        display.say(f"The story was told on an earlier start; what came of it lies in {stack.out}")
        return True
    if marker.state == "begun":
        display.say("The story broke off on an earlier start. `make reset` and `make run` tell it from the beginning.")
        return False if settings.exit_after_story else None
    marker.state = "begun"
    display.say("The story of Conclusion 352, as each locality's own account:")
    try:
        await story.play(stack, lambda line: display.say(f"  {line}"))
    except (story.StoryError, HTTPError) as error:
        display.say(f"THE STORY FAILED: {error or repr(error)}")
        display.say(f"The logs are in {stack.logs}; `make reset` and `make run` tell it from the beginning.")
        return False
    marker.state = "told"
    return True


class Story:
    """Remembers in a file how far the story came."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def state(self) -> str:
        return self._path.read_text() if self._path.exists() else ""

    @state.setter
    def state(self, value: str) -> None:
        write_private(self._path, value)


@contextlib.contextmanager
def sole_owner(run_dir: Path, environment: str) -> Iterator[None]:
    """Hold the folder's lock; raises AlreadyRunning, naming who holds it."""
    run_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(run_dir / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _owner(run_dir)
            raise AlreadyRunning(
                f"The product runs here already (process {owner[0] if owner else 'unknown'}). "
                f"Its addresses are in {run_dir / 'stack.json'}; `.venv/bin/lienvung down` stops it."
            ) from None
        os.ftruncate(descriptor, 0)
        entry = {"pid": os.getpid(), "started": start_of(os.getpid()), "environment": environment}
        os.pwrite(descriptor, json.dumps(entry).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def stop_other(run_dir: Path) -> int | None:
    """Tell the process that runs the product here to stop, and wait until it did; gives its pid, None if none ran."""
    owner = _owner(run_dir)
    process = same_process(*owner) if owner else None
    if process is None:
        return None
    process.send_signal(signal.SIGTERM)
    process.wait(STOP_SECONDS)
    return process.pid


def is_running(run_dir: Path) -> bool:
    owner = _owner(run_dir)
    return owner is not None and same_process(*owner) is not None


def last_environment(run_dir: Path) -> str | None:
    """As what the product was last started here."""
    return _lock_entry(run_dir).get("environment")


def _owner(run_dir: Path) -> tuple[int, float] | None:
    entry = _lock_entry(run_dir)
    return (entry["pid"], entry["started"]) if entry else None


def _lock_entry(run_dir: Path) -> dict[str, Any]:
    try:
        entry: dict[str, Any] = json.loads((run_dir / "lock").read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return entry


@contextlib.contextmanager
def _cancelled_by_signals(work: "asyncio.Task[int]", display: Display) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def stop(name: str) -> None:
        display.say(f"{name}: stopping everything, the last started first …")
        work.cancel()

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, stop, number.name)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
