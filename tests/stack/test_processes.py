"""Processes are stopped if they are ours, in order, whatever became of their starter."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lienvung.processes import Launch, Ledger, spawn, start_guard, start_of

SLEEPER = (sys.executable, "-c", "import time; time.sleep(300)")
STUBBORN = (
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(300)",
)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger")
    yield ledger
    ledger.stop_all()


def test_everything_in_the_ledger_is_stopped(ledger: Ledger, tmp_path: Path) -> None:
    processes = [spawn(f"sleeper-{n}", Launch(SLEEPER), log=tmp_path / "log", ledger=ledger) for n in range(3)]
    assert list(ledger.running()) == ["sleeper-0", "sleeper-1", "sleeper-2"]
    ledger.stop_all()
    assert [process.wait(5) for process in processes] == [-signal.SIGTERM] * 3
    assert ledger.running() == {}


def test_a_stranger_with_the_same_number_is_left_alone(ledger: Ledger, tmp_path: Path) -> None:
    stranger = subprocess.Popen(SLEEPER)
    try:
        ledger.enter("old", stranger.pid, Launch(SLEEPER))
        (entry,) = ledger.folder.glob("[0-9]*-old")
        entry.write_text(json.dumps(json.loads(entry.read_text()) | {"started": start_of(stranger.pid) - 100}))
        ledger.stop_all()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_what_does_not_listen_is_killed_after_its_grace(ledger: Ledger, tmp_path: Path) -> None:
    process = spawn("deaf", Launch(STUBBORN, grace=0.3), log=tmp_path / "log", ledger=ledger)
    while "deaf" not in (tmp_path / "log").read_text():
        time.sleep(0.02)
    ledger.stop_all()
    assert process.wait(5) == -signal.SIGKILL


def test_the_guard_stops_everything_once_the_watched_process_was_killed(ledger: Ledger, tmp_path: Path) -> None:
    watched = subprocess.Popen(SLEEPER)
    orphan = spawn("orphan", Launch(SLEEPER), log=tmp_path / "log", ledger=ledger)
    guard = start_guard(watched.pid, ledger)
    os.kill(watched.pid, signal.SIGKILL)
    watched.wait()
    assert orphan.wait(10) == -signal.SIGTERM
    assert guard.wait(10) == 0
