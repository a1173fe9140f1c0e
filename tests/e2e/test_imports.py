"""A table of tasks through the gateway: checked, followed as it goes on, written whole, and told to whoever listens."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.agreements_api.imports.tables import HEADERS, workbook
from tests.e2e.conftest import Json, Signed, in_force

TASKS = 450
PATIENCE = 60.0
Events = AsyncIterator[tuple[str, Json]]


def table(agreement: Json, count: int, *, until: str = "31/12/2030") -> bytes:
    lead, other = [party["organization_name"] for party in agreement["parties"]]
    return workbook(HEADERS, *((str(at), f"Việc nhập {at}", lead, other, until) for at in range(1, count + 1)))


async def send(leader: Signed, agreement: Json, content: bytes) -> Json:
    answer = await leader.http.post(
        "/v1/imports",
        headers=leader.unsafe(),
        data={"kind": "tasks", "agreement_id": agreement["id"], "demonstration": "true"},
        files={"file": ("nhiem-vu.xlsx", content)},
    )
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/imports/{answer.json()['id']}"
    sent: Json = answer.json()
    return sent


@asynccontextmanager
async def listening(leader: Signed, path: str) -> AsyncIterator[Events]:
    """What a stream says, as name and data of each event."""
    headers = leader.headers | {"Accept": "text/event-stream"}
    async with leader.http.stream("GET", path, headers=headers) as answer, asyncio.timeout(PATIENCE):
        assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/event-stream")
        yield events(answer)


async def events(answer: httpx.Response) -> Events:
    name = ""
    async for line in answer.aiter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))


async def followed(leader: Signed, sent: Json) -> list[Json]:
    """Every state that the import's stream tells, until it ends by itself."""
    async with listening(leader, f"/v1/imports/{sent['id']}/events") as stream:
        states = [(name, state) async for name, state in stream]
    assert {name for name, _ in states} == {"progress"}
    return [state for _, state in states]


def rising(states: list[Json], figure: Callable[[Json], int]) -> bool:
    return [figure(state) for state in states] == sorted(figure(state) for state in states)


async def test_a_table_is_followed_from_its_check_to_its_tasks(operator: Signed) -> None:
    leader, agreement = await in_force(operator)
    sent = await send(leader, agreement, table(agreement, TASKS))
    checked = (await followed(leader, sent))[-1]
    assert (checked["status"], checked["errors"], checked["progress"]["checked"]) == ("checked", 0, TASKS)
    listed = await leader.get("/v1/tasks", agreement_id=agreement["id"], count="true", limit=1)
    assert listed["total"] == 0
    async with listening(leader, f"/v1/events?agreement_id={agreement['id']}") as feed:
        committed = await leader.act(f"/v1/imports/{sent['id']}", "commit")
        states = await followed(leader, committed)
        assert (states[-1]["status"], states[-1]["progress"]["written"]) == ("completed", TASKS)
        # It was told while it was going on, and not only when it was over.
        assert len(states) > 1
        writing = [state for state in states if state["status"] in ("writing", "completed")]
        assert rising(writing, lambda state: state["progress"]["written"])
        assigned = [await anext(feed) for _ in range(TASKS)]
    assert {name for name, _ in assigned} == {"vn.lienvung.task.assigned.v1"}
    listed = await leader.get("/v1/tasks", agreement_id=agreement["id"], count="true", limit=1)
    assert (listed["total"], listed["items"][0]["demonstration"]) == (TASKS, True)
    assert len({event["data"]["task"]["title"] for _, event in assigned}) == TASKS


async def test_the_same_table_is_written_once(operator: Signed) -> None:
    leader, agreement = await in_force(operator)
    content = table(agreement, 3)
    for expected in ("completed", "duplicate"):
        sent = await send(leader, agreement, content)
        state = (await followed(leader, sent))[-1]
        if state["status"] == "checked":
            committed = await leader.act(f"/v1/imports/{sent['id']}", "commit")
            state = (await followed(leader, committed))[-1]
        assert state["status"] == expected
    listed = await leader.get("/v1/tasks", agreement_id=agreement["id"], count="true", limit=1)
    assert listed["total"] == 3


async def test_errors_are_told_by_cell_and_nothing_is_written(operator: Signed) -> None:
    leader, agreement = await in_force(operator)
    sent = await send(leader, agreement, table(agreement, 2, until="31/13/2030"))
    state = (await followed(leader, sent))[-1]
    assert (state["status"], state["errors"]) == ("refused", 2)
    found = (await leader.get(f"/v1/imports/{sent['id']}/errors"))["items"]
    assert [(error["cell"], error["code"]) for error in found] == [("E2", "no_date"), ("E3", "no_date")]
    listed = await leader.get("/v1/tasks", agreement_id=agreement["id"], count="true", limit=1)
    assert listed["total"] == 0


@pytest.mark.parametrize("path", ["", "/events", "/errors"], ids=["import", "stream", "errors"])
async def test_nobody_else_sees_the_import(operator: Signed, outsider: Signed, path: str) -> None:
    leader, agreement = await in_force(operator)
    sent = await send(leader, agreement, table(agreement, 1))
    answer = await outsider.http.get(f"/v1/imports/{sent['id']}{path}", headers=outsider.headers)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
