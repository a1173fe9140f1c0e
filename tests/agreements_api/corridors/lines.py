"""Corridors and segments that tests of them draw; what they say of places is made up."""

from typing import Any

import httpx

from tests.agreements_api.agreements.world import Json, Person, World, accepted

CORRIDOR: Json = {"name": "Tuyến kết nối (minh họa)", "from_place": "A", "to_place": "B", "demonstration": True}
SEGMENT: Json = {
    "name": "Đoạn thứ nhất (minh họa)",
    "length_m": 5200,
    "road_class": "class_iii",
    "width_m": 12,
    "funding": {"plan_period": "2026-2030", "source": "Ngân sách (minh họa)", "amount": 10**9, "status": "in_plan"},
    "planned_start": "2026-01-15",
    "planned_finish": "2028-06-30",
}
LINE: Json = {"type": "LineString", "coordinates": [[106.5, 21.08], [106.45, 21.1]]}
SOURCE = "Hồ sơ thiết kế (minh họa)"


async def corridor(world: World, plan: Json, **changes: Any) -> Json:
    """A corridor of the plan, drawn by its custodian; `path` leads to it."""
    answer = await world.specialist("dongtrieu").post(f"/v1/agreements/{plan['id']}/corridors", CORRIDOR | changes)
    body = accepted(answer, 201)
    return body | {"path": f"/v1/corridors/{body['id']}"}


async def segment(world: World, drawn: Json, owner: str, **changes: Any) -> Json:
    """A segment that its owner adds; `path` leads to it."""
    answer = await world.specialist(owner).post(f"{drawn['path']}/segments", SEGMENT | changes)
    body = accepted(answer, 201)
    return body | {"path": f"{drawn['path']}/segments/{body['id']}"}


async def patch(person: Person, path: str, body: Any, tag: str = "*") -> httpx.Response:
    return await person.patch(path, body, **{"If-Match": tag})
