"""The product's clock on a chosen day, moved as development moves it: dates in tests stay what they were meant as."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta

from shared import clock
from tests.agreements_api.agreements.world import World

# The day on which the tests that name dates happen.
TODAY = date(2026, 11, 24)
MORNING = timedelta(hours=9)


@asynccontextmanager
async def on_day(world: World, day: date) -> AsyncIterator[None]:
    """It is the morning of that day in Vietnam; afterwards the day that it was before."""
    before = clock.offset()
    await _move(world, clock.start_of(day) + MORNING - clock.wall_now())
    try:
        yield
    finally:
        await _move(world, before)


async def _move(world: World, offset: timedelta) -> None:
    await world.rows("update product_clock set offset_interval = $1", offset)
    clock.set_offset(offset)
