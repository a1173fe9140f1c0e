"""Passwords: argon2id in threads, a few at a time, and how often a name may be tried."""

import asyncio
import contextlib
import secrets
from collections import OrderedDict
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from shared import clock
from shared.problems import TooManyRequests

WINDOW = timedelta(minutes=15)
# A name that is tried from many addresses may fail this many times as often as from one.
ADDRESSES = 10
REMEMBERED = 20_000


class Passwords:
    """Hashes and checks passwords. Each takes a core and 64 MiB for a tenth of a second, so few run at once."""

    def __init__(self, *, at_once: int, waiting: int) -> None:
        # argon2id with the parameters of RFC 9106 for machines with little memory.
        self._hasher = PasswordHasher()
        self._slots = asyncio.Semaphore(at_once)
        self._room = at_once + waiting
        self._inside = 0
        self._nobody = self._hasher.hash(secrets.token_hex())

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for one's turn before a connection of the database is taken, so that waiting holds none."""
        if self._inside >= self._room:
            raise TooManyRequests(headers={"Retry-After": "2"})
        self._inside += 1
        try:
            async with self._slots:
                yield
        finally:
            self._inside -= 1

    @contextlib.asynccontextmanager
    async def turn_for(self, password: str | None) -> AsyncIterator[None]:
        """A turn where there is a password to hash, and no waiting where there is none."""
        if password is None:
            yield
            return
        async with self.turn():
            yield

    async def hash(self, password: str) -> str:
        """To be called within a turn."""
        return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """To be called within a turn. Without an account it takes as long, and is never true."""
        matches = await asyncio.to_thread(self._matches, password_hash or self._nobody, password)
        return matches and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it was made with parameters that are no longer used."""
        return self._hasher.check_needs_rehash(password_hash)

    def _matches(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (Argon2Error, InvalidHashError):
            return False


class Attempts:
    """Counts wrong passwords of a name, known or not, in this process.

    From one address a name fails a few times; from all together more often, so that nobody who guesses can easily
    keep the owner out. The gateway limits what an address sends at all.
    """

    def __init__(self, failures: int) -> None:
        self._limits = {"address": failures, "name": failures * ADDRESSES}
        self._failed: OrderedDict[tuple[str, ...], tuple[datetime, int]] = OrderedDict()

    def check(self, name: str, address: str) -> None:
        """Raises 429 where the name failed too often of late."""
        now = clock.wall_now()
        for key, limit in self._keys(name, address):
            since, count = self._failed.get(key, (now, 0))
            if now - since < WINDOW and count >= limit:
                wait = (since + WINDOW - now).total_seconds()
                raise TooManyRequests(headers={"Retry-After": str(int(wait) + 1)})

    def failed(self, name: str, address: str) -> None:
        now = clock.wall_now()
        for key, _ in self._keys(name, address):
            since, count = self._failed.pop(key, (now, 0))
            self._failed[key] = (since, count + 1) if now - since < WINDOW else (now, 1)
        while len(self._failed) > REMEMBERED:
            self._failed.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        self._failed.pop(("address", name, address), None)

    def _keys(self, name: str, address: str) -> list[tuple[tuple[str, ...], int]]:
        return [
            (("address", name, address), self._limits["address"]),
            (("name", name), self._limits["name"]),
        ]
