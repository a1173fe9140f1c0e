"""Moving the product's clock in development, so that nobody waits three days to see an alert."""

import asyncio
import re
from collections.abc import Iterable
from datetime import timedelta

import asyncpg

_UNITS = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes", "s": "seconds"}
_DURATION = re.compile(r"(?:(\d{1,5})([wdhms]))+")


class ClockRefused(RuntimeError):
    """The clock may not be moved here, or not by this much."""


def parse_duration(text: str) -> timedelta:
    """`3d`, `1d12h`, `90m` and so on."""
    if not _DURATION.fullmatch(text):
        raise ClockRefused(f"`{text}` is no duration: write 3d, 12h, 1d12h or 90m")
    total = timedelta()
    for amount, unit in re.findall(r"(\d+)([wdhms])", text):
        total += timedelta(**{_UNITS[unit]: int(amount)})
    return total


def refuse_in_production(environment: str) -> None:
    if environment == "production":
        raise ClockRefused("the product's clock does not move when LIENVUNG_ENVIRONMENT=production")


async def read(owner_urls: Iterable[str]) -> list[timedelta]:
    """How far the clock of each database is ahead."""
    return list(await asyncio.gather(*(_read(url) for url in owner_urls)))


async def jump(owner_urls: Iterable[str], by: timedelta) -> timedelta:
    """Move the clock of every database ahead, all to the same time; gives how far it is ahead now."""
    urls = list(owner_urls)
    offset = max(await read(urls)) + by
    await _write(urls, offset)
    return offset


async def reset(owner_urls: Iterable[str]) -> None:
    await _write(list(owner_urls), timedelta())


async def _write(urls: list[str], offset: timedelta) -> None:
    await asyncio.gather(*(_set(url, offset) for url in urls))


async def _read(url: str) -> timedelta:
    connection = await asyncpg.connect(url)
    try:
        offset: timedelta = await connection.fetchval("select offset_interval from product_clock where id = 1")
    finally:
        await connection.close()
    return offset


async def _set(url: str, offset: timedelta) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("update product_clock set offset_interval = $1 where id = 1", offset)
    finally:
        await connection.close()
