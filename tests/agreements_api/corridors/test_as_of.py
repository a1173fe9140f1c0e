"""Corridors and their segments as they were at an instant."""

from typing import Any

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.corridors.lines import LINE, SOURCE, corridor, patch, segment
from tests.agreements_api.history.looking import Looking, now
from tests.agreements_api.history.test_as_of import LONG_AGO

REASON = {"reason": "Điều chỉnh hướng tuyến (minh họa)"}
OTHER: Json = {"type": "LineString", "coordinates": [[106.5, 21.08], [106.4, 21.2]]}
PARTS = ("", "/segments", "/geojson", "/synchrony", "/history")


async def test_every_read_shows_what_it_showed_then(world: World, plan: Json) -> None:
    """Through another name, another order, lines that come and go, another owner and a withdrawal."""
    drawn = await corridor(world, plan)
    path, owner, custodian = drawn["path"], world.specialist("chilinh"), world.person("dongtrieu")
    looking = Looking(world.person("haiduong", Role.VIEWER), *(f"{path}{part}" for part in PARTS))
    await looking.look()
    first = (await segment(world, drawn, "chilinh", geometry=LINE, geometry_source=SOURCE))["path"]
    second = (await segment(world, drawn, "kinhmon", width_m=9.5, planned_finish="2027-01-29"))["path"]
    await looking.look(first, second)
    accepted(await patch(custodian, path, {"name": "Tuyến khác (minh họa)", "description": "Mô tả"}), 200)
    await looking.look(first)
    accepted(await patch(owner, first, {"position": 50, "percent": 10, "funding": None}), 200)
    await looking.look(first)
    accepted(await patch(owner, first, {"geometry": OTHER, "actual_finish": "2026-06-30"}), 200)
    await looking.look(first)
    accepted(await patch(owner, first, {"geometry": None}), 200)
    await looking.look(first)
    await custodian.step(first, "hand-over", {"organization_id": world.id("sondong")} | REASON)
    await looking.look(first)
    await world.person("kinhmon").step(second, "withdraw", REASON)
    await looking.look(second)
    assert await looking.again() == 8 * 5 + 8


async def test_lists_of_the_past_are_narrowed_by_what_they_were_and_come_in_pages(world: World) -> None:
    plan = await world.plan()
    drawn = [await corridor(world, plan) for _ in range(3)]
    first = await segment(world, drawn[0], "chilinh")
    reader, instant = world.person("lucnam"), now()
    await world.person("dongtrieu").step(first["path"], "hand-over", {"organization_id": world.id("kinhmon")} | REASON)
    await corridor(world, plan)
    query: Json = {"agreement_id": plan["id"], "as_of": instant}

    async def ids(**narrowed: Any) -> list[str]:
        return [item["id"] for item in (await reader.read("/v1/corridors", **query, **narrowed))["items"]]

    expected = [one["id"] for one in reversed(drawn)]
    assert await ids() == expected
    assert await ids(organization=world.id("chilinh")) == [drawn[0]["id"]]
    assert await ids(organization=world.id("kinhmon")) == []
    page = await reader.read("/v1/corridors", **query, limit=2)
    rest = await reader.read("/v1/corridors", **query, limit=2, cursor=page["next_cursor"])
    assert [item["id"] for item in (*page["items"], *rest["items"])] == expected
    for wrong, pointer in (({"as_of": instant}, "/query/agreement_id"), (query | {"q": "tuyến"}, "/query/q")):
        assert pointers(problem(await reader.get("/v1/corridors", **wrong), 422)) == [pointer]


async def test_segments_of_the_past_come_in_the_order_that_they_had(world: World, plan: Json) -> None:
    drawn = await corridor(world, plan)
    paths = [(await segment(world, drawn, "chilinh"))["path"] for _ in range(3)]
    reader, instant, listed = world.person("lucnam"), now(), f"{drawn['path']}/segments"
    accepted(await patch(world.specialist("chilinh"), paths[0], {"position": 99}), 200)
    page = await reader.read(listed, as_of=instant, limit=2)
    rest = await reader.read(listed, as_of=instant, limit=2, cursor=page["next_cursor"])
    found = [f"{listed}/{item['id']}" for item in (*page["items"], *rest["items"])]
    assert (found, rest["next_cursor"]) == (paths, None)


async def test_nothing_can_be_done_with_the_past(world: World, plan: Json) -> None:
    drawn = await corridor(world, plan)
    one = (await segment(world, drawn, "dongtrieu"))["path"]
    custodian = world.person("dongtrieu")
    for path in (drawn["path"], one):
        assert (await custodian.read(path))["allowed_actions"] != []
        was = await custodian.get(path, as_of=now())
        assert was.json()["allowed_actions"] == []
        assert (
            await custodian.get(path, as_of=now(), headers={"If-None-Match": was.headers["etag"]})
        ).status_code == 304


async def test_before_it_was_drawn_and_for_strangers_it_is_not_found(world: World, plan: Json) -> None:
    drawn = await corridor(world, plan)
    before, reader, stranger = now(), world.person("dongtrieu"), world.person("elsewhere")
    one = (await segment(world, drawn, "chilinh"))["path"]
    assert (await reader.read(f"{drawn['path']}/segments", as_of=before))["items"] == []
    problem(await reader.get(one, as_of=before), 404)
    for path in (one, *(f"{drawn['path']}{part}" for part in PARTS)):
        problem(await reader.get(path, as_of=LONG_AGO), 404)
        problem(await stranger.get(path, as_of=now()), 404)
        assert pointers(problem(await reader.get(path, as_of="2199-01-01"), 422)) == ["/query/as_of"]
