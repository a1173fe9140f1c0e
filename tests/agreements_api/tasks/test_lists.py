"""Lists of tasks: which, in which order, page by page."""

import re
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio

from agreements_api.tasks.schemas import TaskPublic
from tests.agreements_api.agreements.world import REPORT, World

MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T")
TITLES = {
    "a": "Đường nối Đông Triều – Kinh Môn",
    "b": "Cầu Triều",
    "c": "Giảm 100% vướng mắc xâm_canh",
    "d": "Quảng bá sản phẩm",
    "e": "Bản đồ địa giới",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def listed(world: World) -> dict[str, str]:
    """Five tasks of two plans by a letter; b and c are due on the same day, e never."""
    first, second = await world.plan(), await world.plan()
    tasks = {
        "a": await world.task(first, title=TITLES["a"], due_on="2026-12-31", field="hạ tầng giao thông"),
        "b": await world.task(first, title=TITLES["b"], due_on="2027-01-31", lead="ubnd-chilinh", coordinating=()),
        "c": await world.task(first, title=TITLES["c"], due_on="2027-01-31"),
        "d": await world.task(second, title=TITLES["d"], due_on="2027-06-30", monitoring=("haiduong",)),
        "e": await world.task(
            second, title=TITLES["e"], due_on=None, lead="ubnd-sondong", coordinating=("ubnd-kinhmon",)
        ),
    }
    worker = world.specialist("ubnd-dongtrieu")
    await worker.step(f"/v1/tasks/{tasks['c']['id']}", "accept")
    await worker.step(f"/v1/tasks/{tasks['a']['id']}", "accept")
    await worker.step(f"/v1/tasks/{tasks['a']['id']}", "submit")
    return {letter: task["id"] for letter, task in tasks.items()} | {"plan": second["id"]}


async def letters(world: World, listed: dict[str, str], key: str = "dongtrieu", **query: Any) -> str:
    """Which tasks a body's leader gets, in the order in which they come, one page after the other."""
    person, found, cursor = world.person(key), [], None
    while True:
        page = await person.read("/v1/tasks", limit=2, **query, **({"cursor": cursor} if cursor else {}))
        found += [task["id"] for task in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return "".join(by_id(listed)[task_id] for task_id in found)


def by_id(listed: dict[str, str]) -> dict[str, str]:
    return {task_id: letter for letter, task_id in listed.items()}


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("due_on", "abcde"),
        ("-due_on", "edcba"),
        ("created_at", "abcde"),
        ("-created_at", "edcba"),
        ("updated_at", "bdeca"),
        ("-updated_at", "acedb"),
    ],
)
async def test_every_order_shows_every_task_once(
    world: World, listed: dict[str, str], sort: str, expected: str
) -> None:
    assert await letters(world, listed, sort=sort) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "not_started"}, "bde"),
        ({"status": ["in_progress", "submitted"]}, "ac"),
        ({"due_before": "2027-01-31"}, "a"),
        ({"due_before": "2027-02-01"}, "abc"),
        ({"due_after": "2027-01-31"}, "d"),
        ({"due_after": "2026-12-30", "due_before": "2027-06-30"}, "abc"),
        ({"field": "hạ tầng giao thông"}, "a"),
        ({"q": "dong trieu"}, "a"),
        ({"q": "TRIỀU"}, "ab"),
        ({"q": "100%"}, "c"),
        ({"q": "m_c"}, "c"),
        ({"q": "x%y"}, ""),
        ({"q": "  "}, "abcde"),
        ({"relation": "lead"}, ""),
        ({"timeliness": "no_deadline"}, "e"),
    ],
)
async def test_a_filter_narrows_the_list(
    world: World, listed: dict[str, str], query: dict[str, Any], expected: str
) -> None:
    assert await letters(world, listed, **query) == expected


async def test_tasks_of_one_agreement(world: World, listed: dict[str, str]) -> None:
    """By themselves, and with everything else that narrows a list."""

    async def found(**query: Any) -> str:
        return await letters(world, listed, agreement_id=listed["plan"], **query)

    assert await found() == "de"
    assert await found(organization=world.id("ubnd-dongtrieu")) == "d"
    assert await found(organization=world.id("ubnd-dongtrieu"), relation="coordinating") == ""
    assert await found(locality=str(world.organizations["ubnd-sondong"].unit_id)) == "e"
    assert await found(timeliness="no_deadline", status="not_started") == "e"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"organization": "ubnd-kinhmon"}, "acde"),
        ({"organization": "ubnd-dongtrieu", "relation": "lead"}, "acd"),
        ({"organization": "ubnd-chilinh", "relation": ["lead", "coordinating"]}, "abcd"),
        ({"organization": "haiduong", "relation": "monitor"}, "d"),
        ({"organization": "dongtrieu"}, ""),
        ({"locality": "ubnd-sondong"}, "e"),
        ({"locality": "ubnd-chilinh", "relation": "lead"}, "b"),
        ({"locality": "ubnd-chilinh", "organization": "ubnd-kinhmon"}, ""),
    ],
)
async def test_tasks_that_somebody_takes_part_in(
    world: World, listed: dict[str, str], query: dict[str, Any], expected: str
) -> None:
    meant = dict(query)
    if "organization" in meant:
        meant["organization"] = world.id(meant["organization"])
    if "locality" in meant:
        meant["locality"] = str(world.organizations[meant["locality"]].unit_id)
    assert await letters(world, listed, **meant) == expected


