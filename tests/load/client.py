"""A cheap HTTP/1.1 client with keep-alive, run as a process of its own: it must cost less than what it measures."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast

from tests.load.processes import run_apart


@dataclass(frozen=True)
class Load:
    """What to send: each connection works through its own requests, again from the first where `repeat` says so."""

    address: str
    requests: Sequence[Sequence[bytes]]
    seconds: float
    warm_up: float
    expected_status: int = 200
    repeat: bool = True


@dataclass(frozen=True)
class Measured:
    """What came back within the seconds that count."""

    requests: int
    seconds: float
    failures: dict[int, int] = field(default_factory=dict)
    latencies: Sequence[float] = ()
    exhausted: bool = False

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


class LoadFailed(RuntimeError):
    """What was measured is not what was meant: answers of another status, or too few requests."""


def request(method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    """One request's bytes."""
    given = {"Host": "lienvung.test", **(headers or {})}
    if body:
        given |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def run_load(load: Load, *, core: int | None = None) -> Measured:
    """Run a load in its own process; raises LoadFailed where an answer had another status."""
    measured: Measured = await run_apart(_work, load, core=core)
    if measured.failures:
        raise LoadFailed(f"{load.address}: answers with status {measured.failures}, {measured.requests} as expected")
    if measured.exhausted:
        raise LoadFailed(f"{load.address}: the requests were used up before the time was over")
    return measured


class _Connection(asyncio.Protocol):
    """One request at a time; the next one leaves as soon as the answer is whole."""

    def __init__(self, run: "_Run", requests: Sequence[bytes]) -> None:
        self._run = run
        self._requests = requests
        self._next = 0
        self._sent_at = 0.0
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        end = data.find(b"\r\n\r\n")
        if end < 0 or len(data) < end + 4 + _content_length(data, end):
            self._buffer = data
            return
        self._buffer = b""
        now = perf_counter()
        self._run.answered(int(data[9:12]), self._sent_at, now)
        self._send()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._run.under_way:
            self._run.answered(0, self._sent_at, perf_counter())

    def _send(self) -> None:
        if self._run.over or self._transport is None:
            return
        if self._next == len(self._requests):
            self._run.exhausted = self._run.exhausted or not self._run.repeat
            if not self._run.repeat:
                return
            self._next = 0
        self._sent_at = perf_counter()
        self._run.under_way += 1
        self._transport.write(self._requests[self._next])
        self._next += 1


class _Run:
    def __init__(self, load: Load) -> None:
        self.repeat = load.repeat
        self.over = False
        self.exhausted = False
        self.under_way = 0
        self._idle = asyncio.Event()
        self.latencies: list[float] = []
        self.failures: dict[int, int] = {}
        self._expected = load.expected_status
        self._from = perf_counter() + load.warm_up

    async def answered_all(self) -> None:
        if self.under_way:
            await self._idle.wait()

    def answered(self, status: int, sent_at: float, now: float) -> None:
        self.under_way -= 1
        if self.over and not self.under_way:
            self._idle.set()
        if status != self._expected:
            self.failures[status] = self.failures.get(status, 0) + 1
        elif now >= self._from and not self.over:
            self.latencies.append(now - sent_at)


def _content_length(data: bytes, end: int) -> int:
    head = data[:end].lower()
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        raise LoadFailed(f"an answer without its length: {data[:200]!r}")
    stop = head.find(b"\r\n", at + 2)
    return int(head[at + 17 : stop if stop >= 0 else end])


async def _work(load: Load) -> Measured:
    run = _Run(load)
    loop = asyncio.get_running_loop()
    transports = []
    for requests in load.requests:

        def connection(mine: Sequence[bytes] = requests) -> _Connection:
            return _Connection(run, mine)

        if load.address.startswith("unix:"):
            transport, _ = await loop.create_unix_connection(connection, load.address.removeprefix("unix:"))
        else:
            host, _, port = load.address.rpartition(":")
            transport, _ = await loop.create_connection(connection, host, int(port))
        transports.append(transport)
    await asyncio.sleep(load.warm_up + load.seconds)
    run.over = True
    # What is under way still changes versions: the next round must not read them before it is done.
    await run.answered_all()
    for transport in transports:
        transport.close()
    return Measured(len(run.latencies), load.seconds, run.failures, run.latencies, run.exhausted)
