"""What people of the case do with meetings."""

from datetime import timedelta
from typing import Any

import httpx

from shared import clock
from tests.agreements_api.agreements.world import Json, Person, World, accepted

MEETING: Json = {
    "kind": "regular",
    "title": "Hội nghị giao ban (minh họa)",
    "place": "Phòng họp số 1 (minh họa)",
    "agenda": [
        {"title": "Đánh giá kết quả", "presenter": "UBND thị xã Đông Triều", "minutes": 45},
        {"title": "Thảo luận"},
    ],
}


def hours_ago(hours: float) -> str:
    return (clock.now() - timedelta(hours=hours)).isoformat()


async def planned(world: World, plan: Json, key: str = "dongtrieu", **changes: Any) -> Json:
    """A meeting that began an hour ago, hosted by whoever plans it."""
    body = MEETING | {"starts_at": hours_ago(1)} | changes
    return accepted(await world.specialist(key).post(f"/v1/agreements/{plan['id']}/meetings", body), 201)


def came(world: World, *keys: str, **others: str) -> list[Json]:
    """Who attended, and what became of others."""
    attendance = dict.fromkeys(keys, "attended") | others
    return [{"organization_id": world.id(key), "attendance": stand} for key, stand in attendance.items()]


async def held(world: World, plan: Json, key: str = "dongtrieu", **changes: Any) -> str:
    """The path of a meeting that was held between two of the parties."""
    meeting = await planned(world, plan, key, **changes)
    path = f"/v1/meetings/{meeting['id']}"
    await world.specialist(key).step(path, "hold", {"attendance": came(world, "dongtrieu", "chilinh")})
    return path


async def put(person: Person, path: str, part: str, body: Json) -> httpx.Response:
    """Replace a part of a meeting against the version that was just read."""
    seen = await person.get(path)
    return await person.http.put(
        f"{path}/{part}", json=body, headers=person.unsafe(**{"If-Match": seen.headers["etag"]})
    )


async def concluded(world: World, path: str, **changes: Any) -> Json:
    """One more outcome of a meeting that was held."""
    body = {
        "text": "Rà soát khu vực giáp ranh (minh họa)",
        "responsible_organization_id": world.id("ubnd-dongtrieu"),
        "due_on": "2027-03-31",
    }
    meeting = await world.specialist("dongtrieu").step(path, "outcomes", body | changes)
    outcome: Json = meeting["outcomes"][-1]
    return outcome
