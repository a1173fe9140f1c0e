"""How promises to meet were kept, as far as was known at an instant."""

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import World, accepted, pointers, problem
from tests.agreements_api.history.looking import Looking, now
from tests.agreements_api.history.test_as_of import LONG_AGO
from tests.agreements_api.meeting_rhythm.test_promises import held_on, path_of, promised
from tests.agreements_api.meetings.steps import planned


async def test_the_rhythm_is_what_it_was(world: World) -> None:
    plan = await world.plan()
    path = f"/v1/agreements/{plan['id']}/meeting-rhythm"
    worker = world.specialist("dongtrieu")
    looking = Looking(world.person("haiduong", Role.VIEWER), path, on="2026-11-24")
    await looking.look()
    promise = await promised(world, plan, clause_id=plan["clauses"][0]["id"])
    await looking.look()
    coming = await planned(world, plan, starts_at="2026-12-10T01:00:00Z")
    await looking.look()
    await held_on(world, plan, "2026-04-01T01:00:00Z")
    await held_on(world, plan, "2026-07-01T01:00:00Z", kind="extraordinary")
    await looking.look()
    accepted(await worker.change(f"/v1/meetings/{coming['id']}", {"starts_at": "2027-01-10T01:00:00Z"}), 200)
    await looking.look()
    accepted(await worker.change(path_of(promise), {"frequency": "monthly"}), 200)
    await looking.look()
    await worker.step(f"/v1/meetings/{coming['id']}", "cancel", {"reason": "Hoãn (minh họa)"})
    await world.person("dongtrieu").step(f"/v1/agreements/{plan['id']}", "terminate", {"reason": "Thôi (minh họa)"})
    await looking.look()
    assert await looking.again() == 7


async def test_the_day_is_that_of_the_instant(world: World) -> None:
    plan = await world.plan()
    path, reader = f"/v1/agreements/{plan['id']}/meeting-rhythm", world.person("chilinh")
    before = now()
    await promised(world, plan)
    was = await reader.get(path, as_of=before)
    assert (was.json()["promises"], was.json()["on"]) == ([], (await reader.read(path))["on"])
    again = await reader.get(path, as_of=before, headers={"If-None-Match": was.headers["etag"]})
    assert again.status_code == 304
    problem(await reader.get(path, as_of=LONG_AGO), 404)
    problem(await world.person("elsewhere").get(path, as_of=now()), 404)
    assert pointers(problem(await reader.get(path, as_of="2199-01-01"), 422)) == ["/query/as_of"]
