"""Roles are forked from a process that imported their service once; each is a process of its own all the same."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from lienvung.nursery import Fork, Forked, Nursery, NurseryError
from lienvung.processes import Ledger
from lienvung.supervisor import until


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger")


@pytest.fixture
def nursery(tmp_path: Path, ledger: Ledger) -> Iterator[Nursery]:
    nursery = Nursery(
        "tests.stack.typer_app", log=tmp_path / "nursery.log", ledger=ledger, environment=dict(os.environ)
    )
    yield nursery
    nursery.stop()
    ledger.stop_all()


def start(nursery: Nursery, log: Path, *commands: tuple[str, ...]) -> Forked:
    return nursery.fork("role", Fork(nursery, commands, {**os.environ, "ROLE": log.stem}), log=log)


def test_each_fork_is_itself_and_none_imports_again(nursery: Nursery, tmp_path: Path) -> None:
    logs = [tmp_path / "one.log", tmp_path / "two.log"]
    forks = [start(nursery, log, ("who",)) for log in logs]
    assert [fork.wait() for fork in forks] == [0, 0]
    words = [log.read_text().split() for log in logs]
    assert {said[0] for said in words} == {str(nursery.pid)}
    assert [said[1] for said in words] == [str(fork.pid) for fork in forks]
    assert [said[2] for said in words] == ["one", "two"]
    assert words[0][-1] != words[1][-1], "two processes made the same identifier"


def test_commands_run_in_order_until_one_fails(nursery: Nursery, tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert start(nursery, log, ("who",), ("fail", "3"), ("who",)).wait() == 3
    assert len(log.read_text().splitlines()) == 1


def test_an_error_ends_the_fork_and_is_in_its_log(nursery: Nursery, tmp_path: Path) -> None:
    assert start(nursery, tmp_path / "log", ("crash",)).wait() == 1
    assert "no such key" in (tmp_path / "log").read_text()
    assert start(nursery, tmp_path / "log", ("who",)).wait() == 0


async def test_a_killed_fork_says_what_killed_it(nursery: Nursery, tmp_path: Path) -> None:
    fork = start(nursery, tmp_path / "log", ("stay",))
    await until(lambda: "here I am" in (tmp_path / "log").read_text(), 10)
    assert fork.poll() is None
    os.kill(fork.pid, signal.SIGKILL)
    assert fork.wait() == -signal.SIGKILL


async def test_what_was_forked_outlives_a_killed_nursery_and_another_takes_its_place(
    nursery: Nursery, ledger: Ledger, tmp_path: Path
) -> None:
    fork = start(nursery, tmp_path / "log", ("stay",))
    killed = nursery.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    await until(lambda: nursery.pid is None, 10)
    assert fork.poll() is None
    assert start(nursery, tmp_path / "other.log", ("who",)).wait() == 0
    assert nursery.pid not in (None, killed)
    ledger.stop_all()
    assert fork.wait() != 0


def test_a_module_that_cannot_be_imported_is_named(ledger: Ledger, tmp_path: Path) -> None:
    nursery = Nursery("tests.stack.nothing", log=tmp_path / "log", ledger=ledger, environment=dict(os.environ))
    with pytest.raises(NurseryError, match=r"tests\.stack\.nothing"):
        start(nursery, tmp_path / "role.log", ("who",))
    nursery.stop()
