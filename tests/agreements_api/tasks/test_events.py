"""What the outbox is given of a task: one event for each version, whole, in order, for whom it concerns."""

from typing import Any
from uuid import UUID

import jsonschema
import orjson
import pytest

from shared.events import TASKS, TaskCompleted, TaskEvent, parse_envelope
from shared.events.export import schema_of
from tests.agreements_api.agreements.world import REPORT, Json, World


async def test_each_version_is_one_event_in_order(world: World, plan: Json) -> None:
    path = await world.submitted(plan)
    await world.person("ubnd-kinhmon").step(path, "return", {"reason": "Chưa đủ"})
    await world.specialist("ubnd-dongtrieu").step(path, "submit")
    for key in ("ubnd-kinhmon", "ubnd-chilinh"):
        await world.person(key).step(path, "confirm")
    rows = await outbox(world, path)
    assert [(row["version"], row["type"].split(".")[3]) for row in rows] == [
        (1, "assigned"),
        (2, "accepted"),
        (3, "progress_reported"),
        (4, "submitted"),
        (5, "returned"),
        (6, "submitted"),
        (7, "confirmed"),
        (8, "confirmed"),
        (9, "completed"),
    ]
    assert {(row["topic"], row["key"]) for row in rows} == {(TASKS, plan["id"])}
    for row in rows:
        envelope = parse_envelope(row["payload"])
        event = envelope.data
        assert isinstance(event, TaskEvent)
        assert (event.version, event.task.version, envelope.type) == (row["version"], row["version"], row["type"])
        jsonschema.validate(orjson.loads(row["payload"]), schema_of(type(event)))


async def test_the_last_event_holds_the_task_as_it_is_read(world: World, plan: Json) -> None:
    path = await world.submitted(plan, monitoring=("haiduong",), description="Mô tả")
    for key in ("ubnd-kinhmon", "ubnd-chilinh"):
        await world.person(key).step(path, "confirm")
    event = parse_envelope((await outbox(world, path))[-1]["payload"]).data
    assert isinstance(event, TaskCompleted)
    told, read = event.task.model_dump(mode="json"), await world.person("dongtrieu").read(path)
    shown = type(event.task).model_validate(read).model_dump(mode="json")
    assert told == shown
    assert [(change.field, change.from_, change.to) for change in event.changes if change.field == "status"] == [
        ("status", "submitted", "completed")
    ]


async def test_an_event_names_who_acted_and_everybody_who_may_see_it(world: World) -> None:
    plan = await world.plan()
    path = await world.under_way(plan, lead="ubnd-dongtrieu", coordinating=("ubnd-kinhmon",))
    assigned, accepted = (parse_envelope(row["payload"]).data for row in await outbox(world, path))
    parties = ("dongtrieu", "chilinh", "kinhmon", "sondong", "lucnam", "quangninh", "haiduong", "bacgiang")
    members = {world.organizations[key].id for key in (*parties, "ubnd-dongtrieu", "ubnd-kinhmon")}
    assert set(assigned.members) == set(accepted.members) == members
    worker = world.specialist("ubnd-dongtrieu").actor
    assert (accepted.actor.id, accepted.actor.kind, accepted.actor.organization_id) == (
        worker.id,
        "user",
        worker.organization_id,
    )


async def test_an_assignment_tells_what_was_given_to_whom(world: World, plan: Json) -> None:
    task = await world.task(plan, coordinating=("ubnd-kinhmon",))
    event = parse_envelope((await outbox(world, f"/v1/tasks/{task['id']}"))[0]["payload"]).data
    told = {change.field: change.to for change in event.changes}
    assert told["lead"] == "UBND thị xã Đông Triều"
    assert told["coordinating"] == "UBND thị xã Kinh Môn"
    assert told["due_on"] == "2026-12-31"


@pytest.mark.parametrize("verb", ["submit", "confirm"])
async def test_a_refused_step_tells_nobody(world: World, plan: Json, verb: str) -> None:
    task = await world.task(plan)
    await world.person("ubnd-kinhmon").post(f"/v1/tasks/{task['id']}/{verb}", **{"If-Match": "*"})
    assert len(await outbox(world, task["id"])) == 1


async def test_a_report_is_told_with_its_difficulties(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    await world.specialist("ubnd-dongtrieu").step(path, "reports", REPORT)
    event = parse_envelope((await outbox(world, path))[-1]["payload"]).data
    assert isinstance(event, TaskEvent)
    assert event.task.last_report is not None
    assert event.task.last_report.model_dump(mode="json", exclude={"reported_at"}) == REPORT | {"evidence": []}
    assert [(change.field, change.from_, change.to) for change in event.changes] == [("percent", 0, 40)]


async def outbox(world: World, path: str) -> list[Any]:
    return await world.rows(
        "select version, type, topic, key, payload::text as payload from outbox where aggregate_id = $1 order by id",
        UUID(path.split("/")[-1]),
    )
