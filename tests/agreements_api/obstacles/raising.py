"""Obstacles that tests begin with."""

from datetime import timedelta
from typing import Any

from shared import clock
from shared.calendar import WorkingCalendar
from tests.agreements_api.agreements.world import Json, World, accepted

TEXT = "Hồ sơ địa chính hai bên chưa khớp (minh họa)."


async def raised(world: World, plan: Json, key: str = "ubnd-kinhmon", **given: Any) -> tuple[Json, str]:
    """An obstacle of a task under way that Đông Triều leads, and its path."""
    task = await world.under_way(plan, **given)
    obstacle = accepted(await world.specialist(key).post(f"{task}/obstacles", {"text": TEXT}), 201)
    return obstacle, f"/v1/obstacles/{obstacle['id']}"


async def planned(world: World, path: str, *, due_on: str, key: str = "ubnd-dongtrieu") -> Json:
    """The obstacle with one measure more, of the lead."""
    body = {"text": "Đo đạc lại (minh họa)", "organization_id": world.id("ubnd-dongtrieu"), "due_on": due_on}
    return accepted(await world.specialist(key).act(path, "measures", body), 201)


async def types(world: World, obstacle_id: Any) -> list[str]:
    return [event["type"].split(".", 2)[2] for event in await world.registry.outbox(obstacle_id)]


def in_working_days(count: int) -> str:
    return WorkingCalendar().add_working_days(clock.today(), count).isoformat()


def in_days(count: int) -> str:
    return (clock.today() + timedelta(days=count)).isoformat()
