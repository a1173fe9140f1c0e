"""The feed as pages: in order, without gaps, and only what the caller may see."""

import asyncio
import json
from datetime import timedelta
from uuid import uuid4

import pytest

from notifier.feed import repository
from notifier.feed.service import append, trim
from shared.auth import SYSTEM, Actor
from shared.events import EVENT_TYPES
from tests.notifier.conftest import Door, World, problem
from tests.notifier.factories import staffed
from tests.notifier.feed.conftest import happening, ids, put


async def test_an_organisation_gets_the_events_of_its_agreements_as_the_bytes_that_arrived(
    world: World, door: Door
) -> None:
    body, other = staffed(), staffed()
    mine, others = happening(body.id, other.id), happening(other.id)
    await put(world, mine, others)
    answer = await door.caller(body).get("/v1/events")
    assert answer.status_code == 200, answer.text
    assert mine.raw in answer.content
    page = answer.json()
    assert ([event["id"] for event in page["items"]], page["has_more"]) == (ids([mine]), False)
    assert len((await door.caller(other).get("/v1/events")).json()["items"]) == 2
    assert (await door.caller(staffed()).get("/v1/events")).json()["items"] == []


async def test_a_reader_comes_back_with_the_last_cursor_for_what_happened_since(world: World, door: Door) -> None:
    body = staffed()
    happened = [happening(body.id) for _ in range(5)]
    await put(world, *happened)
    caller = door.caller(body)
    seen, cursor = [], None
    for _ in range(3):
        page = (await caller.get("/v1/events", limit=2, **({"cursor": cursor} if cursor else {}))).json()
        seen += [event["id"] for event in page["items"]]
        cursor = page["next_cursor"]
    assert (seen, page["has_more"]) == (ids(happened), False)
    assert (await caller.get("/v1/events", cursor=cursor)).json()["items"] == []
    late = happening(body.id)
    await put(world, late)
    assert [one["id"] for one in (await caller.get("/v1/events", cursor=cursor)).json()["items"]] == ids([late])


async def test_an_event_that_commits_late_is_not_passed_over(world: World, door: Door) -> None:
    body = staffed()
    slow, quick = happening(body.id), happening(body.id)
    caller = door.caller(body)
    async with world.database.transaction(SYSTEM) as session:
        await append(session, [slow])
        # The other consumer's event would commit first; it has to wait for its turn instead.
        overtaking = asyncio.create_task(put(world, quick))
        await asyncio.sleep(0.3)
        page = (await caller.get("/v1/events")).json()
        assert page["items"] == []
    await overtaking
    seen = (await caller.get("/v1/events", cursor=page["next_cursor"])).json()["items"]
    assert [event["id"] for event in seen] == ids([slow, quick])


async def test_the_same_event_again_changes_nothing(world: World, door: Door) -> None:
    body = staffed()
    once = happening(body.id)
    await put(world, once, once)
    await put(world, once)
    assert len((await door.caller(body).get("/v1/events")).json()["items"]) == 1


async def test_filters_narrow_the_feed(world: World, door: Door) -> None:
    body, agreement_id = staffed(), uuid4()
    wanted, unwanted = happening(body.id, agreement_id=agreement_id), happening(body.id)
    await put(world, wanted, unwanted)
    caller = door.caller(body)
    found = (await caller.get("/v1/events", agreement_id=str(agreement_id))).json()["items"]
    assert [event["id"] for event in found] == ids([wanted])
    assert (await caller.get("/v1/events", type="vn.lienvung.task.completed.v1")).json()["items"] == []
    assert len((await caller.get("/v1/events", type="vn.lienvung.task.assigned.v1")).json()["items"]) == 2


async def test_a_cursor_older_than_the_feed_is_told_so_and_where_to_go_on(world: World, door: Door) -> None:
    body = staffed()
    await put(world, happening(body.id))
    caller = door.caller(body)
    empty = (await door.caller(staffed()).get("/v1/events", limit=1)).json()["next_cursor"]
    old = (await caller.get("/v1/events", limit=1)).json()["next_cursor"]
    await put(world, happening(body.id))
    await world.owner.execute("update feed_event set received_at = received_at - interval '91 days'")
    await trim(world.database, timedelta(days=90))
    kept = happening(body.id)
    await put(world, kept)
    assert empty == old
    expired = problem(await caller.get("/v1/events", cursor=old), 410)
    assert expired["code"] == "cursor_expired"
    items = (await caller.get("/v1/events", cursor=expired["cursor"])).json()["items"]
    assert [event["id"] for event in items] == ids([kept])
    assert [event["id"] for event in (await caller.get("/v1/events")).json()["items"]] == ids([kept])


async def test_what_is_young_enough_stays(world: World) -> None:
    await put(world, happening(uuid4()))
    await trim(world.database, timedelta(days=90))
    assert await world.owner.fetchval("select count(*) from feed_event") == 1


@pytest.mark.parametrize("cursor", ["x", "AAAA", "MQ"])
async def test_a_forged_cursor_of_the_feed_is_refused(door: Door, cursor: str) -> None:
    assert problem(await door.caller(staffed()).get("/v1/events", cursor=cursor), 400)["code"] == "invalid_cursor"


async def test_a_client_reads_the_feed_of_its_organisation_with_the_scope(world: World, door: Door) -> None:
    body = staffed()
    await put(world, happening(body.id))

    def client(*scopes: str) -> Actor:
        return Actor(id=uuid4(), kind="client", name="C", organization_id=body.id, scopes=frozenset(scopes))

    assert len((await door.let_in(client("agreements:read")).get("/v1/events")).json()["items"]) == 1
    problem(await door.let_in(client("tasks:read")).get("/v1/events"), 403)


async def test_every_type_of_event_is_listed_with_its_schema(door: Door) -> None:
    items = (await door.caller(staffed()).get("/v1/event-types")).json()["items"]
    assert {item["type"] for item in items} == set(EVENT_TYPES)
    by_type = {item["type"]: item for item in items}
    assigned = by_type["vn.lienvung.task.assigned.v1"]
    assert assigned["schema"]["$id"] == assigned["dataschema"] == "/schemas/task.assigned/1.json"
    assert assigned["is_in_feed"]
    assert not by_type["vn.lienvung.organization.changed.v1"]["is_in_feed"]


async def test_row_level_security_hides_events_even_from_a_query_without_a_filter(world: World) -> None:
    body = staffed()
    await put(world, happening(body.id), happening(uuid4()))
    actor = Actor(id=uuid4(), kind="user", name="A", organization_id=body.id)
    async with world.database.read(actor) as connection:
        rows = await connection.fetch("select payload from feed_event")
        members = await connection.fetch("select organization_id from feed_member")
    assert json.loads(rows[0]["payload"])["data"]["members"] == [str(body.id)]
    assert [row["organization_id"] for row in members] == [body.id]


async def test_a_page_is_read_by_index(world: World) -> None:
    body = staffed()
    await put(world, happening(body.id))
    await world.owner.execute(
        "insert into feed_event (position, event_id, type, agreement_id, payload)"
        " select nextval('feed_position'), gen_random_uuid(), 't', 'a', '{}' from generate_series(1, 3000)"
    )
    await world.owner.execute(
        "insert into feed_member select gen_random_uuid(), position from feed_event on conflict do nothing"
    )
    await world.owner.execute("analyze feed_event, feed_member")
    statement = repository._PAGE.format(filters="")
    async with world.database.read(SYSTEM) as connection:
        plan = await connection.fetch(f"explain {statement}", body.id, 0, 10**9, 50)
    lines = [row[0] for row in plan]
    assert not any("Seq Scan" in line for line in lines), lines
