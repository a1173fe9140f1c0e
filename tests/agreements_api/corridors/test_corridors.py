"""Corridors of an agreement: drawn, read, changed, found."""

from typing import Any
from uuid import uuid4

import pytest

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.corridors.lines import CORRIDOR, corridor, patch, segment


async def test_a_party_draws_a_corridor_and_everybody_in_the_agreement_reads_it(world: World, plan: Json) -> None:
    path = f"/v1/agreements/{plan['id']}/corridors"
    task = await world.task(plan)
    body = CORRIDOR | {"task_id": task["id"], "clause_ids": [plan["clauses"][0]["id"]]}
    answer = await world.specialist("chilinh").post(path, body)
    drawn = accepted(answer, 201)
    assert {name: drawn[name] for name in body} == body
    assert drawn["version"] == 1
    assert drawn["agreement_title"] == plan["title"]
    assert drawn["allowed_actions"] == ["add_segment"]
    reader = world.person("haiduong", Role.VIEWER)
    seen = await reader.get(answer.headers["location"])
    assert accepted(seen, 200) == drawn | {"allowed_actions": []}
    known = {"If-None-Match": seen.headers["etag"]}
    assert (await reader.get(answer.headers["location"], headers=known)).status_code == 304
    custodian = await world.person("dongtrieu").read(answer.headers["location"])
    assert custodian["allowed_actions"] == ["update", "add_segment"]


async def test_nobody_else_learns_of_it(world: World, plan: Json) -> None:
    drawn, stranger = await corridor(world, plan), world.person("elsewhere")
    for part in ("", "/segments", "/geojson", "/synchrony", "/history", f"/segments/{uuid4()}"):
        problem(await stranger.get(drawn["path"] + part), 404)
    problem(await stranger.post(f"/v1/agreements/{plan['id']}/corridors", CORRIDOR), 404)
    problem(await patch(stranger, drawn["path"], {"name": "x"}), 404)
    assert (await stranger.read("/v1/corridors"))["items"] == []


async def test_whoever_signs_nothing_draws_nothing(world: World, plan: Json) -> None:
    await world.task(plan)
    path = f"/v1/agreements/{plan['id']}/corridors"
    for person in (world.specialist("ubnd-dongtrieu"), world.person("chilinh", Role.VIEWER), world.person("haiduong")):
        problem(await person.post(path, CORRIDOR), 403)


async def test_only_an_agreement_in_force_gets_corridors(world: World) -> None:
    opened = await world.opened()
    path = f"/v1/agreements/{opened['id']}"
    problem(await world.specialist("dongtrieu").post(f"{path}/corridors", CORRIDOR), 409, "invalid_transition")
    plan = await world.plan()
    drawn = await corridor(world, plan)
    await world.person("dongtrieu").step(f"/v1/agreements/{plan['id']}", "suspend", {"reason": "Tạm dừng (minh họa)"})
    refused = await world.specialist("chilinh").post(f"{drawn['path']}/segments", {"name": "Đoạn"})
    problem(refused, 409, "invalid_transition")
    assert (await world.specialist("chilinh").read(drawn["path"]))["allowed_actions"] == []


