"""Dossiers of boundary areas, and what the two sides do with them."""

from typing import Any

from tests.agreements_api.agreements.world import Json, World, accepted

FIRST, SECOND = "ubnd-dongtrieu", "ubnd-kinhmon"
CASE: Json = {
    "kind": "both",
    "place": "Khu vực giáp ranh (minh họa)",
    "households": 12,
    "plots": 30,
    "area_m2": 45_000,
    "note": "Số liệu minh họa.",
    "steps": [{"title": "Thống nhất số liệu", "due_on": "2026-12-15"}, {"title": "Ký biên bản"}],
}


def body(world: World, **changes: Any) -> Json:
    return CASE | {"organization_ids": [world.id(FIRST), world.id(SECOND)]} | changes


async def opened(world: World, plan: Json, **changes: Any) -> Json:
    """A dossier of Đông Triều and Kinh Môn, of a new task of theirs."""
    task = await world.task(plan)
    answer = await world.specialist(FIRST).post(f"/v1/tasks/{task['id']}/boundary-cases", body(world, **changes))
    return accepted(answer, 201)


def path_of(case: Json) -> str:
    return f"/v1/boundary-cases/{case['id']}"


async def confirmed(world: World, case: Json, number: int, *keys: str) -> Json:
    """The dossier after these sides have confirmed one of its steps, counted from 0."""
    after = case
    for key in keys:
        after = await world.person(key).step(path_of(case), f"steps/{case['steps'][number]['id']}/confirm")
    return after


async def handed_over(world: World, plan: Json) -> Json:
    case = await opened(world, plan)
    for number in range(2):
        case = await confirmed(world, case, number, FIRST, SECOND)
    return case
