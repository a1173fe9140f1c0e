"""Localities that change a corridor at the same time: nothing is lost, nothing is there twice."""

import asyncio
from uuid import uuid4

import pytest

from agreements_api.corridors.geometry import MAX_CORRIDOR_POSITIONS, MAX_POSITIONS
from tests.agreements_api.agreements.world import Json, World, accepted, problem
from tests.agreements_api.corridors.lines import SEGMENT, SOURCE, corridor, patch, segment

OWNERS = ("dongtrieu", "chilinh", "kinhmon", "sondong", "lucnam")


@pytest.fixture
async def drawn(world: World, plan: Json) -> Json:
    return await corridor(world, plan)


async def test_segments_that_are_added_at_once_stand_one_behind_the_other(world: World, drawn: Json) -> None:
    added = await asyncio.gather(*(segment(world, drawn, owner) for owner in OWNERS))
    assert sorted(one["position"] for one in added) == [10, 20, 30, 40, 50]


async def test_of_those_who_want_one_position_one_gets_it(world: World, drawn: Json) -> None:
    body = SEGMENT | {"position": 7}
    answers = await asyncio.gather(
        *(world.specialist(owner).post(f"{drawn['path']}/segments", body) for owner in OWNERS)
    )
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422, 422]
    assert len((await world.person("lucnam").read(f"{drawn['path']}/segments"))["items"]) == 1


async def test_of_two_changes_of_one_version_one_reads_again(world: World, drawn: Json) -> None:
    path, owner = (await segment(world, drawn, "chilinh"))["path"], world.specialist("chilinh")
    answers = await asyncio.gather(*(patch(owner, path, {"percent": percent}, '"v1"') for percent in (10, 20, 30)))
    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]


async def test_changes_whatever_the_version_each_become_one(world: World, drawn: Json) -> None:
    first, owner = await segment(world, drawn, "chilinh"), world.specialist("chilinh")
    answers = await asyncio.gather(*(patch(owner, first["path"], {"percent": one}) for one in range(1, 9)))
    assert sorted(accepted(answer, 200)["version"] for answer in answers) == list(range(2, 10))
    events = await world.registry.outbox(first["id"])
    assert [event["data"]["version"] for event in events] == list(range(1, 10))
    kept = await world.rows(
        "select count(*) as rows from corridor_history where segment_id = $1::text::uuid", first["id"]
    )
    assert kept[0]["rows"] == 9


async def test_a_change_meets_a_handing_over(world: World, drawn: Json) -> None:
    first = await segment(world, drawn, "chilinh")
    to = {"organization_id": world.id("kinhmon"), "reason": "Sắp xếp đơn vị (minh họa)"}
    changed, given = await asyncio.gather(
        patch(world.specialist("chilinh"), first["path"], {"percent": 10}),
        world.person("dongtrieu").post(f"{first['path']}/hand-over", to, **{"If-Match": "*"}),
    )
    accepted(given, 200)
    assert changed.status_code in (200, 403)
    seen = await world.person("lucnam").read(first["path"])
    assert (seen["organization_id"], seen["percent"]) == (world.id("kinhmon"), 10 if changed.status_code == 200 else 0)


async def test_a_change_meets_a_withdrawal(world: World, drawn: Json) -> None:
    first = await segment(world, drawn, "chilinh")
    changed, withdrawn = await asyncio.gather(
        patch(world.specialist("chilinh"), first["path"], {"percent": 10}),
        world.person("chilinh").post(f"{first['path']}/withdraw", {"reason": "Nhầm"}, **{"If-Match": "*"}),
    )
    accepted(withdrawn, 200)
    assert changed.status_code in (200, 409)
    assert (await world.person("lucnam").read(first["path"]))["withdrawn_at"] is not None


async def test_lines_that_are_drawn_at_once_keep_to_the_room_of_the_corridor(world: World, drawn: Json) -> None:
    room = MAX_CORRIDOR_POSITIONS // MAX_POSITIONS
    for _ in range(room - 1):
        await segment(world, drawn, "chilinh")
    await world.rows(
        "update corridor_segment set geometry_positions = $2, geometry = '{}', geometry_source = 'x'"
        " where corridor_id = $1::text::uuid",
        drawn["id"],
        MAX_POSITIONS,
    )
    line = {"type": "LineString", "coordinates": [[106.5, 21.0]] * MAX_POSITIONS}
    body = SEGMENT | {"geometry": line, "geometry_source": SOURCE}
    answers = await asyncio.gather(
        *(world.specialist(owner).post(f"{drawn['path']}/segments", body) for owner in OWNERS[:3])
    )
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422]


async def test_a_repeated_request_adds_one_segment(world: World, drawn: Json) -> None:
    owner, key = world.specialist("chilinh"), {"Idempotency-Key": str(uuid4())}
    first = await owner.post(f"{drawn['path']}/segments", SEGMENT, **key)
    again = await owner.post(f"{drawn['path']}/segments", SEGMENT, **key)
    assert accepted(again, 201) == accepted(first, 201)
    assert (again.headers["idempotency-replayed"], again.headers["location"]) == ("true", first.headers["location"])
    problem(
        await owner.post(f"{drawn['path']}/segments", SEGMENT | {"percent": 1}, **key), 422, "idempotency_key_reused"
    )
    assert len((await owner.read(f"{drawn['path']}/segments"))["items"]) == 1
