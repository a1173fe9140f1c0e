"""Keeps processes running: starts them in order, shows what died and of what, starts it again, stops all in reverse."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import psutil

from lienvung.nursery import Fork, NurseryError
from lienvung.processes import Child, Launch, Ledger, spawn, stop_process

FIRST_BACKOFF = 0.2
LONGEST_BACKOFF = 15.0
STEADY_AFTER = 30.0
POLL_SECONDS = 0.05
LAST_LINES = 15
LAST_BYTES = 16_384


class State(StrEnum):
    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    DIED = "died"
    STOPPED = "stopped"


class PartFailed(RuntimeError):
    """A part did not become ready; the message ends with its last log lines."""


@dataclass
class Part:
    """One program of the stack, and how to see that it is ready."""

    name: str
    address: str
    launch: Callable[[], Launch | Fork]
    ready: Callable[["Part"], Awaitable[None]]
    # Where a restart cannot help, because others remember what was lost with the process.
    vital: bool = False
    state: State = State.WAITING
    process: Child | None = None
    launched: Launch | Fork | None = None
    restarts: int = 0
    log: Path = field(default_factory=Path)
    log_start: int = 0
    deliberate: bool = False
    keeper: "asyncio.Task[None] | None" = None

    @property
    def pid(self) -> int | None:
        return self.process.pid if self.process is not None and self.process.poll() is None else None

    @property
    def alive(self) -> bool:
        return self.pid is not None

    def output(self) -> str:
        """What it wrote since it was last started."""
        try:
            with self.log.open("rb") as file:
                file.seek(max(self.log_start, self.log.stat().st_size - LAST_BYTES))
                return file.read().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def last_lines(self) -> str:
        lines = self.output().strip().splitlines()[-LAST_LINES:]
        return "\n".join(f"    {line}" for line in lines) or "    (nothing in its log)"


# What happened to a part, in words, for whoever watches.
Observe = Callable[[Part, str], None]


class Supervisor:
    """Runs parts in the order in which they are started."""

    def __init__(self, *, ledger: Ledger, logs: Path, observe: Observe) -> None:
        self.parts: dict[str, Part] = {}
        # Set with the reason when a part that nothing can stand in for has died.
        self.broken: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._ledger = ledger
        self._logs = logs
        self._observe = observe
        self._groups: list[list[str]] = []

    @property
    def processes(self) -> dict[str, int]:
        return {name: part.pid for name, part in self.parts.items() if part.pid is not None}

    async def start(self, *parts: Part) -> None:
        """Start parts that do not need each other and return once all are ready; from then on they are kept running."""
        if not any(part.name in group for part in parts for group in self._groups):
            self._groups.append([part.name for part in parts])
        await together(*(self._start(part) for part in parts))

    async def stop(self, name: str) -> None:
        """Stop one part for good, in its own way."""
        part = self.parts[name]
        if part.keeper is not None:
            part.keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await part.keeper
        await self._end(part)
        part.state = State.STOPPED
        self._observe(part, "stopped")

    async def restart(self, name: str) -> None:
        """Stop one part in its own way and start it again, as an upgrade would."""
        await self.stop(name)
        await self.start(self.parts[name])

    def kill(self, name: str, number: int = signal.SIGKILL) -> int:
        """Kill one part without warning; it is started again at once. Gives the pid that died."""
        part = self.parts[name]
        pid = part.pid
        if pid is None:
            return 0
        part.deliberate = True
        os.kill(pid, number)
        return pid

    async def wait_ready(self, name: str, seconds: float = 60.0) -> None:
        """Return once a part that was killed is back."""
        part = self.parts[name]
        await until(lambda: part.state is State.READY and part.alive, seconds)

    async def stop_all(self) -> None:
        """Stop everything, the last started first, and together what was started together."""
        for group in reversed(self._groups):
            await asyncio.gather(
                *(
                    self.stop(name)
                    for name in group
                    if name in self.parts and self.parts[name].state is not State.STOPPED
                )
            )

    async def _start(self, part: Part) -> None:
        part.log = self._logs / f"{part.name}.log"
        part.log.parent.mkdir(parents=True, exist_ok=True)
        self.parts[part.name] = part
        await self._launch(part)
        part.keeper = asyncio.create_task(self._keep(part), name=f"keeper-{part.name}")

    async def _launch(self, part: Part) -> None:
        part.state = State.STARTING
        self._observe(part, "starting")
        part.log_start = part.log.stat().st_size if part.log.exists() else 0
        part.launched = part.launch()
        part.process = None
        beginning = asyncio.ensure_future(self._begin(part, part.launched))
        try:
            part.process = await asyncio.shield(beginning)
            await self._until_ready(part)
        except BaseException:
            # Whether it failed or was called off: a part that is not ready is not left running.
            if part.process is None:
                with contextlib.suppress(PartFailed, OSError):
                    part.process = await beginning
            await self._end(part)
            raise
        part.state = State.READY
        self._observe(part, "ready")

    async def _begin(self, part: Part, launch: Launch | Fork) -> Child:
        if isinstance(launch, Fork):
            # Blocks while the nursery imports.
            try:
                return await asyncio.to_thread(launch.nursery.fork, part.name, launch, log=part.log)
            except NurseryError as error:
                raise PartFailed(f"{part.name} was not started: {error}") from error
        return spawn(part.name, launch, log=part.log, ledger=self._ledger)

    async def _until_ready(self, part: Part) -> None:
        ready = asyncio.ensure_future(part.ready(part))
        try:
            while not ready.done():
                if not part.alive:
                    raise PartFailed(
                        f"{part.name} ended with {_status(part)} before it was ready:\n{part.last_lines()}"
                    )
                await asyncio.wait([ready], timeout=POLL_SECONDS)
            try:
                await ready
            except (OSError, RuntimeError, TimeoutError) as error:
                raise PartFailed(f"{part.name} did not become ready: {error}\n{part.last_lines()}") from error
        finally:
            ready.cancel()

    async def _keep(self, part: Part) -> None:
        pause = FIRST_BACKOFF
        loop = asyncio.get_running_loop()
        since = loop.time()
        while True:
            await until(lambda: not part.alive)
            self._struck(part)
            deliberate, part.deliberate = part.deliberate, False
            part.state = State.DIED
            what = "was killed" if deliberate else f"died with {_status(part)}; its last lines:\n{part.last_lines()}"
            self._observe(part, what)
            if part.vital:
                if not self.broken.done():
                    self.broken.set_result(f"{part.name} {what}")
                return
            if loop.time() - since > STEADY_AFTER or deliberate:
                pause = FIRST_BACKOFF
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_BACKOFF)
            since = loop.time()
            part.restarts += 1
            try:
                await self._launch(part)
            except (PartFailed, OSError) as error:
                part.state = State.DIED
                self._observe(part, f"could not be started again: {error}")

    async def _end(self, part: Part) -> None:
        if part.process is None or part.launched is None:
            return
        if part.process.poll() is None:
            with contextlib.suppress(psutil.NoSuchProcess):
                process = psutil.Process(part.process.pid)
                await asyncio.to_thread(stop_process, process, part.launched.stop_signal, part.launched.grace)
            await asyncio.to_thread(part.process.wait)
        self._struck(part)

    def _struck(self, part: Part) -> None:
        if part.process is not None:
            self._ledger.strike(part.process.pid)


def _status(part: Part) -> str:
    code = part.process.poll() if part.process is not None else None
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"


async def together(*work: Coroutine[Any, Any, None]) -> None:
    """Do all of it at the same time; the first error calls off the rest and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            for each in work:
                group.create_task(each)
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None


async def until(condition: Callable[[], bool], seconds: float | None = None) -> None:
    """Return once it holds; raises TimeoutError when the time is over."""
    async with asyncio.timeout(seconds):
        # What is waited for happens outside of this process: there is no event to wait for.
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)


def logged(text: str, *, seconds: float = 60.0) -> Callable[[Part], Awaitable[None]]:
    """Ready once it has logged this."""

    async def ready(part: Part) -> None:
        await until(lambda: text in part.output(), seconds)

    return ready
