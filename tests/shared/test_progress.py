"""A stream of progress says each state once and ends with the work, or with the server."""

import asyncio
from collections.abc import AsyncIterator

from shared.progress import followed


def following(*states: str, stopping: asyncio.Event | None = None) -> AsyncIterator[str]:
    """These states, one at each look, and the last of them for ever."""
    first, *rest = states

    async def read() -> str:
        return rest.pop(0) if len(rest) > 1 else rest[0]

    return followed(first, read, ended=lambda state: state == "done", every=0.001, stopping=stopping or asyncio.Event())


async def test_each_state_is_told_once_until_the_work_has_ended() -> None:
    told = [state async for state in following("queued", "queued", "half", "half", "done")]
    assert told == ["queued", "half", "done"]


async def test_work_that_has_ended_is_told_and_not_looked_at_again() -> None:
    assert [state async for state in following("done", "queued")] == ["done"]


async def test_a_server_that_stops_ends_the_stream() -> None:
    stopping = asyncio.Event()
    told = []
    async with asyncio.timeout(5):
        async for state in following("queued", "queued", stopping=stopping):
            told.append(state)
            stopping.set()
    assert told == ["queued"]
