"""What repeated a task at an instant."""

import asyncio
from datetime import date
from typing import Any

import orjson

from agreements_api.policy import Role
from agreements_api.recurrence.occurrences import make_due
from shared.db.migrate import downgrade, upgrade
from tests.agreements_api.agreements.world import Json, Person, World, accepted, pointers, problem
from tests.agreements_api.days import on_day
from tests.agreements_api.history.looking import Looking, now, with_moments
from tests.agreements_api.history.test_as_of import LONG_AGO
from tests.agreements_api.recurrence.test_occurrences import made, repeated
from tests.agreements_api.recurrence.test_recurrence import MONTHLY, new_task, put

EVERY = {"If-Match": "*"}
BEFORE = "0026"
_KEPT = "select recurrence_id, since, agreement_id, state from task_recurrence_past order by since"


async def set_anew(world: World, path: str, looking: Looking | None = None) -> None:
    """Set, changed, ended and begun again, looked at after each."""
    settings: tuple[Json | None, ...] = (
        MONTHLY,
        {"frequency": "quarterly"},
        None,
        {"frequency": "half_yearly", "until": "2029-12-31", "working_days_after": 5},
    )
    for setting in settings:
        if setting is not None:
            accepted(await put(world, path, setting), 200)
        else:
            accepted(await world.specialist("dongtrieu").delete(f"{path}/recurrence", **EVERY), 200)
        if looking is not None:
            await looking.look(f"{path}/recurrence")


async def test_every_read_shows_what_it_showed_then(world: World, plan: Json) -> None:
    path, reader = await new_task(world, plan), world.person("haiduong", Role.VIEWER)
    looking, before = Looking(reader), now()
    await set_anew(world, path, looking)
    assert await looking.again() == 4
    problem(await reader.get(f"{path}/recurrence", as_of=before), 404, "not_found")


async def test_an_occurrence_that_followed_was_not_there_before(world: World) -> None:
    plan = await world.plan()
    path = await repeated(world, plan)
    reader = world.person("dongtrieu")
    looking = Looking(reader)
    await looking.look(f"{path}/recurrence")
    async with on_day(world, date(2027, 1, 4)):
        before = now()
        await make_due(world.registry.database, 50)
        [following] = await made(world, path)
        await looking.look(f"{path}/recurrence", f"/v1/tasks/{following['id']}/recurrence")
        assert await looking.again() == 3
        was = await reader.read(f"{path}/recurrence", as_of=before)
        assert was["current_task_id"] != str(following["id"])
        problem(await reader.get(f"/v1/tasks/{following['id']}/recurrence", as_of=before), 404)


async def test_before_the_task_was_there_and_for_strangers_it_is_not_found(world: World, plan: Json) -> None:
    path, reader = await new_task(world, plan), world.person("dongtrieu")
    accepted(await put(world, path, MONTHLY), 200)
    problem(await reader.get(f"{path}/recurrence", as_of=LONG_AGO), 404)
    problem(await world.person("elsewhere").get(f"{path}/recurrence", as_of=now()), 404)
    assert pointers(problem(await reader.get(f"{path}/recurrence", as_of="2199-01-01"), 422)) == ["/query/as_of"]


async def test_what_was_kept_of_the_past_stays(world: World) -> None:
    """The application itself cannot write it anew."""
    granted = await world.rows(
        "select privilege_type from information_schema.role_table_grants"
        " where table_name = 'task_recurrence_past' and grantee = 'agreements_app'"
    )
    assert [row["privilege_type"] for row in granted] == ["SELECT"]


async def test_what_was_there_before_is_worked_out_but_for_its_working_days(world: World) -> None:
    await set_anew(world, await new_task(world, await world.plan()))
    followed = await repeated(world, await world.plan())
    async with on_day(world, date(2027, 2, 16)):
        for _ in range(3):
            await make_due(world.registry.database, 50)
    kept = await _past(world)
    assert len(kept) >= 5
    await asyncio.to_thread(downgrade, "agreements_api", world.address.owner_url, BEFORE)
    await asyncio.to_thread(upgrade, "agreements_api", world.address.owner_url)
    assert await _past(world) == kept
    reader: Person = world.person("dongtrieu")
    assert (await reader.read(f"{followed}/recurrence", as_of=now()))["current_task_id"] == followed.split("/")[3]


async def _past(world: World) -> list[dict[str, Any]]:
    """What is told of the past, without what it does not show and what was never told."""
    rows = [dict(row) for row in await world.rows(_KEPT)]
    untold = ("next_from", "working_days_after", "until")
    for row in rows:
        state = with_moments(orjson.loads(row["state"]))
        row["state"] = {name: value for name, value in state.items() if name not in untold}
    return rows
