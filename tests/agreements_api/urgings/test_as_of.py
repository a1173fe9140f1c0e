"""Urgings and requests for an explanation as they were at an instant."""

import pytest

from agreements_api.policy import Role
from tests.agreements_api.agreements.test_signing_time import days_later
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.history.looking import Looking, now
from tests.agreements_api.history.test_as_of import LONG_AGO
from tests.agreements_api.urgings.test_urgings import ANSWERED, KINDS, asked


@pytest.mark.parametrize("kind", KINDS)
async def test_every_read_shows_what_it_showed_then(world: World, plan: Json, kind: str) -> None:
    """Until it is answered, while its task becomes another one."""
    task = await world.under_way(plan)
    custodian = world.person("dongtrieu")
    looking = Looking(world.person("haiduong", Role.VIEWER), f"{task}/{kind}")
    await looking.look()
    _, path = await asked(world, task, kind)
    await looking.look(path)
    accepted(await custodian.change(task, {"title": "Tên nhiệm vụ khác"}), 200)
    await looking.look(path)
    moved = {"lead_organization_id": world.id("ubnd-sondong"), "reason": "Đổi đơn vị chủ trì (minh họa)"}
    await custodian.step(task, "reassign", moved)
    await looking.look(path)
    await world.person("ubnd-dongtrieu").step(path, "answer", ANSWERED)
    await looking.look(path)
    _, other = await asked(world, task, kind, organization_id=world.id("ubnd-kinhmon"))
    await looking.look(path, other)
    assert await looking.again() == 12


async def test_what_was_overdue_is_a_matter_of_that_day(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    _, path = await asked(world, task)
    lead, before = world.person("ubnd-dongtrieu"), now()
    async with days_later(world, 10):
        late = now()
        await lead.step(path, "answer", ANSWERED)
        was = await lead.get(path, as_of=late)
        assert (was.json()["overdue"], was.json()["status"], was.json()["version"]) == (True, "open", 1)
        assert (await lead.get(path, as_of=late, headers={"If-None-Match": was.headers["etag"]})).status_code == 304
        assert (await lead.read(path, as_of=before))["overdue"] is False
        for instant, overdue, expected in ((late, "true", 1), (before, "true", 0), (before, "false", 1)):
            found = await lead.read(f"{task}/urgings", as_of=instant, overdue=overdue)
            assert len(found["items"]) == expected, (instant, overdue)


async def test_lists_of_the_past_are_narrowed_by_what_they_were_and_come_in_pages(world: World, plan: Json) -> None:
    task = await world.under_way(plan)
    paths = [(await asked(world, task))[1] for _ in range(3)]
    lead, instant = world.person("ubnd-dongtrieu"), now()
    await lead.step(paths[0], "answer", ANSWERED)
    await asked(world, task)
    page = await lead.read(f"{task}/urgings", as_of=instant, status="open", limit=2)
    rest = await lead.read(f"{task}/urgings", as_of=instant, status="open", limit=2, cursor=page["next_cursor"])
    found = [f"{task}/urgings/{item['id']}" for item in (*page["items"], *rest["items"])]
    assert (found, rest["next_cursor"]) == (paths[::-1], None)
    assert (await lead.read(f"{task}/urgings", as_of=instant, status="answered"))["items"] == []


async def test_all_of_an_agreement_or_a_task_are_listed_as_they_were(world: World) -> None:
    plan = await world.plan()
    task, other = await world.under_way(plan), await world.under_way(plan)
    (first, path), (second, _) = await asked(world, task), await asked(world, other, "explanations")
    lead, instant = world.person("ubnd-dongtrieu"), now()
    await lead.step(path, "answer", ANSWERED)
    await asked(world, task, organization_id=world.id("ubnd-kinhmon"))

    async def ids(**query: str) -> list[str]:
        return [item["id"] for item in (await lead.read("/v1/urgings", as_of=instant, **query))["items"]]

    assert await ids(agreement_id=plan["id"]) == [second["id"], first["id"]]
    assert await ids(task_id=first["task_id"], status="open", kind="urging") == [first["id"]]
    assert await ids(agreement_id=plan["id"], organization=lead.organization) == [second["id"], first["id"]]
    assert await ids(agreement_id=plan["id"], organization=world.id("ubnd-kinhmon")) == []
    assert await ids(agreement_id=plan["id"], status="answered") == []
    assert pointers(problem(await lead.get("/v1/urgings", as_of=instant), 422)) == ["/query/agreement_id"]
    stranger = world.person("elsewhere")
    assert (await stranger.read("/v1/urgings", as_of=instant, agreement_id=plan["id"]))["items"] == []


@pytest.mark.parametrize("kind", KINDS)
async def test_before_it_was_asked_and_for_strangers_it_is_not_found(world: World, plan: Json, kind: str) -> None:
    task = await world.under_way(plan)
    reader, stranger, before = world.person("dongtrieu"), world.person("elsewhere"), now()
    _, path = await asked(world, task, kind)
    assert (await reader.read(f"{task}/{kind}", as_of=before))["items"] == []
    problem(await reader.get(path, as_of=before), 404)
    problem(await reader.get(f"{task}/{kind}", as_of=LONG_AGO), 404)
    for where in (path, f"{task}/{kind}"):
        problem(await stranger.get(where, as_of=now()), 404)
        assert pointers(problem(await reader.get(where, as_of="2199-01-01"), 422)) == ["/query/as_of"]
