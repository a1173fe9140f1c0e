"""Meetings, and what was promised of them, as they were at an instant."""

import asyncio
from typing import Any

import orjson

from agreements_api.policy import Role
from shared.db.migrate import downgrade, upgrade
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.history.looking import Looking, now, with_moments
from tests.agreements_api.history.test_as_of import LONG_AGO
from tests.agreements_api.meeting_rhythm.test_promises import PROMISE, path_of, promised
from tests.agreements_api.meetings.steps import came, concluded, hours_ago, planned, put

BEFORE = "0026"
PARTS = ("", "/minutes", "/history")
EVERY = {"If-Match": "*"}


async def gone_through(world: World, plan: Json, looking: Looking | None = None) -> str:
    """The path of a meeting that was moved, held, recorded and became a task, looked at after each."""
    path = f"/v1/meetings/{(await planned(world, plan))['id']}"
    worker = world.specialist("dongtrieu")

    async def look() -> None:
        if looking is not None:
            await looking.look(*(f"{path}{part}" for part in PARTS))

    await look()
    guests = [world.id(key) for key in ("dongtrieu", "chilinh", "kinhmon")]
    moved = {"title": "Hội nghị khác", "starts_at": hours_ago(3), "agenda": [], "invited_organization_ids": guests}
    accepted(await worker.change(path, moved), 200)
    await look()
    other = {"host_organization_id": world.id("chilinh"), "invited_organization_ids": guests[:2], "place": None}
    accepted(await world.person("dongtrieu").change(path, other), 200)
    await look()
    person = {"person_name": "Nguyễn Văn A (minh họa)", "person_title": "Chánh Văn phòng"}
    attendance = came(world, "dongtrieu", "chilinh", sondong="absent")
    attendance[0] |= person
    await worker.step(path, "hold", {"attendance": attendance, "minutes": "Biên bản (minh họa)."})
    await look()
    attendance = came(world, "dongtrieu", "chilinh", kinhmon="represented")
    attendance[1] |= person
    accepted(await put(worker, path, "attendance", {"attendance": attendance}), 200)
    await look()
    accepted(await put(worker, path, "minutes", {"text": "Biên bản, sửa (minh họa)."}), 201)
    await look()
    await concluded(world, path)
    outcome = await concluded(world, path, due_on=None)
    await look()
    change = {"text": "Rà soát lại (minh họa)", "responsible_organization_id": None, "due_on": "2027-01-29"}
    accepted(await worker.patch(f"{path}/outcomes/{outcome['id']}", change, **EVERY), 200)
    await look()
    lead = {"lead_organization_id": world.id("ubnd-kinhmon")}
    await world.person("dongtrieu").step(path, f"outcomes/{outcome['id']}/assign", lead)
    await look()
    return path


async def test_every_read_shows_what_it_showed_then(world: World, plan: Json) -> None:
    looking = Looking(world.person("haiduong", Role.VIEWER))
    await gone_through(world, plan, looking)
    cancelled = f"/v1/meetings/{(await planned(world, plan))['id']}"
    await looking.look(cancelled)
    await world.specialist("dongtrieu").step(cancelled, "cancel", {"reason": "Hoãn (minh họa)"})
    await looking.look(cancelled)
    assert await looking.again() == 9 * 3 + 2


async def test_lists_of_the_past_are_narrowed_and_ordered_by_what_they_were(world: World) -> None:
    plan = await world.plan()
    paths = [f"/v1/meetings/{(await planned(world, plan, starts_at=hours_ago(at)))['id']}" for at in (4, 3, 2)]
    worker, reader, instant = world.specialist("dongtrieu"), world.person("haiduong", Role.VIEWER), now()
    accepted(await worker.change(paths[0], {"starts_at": hours_ago(1), "kind": "extraordinary"}), 200)
    await worker.step(paths[1], "cancel", {"reason": "Hoãn (minh họa)"})
    await planned(world, plan)

    async def found(**query: Any) -> list[str]:
        page = await reader.read("/v1/meetings", agreement_id=plan["id"], as_of=instant, **query)
        return [f"/v1/meetings/{item['id']}" for item in page["items"]]

    assert await found(sort="starts_at") == await found(status="planned", kind="regular", sort="starts_at") == paths
    assert await found() == await found(organization=world.id("chilinh")) == paths[::-1]
    assert await found(starts_after=hours_ago(3.5), starts_before=hours_ago(2.5)) == [paths[1]]
    assert await found(status="cancelled") == await found(organization=world.id("elsewhere")) == []
    query = {"agreement_id": plan["id"], "as_of": instant, "limit": 2}
    page = await reader.read("/v1/meetings", **query)
    rest = await reader.read("/v1/meetings", **query, cursor=page["next_cursor"])
    assert [f"/v1/meetings/{item['id']}" for item in (*page["items"], *rest["items"])] == paths[::-1]
    refused = problem(await reader.get("/v1/meetings", as_of=instant), 422)
    assert pointers(refused) == ["/query/agreement_id"]


