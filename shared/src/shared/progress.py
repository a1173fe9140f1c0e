"""Following long work as it goes on, for the streams that tell of it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from shared.roles import wait_or_stop

T = TypeVar("T")


async def followed(
    state: T,
    read: Callable[[], Awaitable[T]],
    *,
    ended: Callable[[T], bool],
    every: float,
    stopping: asyncio.Event,
) -> AsyncIterator[T]:
    """The state now and each that differs from the one before, until the work has ended or the server stops."""
    yield state
    while not ended(state) and not await wait_or_stop(stopping, every):
        found = await read()
        if found != state:
            state = found
            yield state
