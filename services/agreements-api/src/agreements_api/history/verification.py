"""Proving the chain of history: every link recomputed, a batch of records at a time, against the records themselves."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from agreements_api.history import repository
from shared.auth import SYSTEM
from shared.db import Database

# The next rows of a kind, by `batch(connection, after=, limit=)`.
Batch = Callable[..., Awaitable[list[asyncpg.Record]]]
# Records whose whole history is in memory at once.
BATCH = 200
HEADS = 5_000


class Test(StrEnum):
    """What a link can fail."""

    __test__ = False

    GAP = "gap"
    PREVIOUS = "previous"
    DIGEST = "digest"
    TAIL = "tail"
    STATE = "state"
    RECORD = "record"


TEST_WORDING: dict[Test, tuple[str, str]] = {
    Test.GAP: ("thiếu phiên bản", "a version is missing before it"),
    Test.PREVIOUS: ("không nối với mục trước", "it does not follow the entry before it"),
    Test.DIGEST: ("nội dung không khớp mã băm", "it is not what its digest says"),
    Test.TAIL: ("mục cuối không phải phiên bản của bản ghi", "the record is at another version than its last entry"),
    Test.STATE: ("bản ghi khác với mục cuối", "the record is not what its last entry says"),
    Test.RECORD: ("không còn bản ghi", "the record is gone"),
}


@dataclass(frozen=True)
class Break:
    """A link that does not hold."""

    subject_kind: str
    subject_id: UUID
    version: int
    occurred_at: datetime | None
    test: Test
    expected: str | None = None
    found: str | None = None


@dataclass
class Proof:
    """What was gone through, and what of it does not hold."""

    # What counts the entries of a record, from 1 on.
    place: str = "version"
    records: int = 0
    entries: int = 0
    breaks: list[Break] = field(default_factory=list)
    # More than these are counted and not named.
    broken: int = 0
    # The oldest: what comes after it may follow from it.
    first_break: Break | None = None
    _head: Any = field(default_factory=hashlib.sha256)

    @property
    def head(self) -> str:
        """SHA-256 over the last link of every record: one line that stands for the whole of history."""
        return str(self._head.hexdigest())

    def add(self, kind: str, subject_id: UUID, rows: Sequence[asyncpg.Record]) -> None:
        """One record with its entries in their order."""
        entries = [row for row in rows if row["version"] is not None]
        self.records += 1
        self.entries += len(entries)
        if entries:
            self.add_head(subject_id, entries[-1][self.place], entries[-1]["digest"])
        for found in check(kind, subject_id, rows[0]["record_version"], entries, place=self.place):
            self.note(found)

    def add_head(self, subject_id: UUID, place: int, digest: bytes) -> None:
        self._head.update(subject_id.bytes + place.to_bytes(4, "big") + digest)

    def note(self, found: Break) -> None:
        """Breaks of one record are noted along its chain: the first of them is where to look."""
        if self.first_break is None or (
            found.subject_id != self.first_break.subject_id and _time_of(found) < _time_of(self.first_break)
        ):
            self.first_break = found
        self.broken += 1
        if len(self.breaks) < _MOST_NAMED:
            self.breaks.append(found)


_LATEST = datetime.max.replace(tzinfo=UTC)
_MOST_NAMED = 100


def _time_of(found: Break) -> datetime:
    return found.occurred_at or _LATEST


async def verify(database: Database, agreement_id: UUID | None = None) -> Proof:
    """Prove all of history, or that of one agreement and its tasks.

    Reads as the product itself: what is proved of an agreement does not depend on who asks.
    """
    proof = Proof()
    for kind in repository.KINDS:
        batch = partial(repository.links_of, kind=kind, agreement_id=agreement_id)
        async for subject_id, rows in in_batches(database, batch):
            proof.add(kind, subject_id, rows)
    async with database.read(SYSTEM) as connection:
        for row in await repository.orphans(connection, agreement_id):
            proof.note(Break(row["subject_kind"], row["subject_id"], row["version"], row["occurred_at"], Test.RECORD))
    return proof


async def head_at(database: Database, at: datetime) -> Proof:
    """The head of all that was told until an instant, without proving it. It is the same whenever it is asked for."""
    proof = Proof()
    for kind in repository.KINDS:
        await add_heads(proof, database, partial(repository.heads_of, kind=kind, at=at))
    return proof


async def add_heads(proof: Proof, database: Database, batch: Batch) -> None:
    """The last entry of every record that `batch` finds, in the order of keys."""
    after: UUID | None = None
    while True:
        async with database.read(SYSTEM) as connection:
            rows = await batch(connection, after=after, limit=HEADS)
        for row in rows:
            if row[proof.place] is not None:
                proof.records += 1
                proof.entries += row[proof.place]
                proof.add_head(row["id"], row[proof.place], row["digest"])
        if len(rows) < HEADS:
            return
        after = rows[-1]["id"]


def check(
    kind: str, subject_id: UUID, record_version: int, entries: Sequence[Any], *, place: str = "version"
) -> list[Break]:
    """The links of one record that do not hold, the first of them first; every test that a link fails is one break.

    `place` names what counts the entries, from 1 on.
    """
    found: list[Break] = []
    version, at, digest, when = 0, 0, None, None

    def broken(test: Test, expected: Any, given: Any) -> None:
        found.append(Break(kind, subject_id, version, when, test, _told(expected), _told(given)))

    for entry in entries:
        expected, at, version, when = at + 1, entry[place], entry["version"], entry["occurred_at"]
        if at != expected:
            broken(Test.GAP, expected, at)
        if entry["previous_digest"] != digest:
            broken(Test.PREVIOUS, digest, entry["previous_digest"])
        if entry["recomputed"] != entry["digest"]:
            broken(Test.DIGEST, entry["digest"], entry["recomputed"])
        digest = entry["digest"]
    if version != record_version:
        broken(Test.TAIL, record_version, version)
    elif entries and entries[-1]["present"] is not None:
        told, present = orjson.loads(entries[-1]["told"]), orjson.loads(entries[-1]["present"])
        path = contradiction(told, present)
        if path is not None:
            broken(Test.STATE, f"{path}: {_at(told, path)}", f"{path}: {_at(present, path)}")
    return found


def contradiction(told: Any, present: Any, path: str = "") -> str | None:
    """Where a record is not what history says of it. What the record has got only since then contradicts nothing."""
    if isinstance(told, dict) and isinstance(present, dict):
        places = ((f"{path}/{name}", told[name], present.get(name, _ABSENT)) for name in told)
    elif isinstance(told, list) and isinstance(present, list) and len(told) == len(present):
        places = ((f"{path}/{at}", told[at], present[at]) for at in range(len(told)))
    else:
        return None if told == present else path
    found = (contradiction(one, other, place) for place, one, other in places)
    return next((place for place in found if place is not None), None)


_ABSENT = object()


def _at(state: Any, path: str) -> Any:
    for name in path.split("/")[1:]:
        state = state[int(name)] if isinstance(state, list) else state.get(name)
    return orjson.dumps(state).decode()


def _told(value: Any) -> str | None:
    return value.hex() if isinstance(value, bytes) else None if value is None else str(value)


async def in_batches(database: Database, batch: Batch) -> AsyncIterator[tuple[UUID, list[asyncpg.Record]]]:
    """Every record that `batch` finds, with its entries, in the order of keys."""
    after: UUID | None = None
    while True:
        async with database.read(SYSTEM) as connection:
            rows = await batch(connection, after=after, limit=BATCH)
        read = 0
        for subject_id, group in groupby(rows, key=itemgetter("subject_id")):
            read += 1
            yield subject_id, list(group)
        if read < BATCH:
            return
        after = rows[-1]["subject_id"]
