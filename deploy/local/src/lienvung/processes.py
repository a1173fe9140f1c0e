"""Child processes: started in a session of their own, entered in a ledger, and only ever stopped if they are ours."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil

GRACE_SECONDS = 15.0
# A process's start is read from the system in ticks and may be rounded; no pid is used again this fast.
SAME_START_SECONDS = 1.0
WATCH_SECONDS = 0.2


@dataclass(frozen=True)
class Launch:
    """How a program is started and stopped."""

    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: int = signal.SIGTERM
    user: int | None = None
    group: int | None = None
    grace: float = GRACE_SECONDS


class Stoppable(Protocol):
    """How something that was started is stopped."""

    @property
    def stop_signal(self) -> int: ...
    @property
    def grace(self) -> float: ...


class Child(Protocol):
    """A process that was started: what a Popen and a fork have in common."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self) -> int: ...


class Ledger:
    """Who runs for this folder: one file a process, so that another process can stop what its starter left behind."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def enter(self, name: str, pid: int, launch: Stoppable) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        entry = {"pid": pid, "started": start_of(pid), "signal": int(launch.stop_signal), "grace": launch.grace}
        path = self.folder / f"{time.monotonic_ns():020d}-{name}"
        draft = path.with_name(f".{path.name}")
        draft.write_text(json.dumps(entry))
        draft.rename(path)

    def strike(self, pid: int) -> None:
        for path, entry in self._entries():
            if entry["pid"] == pid:
                path.unlink(missing_ok=True)

    def running(self) -> dict[str, psutil.Process]:
        """Name → process, oldest first, of those that are alive and really ours."""
        found = {}
        for path, entry in self._entries():
            process = same_process(entry["pid"], entry["started"])
            if process is not None:
                found[path.name.partition("-")[2]] = process
        return found

    def stop_all(self) -> None:
        """Stop everything, the youngest first, each with its own signal and then without mercy."""
        for path, entry in reversed(self._entries()):
            process = same_process(entry["pid"], entry["started"])
            if process is not None:
                stop_process(process, entry["signal"], entry["grace"])
            path.unlink(missing_ok=True)

    def _entries(self) -> list[tuple[Path, dict[str, float]]]:
        entries = []
        for path in sorted(self.folder.glob("[0-9]*-*")):
            try:
                entries.append((path, json.loads(path.read_text())))
            except FileNotFoundError:  # struck out meanwhile
                continue
        return entries


def spawn(name: str, launch: Launch, *, log: Path, ledger: Ledger, pipes: bool = False) -> "subprocess.Popen[bytes]":
    """Start a program whose output goes to a log file; with pipes, its standard input and output are the caller's."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            launch.command,
            stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
            stdout=subprocess.PIPE if pipes else output,
            stderr=output,
            env=dict(launch.environment),
            start_new_session=True,
            user=launch.user,
            group=launch.group,
            extra_groups=[] if launch.user is not None else None,
        )
    ledger.enter(name, process.pid, launch)
    return process


def start_of(pid: int) -> float:
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return 0.0


def same_process(pid: float, started: float) -> psutil.Process | None:
    """The process, if it is still the one that was started then and not a stranger with its number."""
    try:
        process = psutil.Process(int(pid))
        if abs(process.create_time() - started) > SAME_START_SECONDS or process.status() == psutil.STATUS_ZOMBIE:
            return None
    except psutil.NoSuchProcess:
        return None
    return process


def stop_process(process: psutil.Process, stop_signal: float, grace: float) -> None:
    children = _children(process)
    try:
        process.send_signal(int(stop_signal))
        _wait(process, grace)
    except psutil.NoSuchProcess:
        pass
    except psutil.TimeoutExpired:
        process.kill()
        _wait(process, GRACE_SECONDS)
    for child in children:
        if child.is_running():
            child.kill()


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _wait(process: psutil.Process, seconds: float) -> None:
    """Wait until it is gone, or is only waiting for its own parent to notice."""
    until = time.monotonic() + seconds
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > until:
            raise psutil.TimeoutExpired(seconds, process.pid)
        time.sleep(0.02)


def start_guard(watched: int, ledger: Ledger) -> "subprocess.Popen[bytes]":
    """A small process that stops everything in the ledger once the watched process is gone, however it died."""
    return subprocess.Popen(
        [sys.executable, "-m", "lienvung.processes", str(watched), str(start_of(watched)), str(ledger.folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env=dict(os.environ),
    )


def _guard(watched: int, started: float, ledger: Ledger) -> None:
    while same_process(watched, started) is not None:
        time.sleep(WATCH_SECONDS)
    ledger.stop_all()


if __name__ == "__main__":
    _guard(int(sys.argv[1]), float(sys.argv[2]), Ledger(Path(sys.argv[3])))
