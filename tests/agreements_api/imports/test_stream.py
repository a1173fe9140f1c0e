"""The progress of an import as a stream, as long as something is done by itself."""

import asyncio
import json
from itertools import pairwise
from typing import Any

import httpx

from tests.agreements_api.agreements.world import World, accepted, problem
from tests.agreements_api.imports.office import Office
from tests.agreements_api.imports.tables import HEADERS, tasks, workbook

PATIENCE = 20.0


def told(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = answer.text.splitlines()
    assert {line for line in lines if line.startswith("event:")} == {"event: progress"}
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


async def test_an_import_is_followed_until_it_is_written(world: World, office: Office) -> None:
    plan, person = await world.plan(), world.specialist("dongtrieu")
    sent = accepted(await office.send(person, tasks(3), kind="tasks", agreement_id=plan["id"], dry_run=False), 202)
    path = f"/v1/imports/{sent['id']}"
    following = asyncio.create_task(world.http.get(f"{path}/events", headers=person.headers))
    await asyncio.sleep(0.1)
    await office.work()
    states = told(await asyncio.wait_for(following, PATIENCE))
    assert states[0] == sent
    assert (states[-1]["status"], states[-1]["progress"]["written"]) == ("completed", 3)
    assert states[-1] == await person.read(path)
    assert all(one != other for one, other in pairwise(states))


async def test_the_stream_ends_where_a_person_has_to_go_on(world: World, office: Office) -> None:
    plan, person = await world.plan(), world.specialist("dongtrieu")
    checked = await office.imported(tasks(2), kind="tasks", agreement_id=plan["id"])
    answer = await asyncio.wait_for(
        world.http.get(f"/v1/imports/{checked['id']}/events", headers=person.headers), PATIENCE
    )
    assert told(answer) == [checked]


async def test_a_refusal_is_told_in_the_language_that_is_asked_for(world: World, office: Office) -> None:
    plan, person = await world.plan(), world.specialist("dongtrieu")
    refused = await office.imported(workbook(HEADERS[:1], ("1",)), kind="tasks", agreement_id=plan["id"])
    assert refused["status"] == "refused"
    headers = person.headers | {"Accept-Language": "en"}
    answer = await asyncio.wait_for(world.http.get(f"/v1/imports/{refused['id']}/events", headers=headers), PATIENCE)
    [state] = told(answer)
    assert state["refusal"]["code"] == refused["refusal"]["code"]
    assert state["refusal"]["detail"] != refused["refusal"]["detail"]


async def test_an_import_of_another_organisation_is_not_found(world: World, office: Office) -> None:
    plan = await world.plan()
    sent = accepted(
        await office.send(world.specialist("dongtrieu"), tasks(1), kind="tasks", agreement_id=plan["id"]), 202
    )
    answer = await world.http.get(f"/v1/imports/{sent['id']}/events", headers=world.specialist("chilinh").headers)
    problem(answer, 404)