async def test_nothing_can_be_done_with_the_past(world: World, plan: Json) -> None:
    path = f"/v1/meetings/{(await planned(world, plan))['id']}"
    worker = world.specialist("dongtrieu")
    await worker.step(path, "hold", {"attendance": came(world, "dongtrieu", "chilinh")})
    await concluded(world, path)
    was = await worker.get(path, as_of=now())
    assert was.json()["allowed_actions"] == was.json()["outcomes"][0]["allowed_actions"] == []
    assert (await worker.get(path, as_of=now(), headers={"If-None-Match": was.headers["etag"]})).status_code == 304


async def test_before_it_was_planned_and_for_strangers_it_is_not_found(world: World, plan: Json) -> None:
    before, reader, stranger = now(), world.person("dongtrieu"), world.person("elsewhere")
    path = f"/v1/meetings/{(await planned(world, plan))['id']}"
    for part in PARTS:
        problem(await reader.get(f"{path}{part}", as_of=before), 404)
        problem(await stranger.get(f"{path}{part}", as_of=now()), 404)
        assert pointers(problem(await reader.get(f"{path}{part}", as_of="2199-01-01"), 422)) == ["/query/as_of"]
    assert (await stranger.read("/v1/meetings", agreement_id=plan["id"], as_of=now()))["items"] == []


async def test_what_was_promised_is_what_it_was(world: World) -> None:
    plan = await world.plan()
    listed = f"/v1/agreements/{plan['id']}/meeting-promises"
    reader, stranger, before = world.person("haiduong", Role.VIEWER), world.person("elsewhere"), now()
    looking = Looking(reader, listed)
    await looking.look()
    path = path_of(await promised(world, plan))
    parts = (path, f"{path}/history")
    await looking.look(*parts)
    accepted(await world.specialist("dongtrieu").change(path, {"frequency": "monthly", "basis": None}), 200)
    await looking.look(*parts)
    accepted(await world.specialist("dongtrieu").change(path, {"until_on": "2026-06-30"}), 200)
    await promised(world, plan, from_on="2026-07-01")
    await looking.look(*parts)
    assert await looking.again() == 10
    for where in parts:
        problem(await reader.get(where, as_of=before), 404)
    problem(await reader.get(listed, as_of=LONG_AGO), 404)
    for where in (*parts, listed):
        problem(await stranger.get(where, as_of=now()), 404)
        assert pointers(problem(await reader.get(where, as_of="2199-01-01"), 422)) == ["/query/as_of"]
    was = await world.specialist("dongtrieu").get(path, as_of=now())
    assert (was.json()["allowed_actions"], was.json()["basis"]) == ([], None)
    assert (await reader.get(path, as_of=now(), headers={"If-None-Match": was.headers["etag"]})).status_code == 304


async def test_what_was_logged_before_is_worked_out_as_it_was_kept(world: World) -> None:
    plan = await world.plan()
    await gone_through(world, plan)
    promise = await promised(world, plan, basis=PROMISE["basis"])
    accepted(await world.specialist("dongtrieu").change(path_of(promise), {"until_on": "2026-06-30"}), 200)
    kept = await _states(world)
    assert len(kept) >= 12
    await asyncio.to_thread(downgrade, "agreements_api", world.address.owner_url, BEFORE)
    await asyncio.to_thread(upgrade, "agreements_api", world.address.owner_url)
    for before, after in zip(kept, await _states(world), strict=True):
        assert after == before, before["version"]


async def _states(world: World) -> list[Json]:
    rows = await world.rows("select state from meeting_log order by occurred_at, version")
    return [with_moments(orjson.loads(row["state"])) for row in rows]
