"""A role goes on whatever happens inside of it, and ends when it is told to."""

import asyncio

import asyncpg
import pytest

from shared import roles
from shared.roles import poll, supervise


async def _until_stopped(stop: asyncio.Event) -> None:
    await stop.wait()


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roles, "FIRST_BACKOFF", 0.01)
    monkeypatch.setattr(roles, "AWAY_PAUSE", 0.01)


@pytest.mark.parametrize("failure", [RuntimeError, asyncio.CancelledError])
async def test_a_role_that_died_by_itself_starts_again(failure: type[BaseException]) -> None:
    """A client that gives up its connection cancels what waits for it: to the role that is a failure as any other."""
    stop = asyncio.Event()
    starts: list[int] = []

    async def role(stop: asyncio.Event) -> None:
        starts.append(1)
        if len(starts) == 3:
            stop.set()
        raise failure

    await asyncio.wait_for(supervise("role", role, stop), 5)
    assert len(starts) == 3


async def test_a_role_that_is_cancelled_from_outside_ends() -> None:
    supervised = asyncio.create_task(supervise("role", _until_stopped, asyncio.Event()))
    await asyncio.sleep(0)
    supervised.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(supervised, 5)


async def test_a_role_that_is_told_to_stop_is_not_started_again() -> None:
    stop = asyncio.Event()
    supervised = asyncio.create_task(supervise("role", _until_stopped, stop))
    await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(supervised, 5)


async def test_work_goes_on_at_once_while_there_is_more_and_then_pauses() -> None:
    stop, asked_all = asyncio.Event(), asyncio.Event()
    left = [True, True, False]

    async def work() -> bool:
        more = left.pop(0)
        if not left:
            asked_all.set()
        return more

    polling = asyncio.create_task(poll(stop, work, role="role", idle_seconds=60))
    await asyncio.wait_for(asked_all.wait(), 5)
    # Whoever asked the empty list again would fail.
    await asyncio.sleep(0.05)
    stop.set()
    await asyncio.wait_for(polling, 5)


async def test_work_waits_for_a_database_that_is_away() -> None:
    stop = asyncio.Event()
    tries: list[int] = []

    async def work() -> bool:
        tries.append(1)
        if len(tries) < 3:
            raise asyncpg.ConnectionDoesNotExistError
        stop.set()
        return False

    await asyncio.wait_for(poll(stop, work, role="role", idle_seconds=60), 5)
    assert len(tries) == 3


async def test_any_other_failure_of_work_ends_the_role() -> None:
    async def work() -> bool:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await poll(asyncio.Event(), work, role="role", idle_seconds=60)