@pytest.mark.parametrize(
    ("key", "query", "expected"),
    [
        ("ubnd-dongtrieu", {"relation": "lead"}, "acd"),
        ("ubnd-kinhmon", {"relation": "coordinating"}, "acde"),
        ("haiduong", {"relation": "monitor"}, "d"),
        # Members of both plans by their part in a task: they see all that was agreed beside it.
        ("ubnd-kinhmon", {}, "abcde"),
        ("quangninh", {}, "abcde"),
        ("elsewhere", {}, ""),
    ],
)
async def test_everybody_gets_the_tasks_of_his_own_agreements(
    world: World, listed: dict[str, str], key: str, query: dict[str, Any], expected: str
) -> None:
    assert await letters(world, listed, key, **query) == expected


async def test_the_count_is_of_all_that_match(world: World, listed: dict[str, str]) -> None:
    person = world.person("dongtrieu")
    for query, total in (
        ({}, 5),
        ({"q": "triều", "status": "not_started"}, 1),
        ({"timeliness": ["no_deadline", "overdue"], "relation": "lead", "organization": world.id("ubnd-sondong")}, 1),
    ):
        page = await person.read("/v1/tasks", limit=1, count="true", **query)
        assert (len(page["items"]), page["total"]) == (1, total)
    assert "total" not in await person.read("/v1/tasks")


async def test_the_next_page_is_linked_with_the_same_filters(world: World, listed: dict[str, str]) -> None:
    person = world.person("dongtrieu")
    answer = await person.get("/v1/tasks", limit=1, status="not_started")
    link = answer.headers["link"]
    assert link.endswith('; rel="next"')
    following = await world.http.get(link.split(">")[0].removeprefix("<"), headers=person.headers)
    assert [task["id"] for task in following.json()["items"]] == [listed["d"]]
    assert "link" not in (await person.get("/v1/tasks", q="cau trieu")).headers


async def test_a_list_asked_for_again_is_answered_for_whoever_asks(world: World, listed: dict[str, str]) -> None:
    """What a query means is remembered, and never who asked it first or what he was told."""
    query: dict[str, Any] = {"limit": 3, "sort": "created_at"}
    for key, expected in (("dongtrieu", "abc"), ("elsewhere", ""), ("dongtrieu", "abc")):
        page = await world.person(key).read("/v1/tasks", **query)
        assert "".join(by_id(listed)[task["id"]] for task in page["items"]) == expected
    assert (await world.http.get("/v1/tasks", params=query)).status_code == 401
    for _ in range(2):
        assert (
            await world.person("dongtrieu").get("/v1/tasks", limit=3, sort="created_at", count="x")
        ).status_code == 422


async def test_a_list_shows_each_task_as_its_own_address_does(world: World, listed: dict[str, str]) -> None:
    for key in ("dongtrieu", "ubnd-dongtrieu", "ubnd-kinhmon", "haiduong"):
        person = world.person(key)
        for task in (await person.read("/v1/tasks"))["items"]:
            assert task == await person.read(f"/v1/tasks/{task['id']}")


async def test_what_postgresql_builds_is_what_the_model_promises(world: World, listed: dict[str, str]) -> None:
    """Neither a field more nor less, and every value of its type; with a report, without one, and cancelled."""
    await world.specialist("ubnd-dongtrieu").step(f"/v1/tasks/{listed['c']}", "reports", REPORT)
    for task in (await world.person("dongtrieu").read("/v1/tasks"))["items"]:
        shown = TaskPublic.model_validate(task).model_dump(mode="json")
        assert keys(task) == keys(shown)
        assert normal(task) == normal(shown)


def keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: keys(item) for name, item in value.items()}
    return [keys(item) for item in value] if isinstance(value, list) else None


def normal(value: Any) -> Any:
    """Times as moments: PostgreSQL and Pydantic spell the same one differently."""
    if isinstance(value, dict):
        return {name: normal(item) for name, item in value.items()}
    if isinstance(value, list):
        return [normal(item) for item in value]
    return datetime.fromisoformat(value) if isinstance(value, str) and MOMENT.match(value) else value
