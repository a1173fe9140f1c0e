"""The feed as a stream of server-sent events, from a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import httpx

from notifier.feed.service import trim
from tests.notifier.conftest import Caller, World, problem
from tests.notifier.factories import staffed
from tests.notifier.feed.conftest import Server, happening, ids, put


@dataclass
class Said:
    """One block of a stream: the field values of an event, or only a comment."""

    fields: dict[str, str] = field(default_factory=dict)
    comment: str = ""


@asynccontextmanager
async def listening(caller: Caller, last_event_id: str | None = None) -> AsyncIterator[AsyncIterator[Said]]:
    headers = caller.headers | {"Accept": "text/event-stream"}
    if last_event_id is not None:
        headers["Last-Event-ID"] = last_event_id
    async with caller.http.stream("GET", "/v1/events", headers=headers) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _said(answer)


async def _said(answer: httpx.Response) -> AsyncIterator[Said]:
    block = Said()
    async for line in answer.aiter_lines():
        if not line:
            yield block
            block = Said()
        elif line.startswith(":"):
            block.comment = line[1:].strip()
        else:
            name, _, value = line.partition(": ")
            block.fields[name] = value


async def nexts(stream: AsyncIterator[Said], count: int) -> list[Said]:
    async with asyncio.timeout(10):
        return [await anext(stream) for _ in range(count)]


async def test_a_stream_tells_what_happens_from_now_on(server: Server, world: World) -> None:
    body = staffed()
    await put(world, happening(body.id))
    async with listening(server.door.caller(body)) as stream:
        (first,) = await nexts(stream, 1)
        assert first.comment == "from now on"
        happened = happening(body.id)
        await put(world, happening(staffed().id), happened)
        (event,) = await nexts(stream, 1)
    assert event.fields["event"] == happened.type
    assert event.fields["data"].encode() == happened.raw


async def test_a_broken_stream_goes_on_after_the_last_event_that_arrived(server: Server, world: World) -> None:
    body = staffed()
    caller = server.door.caller(body)
    happened = [happening(body.id) for _ in range(4)]
    async with listening(caller) as stream:
        await nexts(stream, 1)
        await put(world, *happened[:2])
        first, _ = await nexts(stream, 2)
    await put(world, *happened[2:])
    async with listening(caller, first.fields["id"]) as stream:
        rest = await nexts(stream, 3)
    assert [one.fields["data"].encode() for one in rest] == [one.raw for one in happened[1:]]


async def test_a_page_goes_on_where_a_stream_ended(server: Server, world: World) -> None:
    body = staffed()
    caller = server.door.caller(body)
    async with listening(caller) as stream:
        (start,) = await nexts(stream, 1)
    happened = happening(body.id)
    await put(world, happened)
    page = (await caller.get("/v1/events", cursor=start.fields["id"])).json()
    assert [event["id"] for event in page["items"]] == ids([happened])


async def test_a_stream_that_was_away_too_long_is_reset_and_goes_on(server: Server, world: World) -> None:
    body = staffed()
    caller = server.door.caller(body)
    await put(world, happening(body.id))
    async with listening(caller) as stream:
        (start,) = await nexts(stream, 1)
    await put(world, happening(body.id))
    await world.owner.execute("update feed_event set received_at = received_at - interval '91 days'")
    await trim(world.database, timedelta(days=90))
    kept = happening(body.id)
    await put(world, kept)
    async with listening(caller, start.fields["id"]) as stream:
        reset, event = await nexts(stream, 2)
    assert reset.fields["event"] == "reset"
    assert event.fields["data"].encode() == kept.raw
    async with listening(caller, reset.fields["id"]) as stream:
        (event,) = await nexts(stream, 1)
    assert event.fields["data"].encode() == kept.raw


async def test_streams_end_when_the_server_is_told_to_stop(server: Server, world: World) -> None:
    async with listening(server.door.caller(staffed())) as stream:
        await nexts(stream, 1)
        server.stop()
        async with asyncio.timeout(4):
            assert [said async for said in stream] == []
    async with asyncio.timeout(4):
        await server.running


async def test_a_forged_id_of_a_last_event_is_named_as_such(server: Server) -> None:
    caller = server.door.caller(staffed())
    headers = {"Accept": "text/event-stream", "Last-Event-ID": "forged"}
    refused = problem(await caller.get("/v1/events", headers), 400)
    assert [error["pointer"] for error in refused["errors"]] == ["/header/Last-Event-ID"]
