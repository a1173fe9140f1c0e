"""Events that could not be applied, in the operator's hands."""

from uuid import uuid4

from notifier.deadlines.consumers import GROUP
from shared.auth import SYSTEM, Actor
from shared.events import LOCALITIES, envelope_bytes
from shared.ids import new_id
from shared.inbox import repository as inbox
from tests.notifier.conftest import TUESDAY, Caller, Door, World, problem
from tests.notifier.factories import Body, staffed


def operator(door: Door) -> Caller:
    return door.let_in(Actor(id=uuid4(), kind="user", name="Operator", roles=frozenset({"operator"})))


async def put_aside(world: World, body: Body, payload: bytes) -> int:
    """A message of the organisation's key as the consumer puts it aside."""
    async with world.database.transaction(SYSTEM) as session:
        await inbox.add_dead_letter(
            session,
            group=GROUP,
            topic=LOCALITIES,
            partition=0,
            cluster_id="c",
            message_offset=0,
            key=str(body.id),
            event_id=None,
            type=None,
            payload=payload,
            reason="poison",
            error="broken",
            attempts=1,
        )
        await inbox.park(session, GROUP, (LOCALITIES, str(body.id)))
    letter: int = await world.owner.fetchval("select max(id) from dead_letter")
    return letter


async def test_a_letter_is_listed_and_replayed(world: World, door: Door) -> None:
    body = staffed()
    letter = await put_aside(world, body, envelope_bytes(body.event(TUESDAY), event_id=new_id()))
    caller = operator(door)
    listed = (await caller.get("/v1/dead-letters")).json()["items"]
    assert [(item["id"], item["key"], item["reason"]) for item in listed] == [(letter, str(body.id), "poison")]
    answer = await caller.post(f"/v1/dead-letters/{letter}/replay")
    assert answer.json() == {"applied": 1, "stopped_at": None, "error": None}
    assert await world.owner.fetchval("select name from organization where id = $1", body.id) == body.name
    assert (await caller.get("/v1/dead-letters")).json()["items"] == []
    problem(await caller.post(f"/v1/dead-letters/{letter}/replay"), 404)


async def test_a_letter_that_fails_again_can_be_given_up(world: World, door: Door) -> None:
    body = staffed()
    letter = await put_aside(world, body, b'{"type": "vn.lienvung.organization.changed.v1"}')
    caller = operator(door)
    failed = (await caller.post(f"/v1/dead-letters/{letter}/replay")).json()
    assert (failed["applied"], failed["stopped_at"]) == (0, letter)
    assert "does not match its schema" in failed["error"]
    assert (await caller.post(f"/v1/dead-letters/{letter}/discard")).json() == {"discarded": True}
    assert (await caller.get("/v1/dead-letters")).json()["items"] == []


async def test_only_the_operator_has_to_do_with_dead_letters(door: Door) -> None:
    caller = door.caller(staffed(), "leader")
    problem(await caller.get("/v1/dead-letters"), 403)
    problem(await caller.post("/v1/dead-letters/1/replay"), 403)
    problem(await caller.post("/v1/dead-letters/1/discard"), 403)
