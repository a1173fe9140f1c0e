"""The supervisor keeps parts running, says what they died of, and stops them in reverse order."""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from lienvung.processes import Launch, Ledger
from lienvung.supervisor import Part, PartFailed, State, Supervisor, logged, until

RUNS = "print('here I am', flush=True); import time; time.sleep(300)"


class Heard:
    """Everything that the supervisor said."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, part: Part, what: str) -> None:
        self.lines.append((part.name, what))

    def of(self, start: str) -> list[str]:
        return [name for name, what in self.lines if what.startswith(start)]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest_asyncio.fixture
async def supervisor(tmp_path: Path, heard: Heard) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(ledger=Ledger(tmp_path / "ledger"), logs=tmp_path / "logs", observe=heard)
    yield supervisor
    await supervisor.stop_all()


def part(name: str, program: str = RUNS, *, vital: bool = False) -> Part:
    launch = Launch((sys.executable, "-c", program))
    return Part(name, "", lambda: launch, logged("here I am", seconds=10), vital=vital)


async def test_a_killed_part_comes_back_as_another_process(supervisor: Supervisor, heard: Heard) -> None:
    await supervisor.start(part("one"))
    killed = supervisor.kill("one")
    await until(lambda: "one" in heard.of("was killed"), 10)
    await supervisor.wait_ready("one", 10)
    assert supervisor.processes["one"] != killed
    assert supervisor.parts["one"].restarts == 1


async def test_a_part_that_dies_is_shown_with_its_last_lines_and_started_again(
    supervisor: Supervisor, heard: Heard
) -> None:
    await supervisor.start(part("weak", "print('here I am', flush=True); import time; time.sleep(.2); 1 / 0"))
    await until(lambda: len(heard.of("ready")) == 2, 20)
    ((_, words),) = [line for line in heard.lines if line[1].startswith("died")][:1]
    assert "exit code 1" in words
    assert "ZeroDivisionError" in words


async def test_a_part_that_never_gets_ready_fails_with_its_last_lines(supervisor: Supervisor) -> None:
    with pytest.raises(PartFailed, match=r"exit code 3 before it was ready:\n +no key"):
        await supervisor.start(part("broken", "print('no key'); raise SystemExit(3)"))
    assert supervisor.processes == {}


async def test_all_are_stopped_in_reverse_order(supervisor: Supervisor, heard: Heard) -> None:
    for name in ("first", "second", "third"):
        await supervisor.start(part(name))
    await supervisor.stop_all()
    assert heard.of("stopped") == ["third", "second", "first"]
    assert supervisor.processes == {}


async def test_a_part_that_was_stopped_stays_stopped_until_it_is_started(supervisor: Supervisor) -> None:
    await supervisor.start(part("one"))
    await supervisor.stop("one")
    await asyncio.sleep(0.5)
    assert supervisor.processes == {}
    await supervisor.start(supervisor.parts["one"])
    assert supervisor.parts["one"].state is State.READY


async def test_the_death_of_a_vital_part_is_final(supervisor: Supervisor) -> None:
    await supervisor.start(part("vital", vital=True))
    supervisor.kill("vital")
    assert "vital" in await asyncio.wait_for(supervisor.broken, 10)
