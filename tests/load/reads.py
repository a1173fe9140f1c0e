"""One task and a list of fifty through one worker, against raw ASGI and against bare asyncpg."""

import pickle
import sys
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar
from uuid import UUID

from lienvung.postgres import DatabaseAddress
from shared.auth import Actor
from tests.load.bare import Loop, Statement, run_loop
from tests.load.client import Load, request, run_load
from tests.load.dataset import PARTIES, Size
from tests.load.raw_app import RawSettings
from tests.load.rounds import Measure, alternate
from tests.load.stack import POOL_SIZE, Bench, Running, task_id
from tests.load.statements import PAGE, page_statement, read_statement
from tests.load.table import Row, rate_row

T = TypeVar("T")

ROUNDS = 5
SECONDS = 1.2
WARM_UP = 0.3
CONNECTIONS = POOL_SIZE
CALLERS = 48
LIST = f"/v1/tasks?limit={PAGE}"
RAW = "raw ASGI + asyncpg, one worker"
BARE = "bare asyncpg, no HTTP"

SET_UP = (
    "select set_config('lienvung.organization_id', $1, false), set_config('lienvung.roles', $2, false),"
    " set_config('lienvung.system', 'off', false)"
)


async def measure(bench: Bench, database: DatabaseAddress, size: Size) -> list[Row]:
    """The rows of both reads, each against raw ASGI and against bare asyncpg; and how callers in turn do."""
    actor = bench.actor()
    tasks = visible_tasks(size)
    async with raw(bench, database, actor) as raw_address, product(bench, database) as (address, _):
        ones = await alternate(
            ROUNDS,
            {
                "bare": _bare(bench, database, actor, [await _one(actor, number) for number in tasks]),
                "raw": _http(bench, raw_address, [request("GET", _path(number)) for number in tasks]),
                "product": _http(bench, address, _asked(bench, actor, map(_path, tasks))),
                "in turn": _http(bench, address, _in_turn(bench, size)),
            },
        )
        lists = await alternate(
            ROUNDS,
            {
                "bare": _bare(bench, database, actor, [await page_statement(_of(actor))]),
                "raw": _http(bench, raw_address, [request("GET", LIST)]),
                "product": _http(bench, address, _asked(bench, actor, [LIST])),
            },
        )
    return [
        rate_row("read one task", ones["product"], ones["raw"], RAW, at_least=0.4),
        rate_row("read one task", ones["product"], ones["bare"], BARE),
        rate_row(
            f"read one task, {CALLERS} organisations in turn", ones["in turn"], ones["product"], "one organisation"
        ),
        rate_row(f"list of {PAGE} tasks", lists["product"], lists["raw"], RAW, at_least=0.5),
        rate_row(f"list of {PAGE} tasks", lists["product"], lists["bare"], BARE),
    ]


@asynccontextmanager
async def product(bench: Bench, database: DatabaseAddress) -> AsyncIterator[tuple[str, Running]]:
    """agreements-api as it is run everywhere: one worker, on a Unix socket."""
    socket = bench.sockets / "agreements-api.sock"
    async with bench.service("agreements", database, "serve", "--uds", str(socket), core=bench.core) as running:
        yield await bench.listening(socket, running), running


@asynccontextmanager
async def raw(bench: Bench, database: DatabaseAddress, actor: Actor) -> AsyncIterator[str]:
    """The raw application, on the same core, with the same pool and the same statements."""
    socket = bench.sockets / "raw.sock"
    settings = RawSettings(
        uds=str(socket),
        url=database.url,
        pool_size=POOL_SIZE,
        set_up=set_up_for(actor),
        read=await read_statement(_of(actor), task_id(0)),
        page=await page_statement(_of(actor)),
    )
    file = bench.folder / "raw.pickle"
    file.write_bytes(pickle.dumps(settings))
    command = (sys.executable, "-m", "tests.load.raw_app", str(file))
    async with bench.process("raw", command, bench.environment(database, "agreements"), core=bench.core) as running:
        yield await bench.listening(socket, running)


def set_up_for(actor: Actor) -> Statement:
    """Row-level security lets a baseline see what the product's caller sees, and no more."""
    return SET_UP, (str(actor.organization_id), ",".join(sorted(actor.roles)))


def visible_tasks(size: Size, organization: int = 0) -> list[int]:
    """Tasks of the agreements that the organisation is party to, spread over all of them."""
    agreements = {(organization - 7 * place) % size.organizations for place in range(PARTIES)}
    mine = [number for number in range(size.tasks) if number % size.agreements % size.organizations in agreements]
    return mine[:: max(1, len(mine) // 512)]


def _asked(bench: Bench, actor: Actor, paths: Iterable[str]) -> list[bytes]:
    headers = {"Authorization": f"Bearer {bench.token(actor)}"}
    return [request("GET", path, headers) for path in paths]


def _in_turn(bench: Bench, size: Size) -> list[bytes]:
    """One read of each organisation after the other: more of them than there are connections to keep set up."""
    each = [
        _asked(bench, bench.actor(number), map(_path, visible_tasks(size, number)[:8])) for number in range(CALLERS)
    ]
    return [asked for turn in zip(*each, strict=True) for asked in turn]


async def _one(actor: Actor, number: int) -> Statement:
    return await read_statement(_of(actor), task_id(number))


def _path(number: int) -> str:
    return f"/v1/tasks/{task_id(number)}"


def _of(actor: Actor) -> UUID:
    assert actor.organization_id is not None
    return actor.organization_id


def _bare(bench: Bench, database: DatabaseAddress, actor: Actor, statements: Sequence[Statement]) -> Measure:
    units = [[[statement] for statement in _from(statements, at)] for at in range(CONNECTIONS)]
    loop = Loop(database.url, set_up_for(actor), units, SECONDS, WARM_UP)

    async def measured() -> float:
        return await run_loop(loop, core=bench.core)

    return measured


def _http(bench: Bench, address: str, requests: Sequence[bytes]) -> Measure:
    load = Load(address, [_from(requests, at) for at in range(CONNECTIONS)], SECONDS, WARM_UP)

    async def measured() -> float:
        return (await run_load(load, core=bench.other_core)).rate

    return measured


def _from(items: Sequence[T], connection: int) -> Sequence[T]:
    """Every connection begins elsewhere, so that they do not ask for the same thing at once."""
    start = connection * len(items) // CONNECTIONS
    return [*items[start:], *items[:start]]
