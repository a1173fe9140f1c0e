"""Changing a task and its deadlines: what stays on record, what is told, what is refused."""

from typing import Any

import pytest

from tests.agreements_api.agreements.world import Json, Person, World, accepted, pointers, problem


async def test_a_postponed_task_keeps_its_first_deadline(world: World, plan: Json) -> None:
    path, custodian = await new_task(world, plan)
    changed = accepted(await custodian.change(path, {"due_on": "2027-03-31"}), 200)
    assert (changed["due_on"], changed["original_due_on"]) == ("2027-03-31", "2026-12-31")
    again = accepted(await custodian.change(path, {"due_on": "2027-06-30"}), 200)
    assert (again["due_on"], again["original_due_on"]) == ("2027-06-30", "2026-12-31")
    assert await last_change(custodian, path) == (
        "change_deadline",
        [{"field": "due_on", "from": "2027-03-31", "to": "2027-06-30"}],
    )


async def test_the_first_deadline_is_the_first_that_was_set(world: World, plan: Json) -> None:
    path, custodian = await new_task(world, plan, due_on=None)
    assert (await custodian.read(path))["timeliness"] == "no_deadline"
    changed = accepted(await custodian.change(path, {"due_on": "2027-03-31"}), 200)
    assert (changed["due_on"], changed["original_due_on"]) == ("2027-03-31", "2027-03-31")


async def test_a_party_can_get_a_deadline_of_its_own(world: World, plan: Json) -> None:
    path, custodian = await new_task(world, plan)
    kinhmon, chilinh = world.id("ubnd-kinhmon"), world.id("ubnd-chilinh")
    patch = {"coordinating": [{"organization_id": chilinh}, {"organization_id": kinhmon, "due_on": "2026-12-15"}]}
    changed = accepted(await custodian.change(path, patch), 200)
    assert {party["organization_id"]: party["due_on"] for party in changed["coordinating"]} == {
        kinhmon: "2026-12-15",
        chilinh: None,
    }
    assert await last_change(custodian, path) == (
        "change_deadline",
        [{"field": f"due_on/{kinhmon}", "from": None, "to": "2026-12-15"}],
    )


async def test_the_event_says_whether_a_deadline_changed(world: World, plan: Json) -> None:
    path, custodian = await new_task(world, plan)
    await custodian.change(path, {"title": "Tên khác", "note": "Ghi chú"})
    await custodian.change(path, {"title": "Tên khác nữa", "due_on": "2027-01-31"})
    events = await world.registry.outbox(path.split("/")[-1])
    assert [event["type"].split(".")[3] for event in events] == ["assigned", "updated", "deadline_changed"]
    assert [change["field"] for change in events[-1]["data"]["changes"]] == ["title", "due_on"]
    assert [change["field"] for change in events[-2]["data"]["changes"]] == ["title", "note"]


async def test_null_clears_and_what_is_absent_stays(world: World, plan: Json) -> None:
    path, custodian = await new_task(world, plan, description="Mô tả", note="Ghi chú")
    changed = accepted(await custodian.change(path, {"description": None}), 200)
    assert (changed["description"], changed["note"], changed["deliverable"]) == (None, "Ghi chú", "Biên bản")


async def test_a_patch_that_changes_nothing_makes_no_version(world: World, plan: Json) -> None:
    path, custodian = await new_task(world, plan)
    before = await custodian.read(path)
    assert accepted(await custodian.change(path, {}), 200) == before
    assert accepted(await custodian.change(path, {"title": before["title"]}), 200) == before
    assert len(await world.registry.outbox(before["id"])) == 1


async def test_a_new_title_is_found_and_the_old_one_is_not(world: World, plan: Json) -> None:
    path, custodian = await new_task(world, plan, title="Đường nối cũ")
    await custodian.change(path, {"title": "Cầu Triều mới"})
    assert [task["title"] for task in (await custodian.read("/v1/tasks", q="cau trieu"))["items"]] == ["Cầu Triều mới"]
    assert (await custodian.read("/v1/tasks", q="duong noi cu"))["items"] == []


@pytest.mark.parametrize(
    ("patch", "pointer"),
    [
        ({"title": None}, "/title"),
        ({"title": ""}, "/title"),
        ({"title": "x" * 1001}, "/title"),
        ({"due_on": "2027-02-30"}, "/due_on"),
        ({"due_on": 20270131}, "/due_on"),
        ({"due_on": "1767225600"}, "/due_on"),
        ({"due_on": "1944-01-01"}, "/due_on"),
        ({"due_on": "9999-12-31"}, "/due_on"),
        ({"status": "completed"}, "/status"),
        ({"lead_organization_id": "01990000-0000-7000-8000-000000000003"}, "/lead_organization_id"),
        ({"coordinating": []}, "/coordinating"),
        ({"coordinating": None}, "/coordinating"),
        ({"monitoring": [{"organization_id": "01990000-0000-7000-8000-000000000003"}]}, "/monitoring"),
    ],
)
async def test_a_patch_that_cannot_be_taken_names_its_field(world: World, plan: Json, patch: Any, pointer: str) -> None:
    path, custodian = await new_task(world, plan)
    before = await custodian.read(path)
    assert pointers(problem(await custodian.change(path, patch), 422)) == [pointer]
    assert await custodian.read(path) == before


async def test_only_the_custodian_changes_a_task(world: World, plan: Json) -> None:
    path, _ = await new_task(world, plan)
    for key in ("ubnd-dongtrieu", "ubnd-kinhmon", "chilinh", "quangninh"):
        problem(await world.person(key).change(path, {"title": "Khác"}), 403, "forbidden")


async def new_task(world: World, plan: Json, **given: Any) -> tuple[str, Person]:
    return f"/v1/tasks/{(await world.task(plan, **given))['id']}", world.person("dongtrieu")


async def last_change(person: Person, path: str) -> tuple[str, list[Json]]:
    newest = (await person.read(f"{path}/history", limit=1))["items"][0]
    return newest["action"], newest["changes"]