async def test_the_custodian_changes_what_a_patch_names(world: World, plan: Json) -> None:
    drawn, custodian = await corridor(world, plan), world.specialist("dongtrieu")
    answer = await patch(custodian, drawn["path"], {"name": "Tuyến khác", "from_place": None}, '"v1"')
    changed = accepted(answer, 200)
    assert (changed["name"], changed["from_place"], changed["to_place"]) == ("Tuyến khác", None, "B")
    assert changed["version"] == 2
    same = await patch(custodian, drawn["path"], {"name": "Tuyến khác"})
    assert accepted(same, 200) == changed
    problem(await patch(custodian, drawn["path"], {"name": "x"}, '"v1"'), 412)
    problem(await custodian.patch(drawn["path"], {"name": "x"}), 428)
    problem(await patch(world.specialist("chilinh"), drawn["path"], {"name": "x"}), 403)
    [last, first] = (await custodian.read(f"{drawn['path']}/history"))["items"]
    assert (first["action"], last["action"], last["version"]) == ("create_corridor", "update_corridor", 2)
    assert {one["field"]: one["to"] for one in last["changes"]} == {"name": "Tuyến khác", "from_place": None}
    events = await world.registry.outbox(drawn["id"])
    assert [(event["type"], event["data"]["version"]) for event in events] == [
        ("vn.lienvung.corridor.changed.v1", 1),
        ("vn.lienvung.corridor.changed.v1", 2),
    ]
    assert {event["partitionkey"] for event in events} == {plan["id"]}
    assert world.id("chilinh") in events[0]["data"]["members"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": None}, "/name"),
        ({"task_id": str(uuid4())}, "/task_id"),
        ({"clause_ids": [str(uuid4())]}, "/clause_ids/0"),
        ({"clause_ids": "x"}, "/clause_ids"),
        ({"length": 3}, "/length"),
    ],
)
async def test_what_cannot_be_taken_is_named(world: World, plan: Json, change: Json, pointer: str) -> None:
    creation = await world.specialist("dongtrieu").post(f"/v1/agreements/{plan['id']}/corridors", CORRIDOR | change)
    assert pointers(problem(creation, 422)) == [pointer]
    drawn = await corridor(world, plan)
    assert pointers(problem(await patch(world.specialist("dongtrieu"), drawn["path"], change), 422)) == [pointer]
    assert (await world.person("dongtrieu").read(drawn["path"]))["version"] == 1


async def test_a_clause_that_is_named_twice_counts_once(world: World, plan: Json) -> None:
    first, second = (clause["id"] for clause in plan["clauses"])
    drawn = await corridor(world, plan, clause_ids=[first, second, first])
    assert (await world.person("dongtrieu").read(drawn["path"]))["clause_ids"] == [first, second]
    changed = await patch(world.specialist("dongtrieu"), drawn["path"], {"clause_ids": [second, second]})
    assert accepted(changed, 200)["clause_ids"] == [second]


async def test_a_task_of_another_agreement_is_none_of_it(world: World, plan: Json) -> None:
    task = await world.task(await world.plan())
    answer = await world.specialist("dongtrieu").post(
        f"/v1/agreements/{plan['id']}/corridors", CORRIDOR | {"task_id": task["id"]}
    )
    assert pointers(problem(answer, 422)) == ["/task_id"]


async def test_corridors_are_found_by_agreement_owner_and_words(world: World) -> None:
    plan = await world.plan()
    first = await corridor(world, plan, name="Đường Đông Triều (minh họa)")
    second = await corridor(world, plan, name="Đường 100% (minh họa)")
    await segment(world, second, "chilinh")
    reader = world.person("kinhmon")

    async def found(**query: Any) -> list[str]:
        return [one["id"] for one in (await reader.read("/v1/corridors", agreement_id=plan["id"], **query))["items"]]

    assert await found() == [second["id"], first["id"]]
    assert await found(q="dong trieu") == [first["id"]]
    assert await found(q="100%") == [second["id"]]
    assert await found(organization=world.id("chilinh")) == [second["id"]]
    assert await found(organization=world.id("lucnam")) == []
    page = await reader.get("/v1/corridors", agreement_id=plan["id"], limit=1)
    assert [one["id"] for one in page.json()["items"]] == [second["id"]]
    assert 'rel="next"' in page.headers["link"]
    assert await found(limit=1, cursor=page.json()["next_cursor"]) == [first["id"]]
    problem(await reader.get("/v1/corridors", cursor="x"), 400, "invalid_cursor")


async def test_a_system_reads_with_the_scope_of_agreements(world: World, plan: Json) -> None:
    drawn = await corridor(world, plan)
    await world.client("chilinh", "agreements:read").read(drawn["path"])
    for part in ("", "/segments", "/geojson", "/synchrony", "/history"):
        problem(await world.client("chilinh", "corridors:write").get(drawn["path"] + part), 403)
    problem(await world.client("chilinh").get("/v1/corridors"), 403)
