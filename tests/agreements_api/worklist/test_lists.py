"""Lists of work: their order, pages, filters and counts, whose they are, and the words in both languages."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from agreements_api.policy import Role
from agreements_api.tasks.timeliness import soon_until
from shared import clock
from shared.auth import Actor
from tests.agreements_api.agreements.world import Json, Person, World, accepted, pointers, problem
from tests.agreements_api.assignments.people import assign, employee
from tests.agreements_api.worklist.lists import MY_WORK, of, waiting, work

ORGANIZATION: dict[str, Any] = {"scope": "organization"}
_NARROWED: tuple[dict[str, Any], ...] = ({}, {"limit": 1}, {"kind": "sign"}, {"urgency": "overdue", "limit": 1})


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def due(world: World, plan: Json) -> dict[str, str]:
    """Tasks that nobody has accepted, each with another deadline: its urgency and its id."""
    today = clock.today()
    days: dict[str, date | None] = {
        "later": soon_until(today) + timedelta(days=1),
        "none": None,
        "overdue": today - timedelta(days=5),
        "soon": soon_until(today),
        "today": today,
    }
    return {
        name: (await world.task(plan, coordinating=(), due_on=day and day.isoformat()))["id"]
        for name, day in days.items()
    }


def ids(items: Sequence[Json]) -> list[str]:
    return [item["subject"]["id"] for item in items]


async def test_the_most_urgent_comes_first_and_what_has_no_deadline_last(world: World, due: dict[str, str]) -> None:
    items = [item for item in await work(world.person("ubnd-dongtrieu")) if item["subject"]["id"] in due.values()]
    assert ids(items) == [due[name] for name in ("overdue", "today", "soon", "later", "none")]
    assert [item["urgency"] for item in items] == ["overdue", "today", "soon", "later", "later"]
    assert items[-1]["due_at"] is None
    # A deadline is the end of its day in Vietnam.
    assert items[1]["due_at"] == f"{clock.today().isoformat()}T17:00:00Z"


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("vi", {"overdue": "đã quá hạn 5 ngày", "today": "hết hạn hôm nay", "soon": "còn 7 ngày làm việc"}),
        ("en", {"overdue": "5 days overdue", "today": "due today", "soon": "7 working days are left"}),
    ],
)
async def test_the_reason_is_told_in_the_callers_language(
    world: World, due: dict[str, str], language: str, words: dict[str, str]
) -> None:
    answer = await world.person("ubnd-dongtrieu").get(MY_WORK, headers={"Accept-Language": language}, limit=200)
    assert (answer.headers["content-language"], answer.headers["vary"]) == (language, "Accept-Language")
    messages = {item["subject"]["id"]: item["message"] for item in accepted(answer, 200)["items"]}
    for name, expected in words.items():
        assert expected in messages[due[name]]


async def test_pages_are_the_list_cut_in_pieces(world: World, due: dict[str, str]) -> None:
    person = world.person("ubnd-dongtrieu")
    whole = await work(person)
    seen: list[Json] = []
    cursor: dict[str, Any] = {}
    while True:
        answer = await person.get(MY_WORK, limit=2, **cursor)
        page = accepted(answer, 200)
        assert len(page["items"]) <= 2
        seen += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
        assert f"cursor={page['next_cursor']}" in answer.headers["link"]
    assert seen == whole


async def test_a_cursor_is_good_for_its_own_list(world: World, due: dict[str, str]) -> None:
    person = world.person("ubnd-dongtrieu")
    cursor = (await person.read(MY_WORK, limit=1))["next_cursor"]
    problem(await person.get(MY_WORK, limit=1, cursor=cursor, **ORGANIZATION), 400, "invalid_cursor")


async def test_counts_are_of_the_whole_list(world: World, due: dict[str, str]) -> None:
    person = world.person("ubnd-dongtrieu")
    whole = await work(person)
    expected = {
        "total": len(whole),
        "kinds": Counter(item["kind"] for item in whole),
        "urgencies": Counter(item["urgency"] for item in whole),
    }
    for query in _NARROWED:
        counts = (await person.read(MY_WORK, **query))["counts"]
        assert counts["total"] == expected["total"]
        for name in ("kinds", "urgencies"):
            assert {key: count for key, count in counts[name].items() if count} == expected[name]


async def test_the_page_is_narrowed_by_kind_and_by_urgency(world: World, plan: Json, due: dict[str, str]) -> None:
    path = await world.under_way(plan, due_on=clock.today().isoformat())
    person = world.person("ubnd-dongtrieu")
    whole = await work(person)
    for kinds in (["accept"], ["report"], ["accept", "report"]):
        assert await work(person, kind=kinds) == [item for item in whole if item["kind"] in kinds]
    for urgencies in (["overdue"], ["today"], ["soon"], ["later"], ["overdue", "today"]):
        assert await work(person, urgency=urgencies) == [item for item in whole if item["urgency"] in urgencies]
    both = await work(person, kind="report", urgency="today")
    assert path.split("/")[-1] in ids(both)


async def test_one_agreements_work_is_listed_and_counted_by_itself(world: World, plan: Json) -> None:
    other = await world.plan()
    task = await world.task(other)
    found = await world.person("ubnd-dongtrieu").read(MY_WORK, agreement_id=other["id"])
    assert ids(found["items"]) == [task["id"]]
    assert found["counts"]["total"] == 1
    [item] = found["items"]
    assert item["subject"]["agreement_title"] == other["title"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"kind": "sleep"}, "/query/kind/0"),
        ({"urgency": "never"}, "/query/urgency/0"),
        ({"scope": "world"}, "/query/scope"),
        ({"agreement_id": "x"}, "/query/agreement_id"),
        ({"assignee": str(uuid4())}, "/query/assignee"),
        ({"unassigned": "true"}, "/query/unassigned"),
        ({"scope": "organization", "assignee": str(UUID(int=1)), "unassigned": "true"}, "/query/unassigned"),
        ({"limit": "0"}, "/query/limit"),
    ],
    ids=["kind", "urgency", "scope", "agreement", "assignee", "unassigned", "contradiction", "limit"],
)
async def test_a_wrong_question_is_told_which_parameter_is_wrong(
    world: World, query: dict[str, Any], pointer: str
) -> None:
    answer = await world.person("ubnd-dongtrieu").get(MY_WORK, **query)
    assert pointers(problem(answer, 422)) == [pointer]


async def test_another_organisation_sees_nothing_of_it(world: World, due: dict[str, str]) -> None:
    for scope in ("person", "organization"):
        assert await work(world.person("elsewhere"), scope=scope) == []
        theirs = await work(world.person("ubnd-sondong"), scope=scope)
        assert not set(ids(theirs)) & set(due.values())
    stranger = await world.person("elsewhere").read(MY_WORK, **ORGANIZATION)
    assert stranger["counts"]["total"] == 0


async def test_the_operator_stands_outside_of_every_organisation(world: World, due: dict[str, str]) -> None:
    actor = Actor(id=uuid4(), kind="user", name="Quản trị hệ thống", roles=frozenset({Role.OPERATOR.value}))
    caller = world.registry.as_actor(actor)
    assert accepted(await caller.get(MY_WORK, **ORGANIZATION), 200)["items"] == []


async def test_a_person_has_what_he_handles_and_a_leader_what_nobody_does(world: World, plan: Json) -> None:
    task = await world.task(plan)
    handler, colleague = await employee(world, "ubnd-dongtrieu"), await employee(world, "ubnd-dongtrieu")
    leader = await employee(world, "ubnd-dongtrieu", Role.LEADER)
    assert [await of(person, task["id"]) for person in (handler, colleague)] == [None, None]
    await waiting(leader, task["id"])
    await assign(leader, f"/v1/tasks/{task['id']}", handler)
    await waiting(handler, task["id"])
    assert [await of(person, task["id"]) for person in (colleague, leader)] == [None, None]
    for person in (handler, colleague, leader):
        await waiting(person, task["id"], **ORGANIZATION)


async def test_what_is_given_to_somebody_who_has_left_is_given_to_nobody(world: World, plan: Json) -> None:
    task = await world.task(plan)
    handler = await employee(world, "ubnd-dongtrieu")
    leader = await employee(world, "ubnd-dongtrieu", Role.LEADER)
    await assign(leader, f"/v1/tasks/{task['id']}", handler)
    await world.rows("update account set active = false where id = $1", handler.actor.id)
    await waiting(leader, task["id"])
    await waiting(leader, task["id"], unassigned=True, **ORGANIZATION)


async def test_what_a_role_alone_can_do_is_every_leaders(world: World, plan: Json) -> None:
    path = await world.submitted(plan)
    task_id = path.split("/")[-1]
    handler = await employee(world, "ubnd-kinhmon")
    leader = await employee(world, "ubnd-kinhmon", Role.LEADER)
    await assign(leader, path, handler)
    # A specialist cannot confirm, whoever handles the task.
    assert await of(handler, task_id) is None
    await waiting(leader, task_id)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ADMINISTRATOR])
async def test_who_can_do_nothing_has_no_work_and_sees_that_of_the_organisation(
    world: World, due: dict[str, str], role: Role
) -> None:
    person = world.person("ubnd-dongtrieu", role)
    assert await work(person) == []
    item = await waiting(person, due["today"], **ORGANIZATION)
    assert item["action"] is None


async def test_an_organisations_list_is_narrowed_to_a_person_or_to_what_nobody_handles(
    world: World, plan: Json
) -> None:
    given, left = await world.task(plan), await world.task(plan)
    handler = await employee(world, "ubnd-dongtrieu")
    leader = await employee(world, "ubnd-dongtrieu", Role.LEADER)
    await assign(leader, f"/v1/tasks/{given['id']}", handler)
    of_handler: dict[str, Any] = {"assignee": str(handler.actor.id), **ORGANIZATION}
    for person in (leader, handler, await employee(world, "ubnd-dongtrieu", Role.ADMINISTRATOR)):
        found = await person.read(MY_WORK, **of_handler)
        assert (ids(found["items"]), found["counts"]["total"]) == ([given["id"]], 1)
    unassigned = ids(await work(leader, unassigned=True, **ORGANIZATION))
    assert left["id"] in unassigned
    assert given["id"] not in unassigned


async def test_a_colleagues_work_is_for_those_who_lead(world: World) -> None:
    handler, colleague = await employee(world, "ubnd-dongtrieu"), await employee(world, "ubnd-dongtrieu")
    query: dict[str, Any] = {"assignee": str(handler.actor.id), **ORGANIZATION}
    problem(await colleague.get(MY_WORK, **query), 403)
    stranger = await employee(world, "ubnd-kinhmon", Role.LEADER)
    assert await work(stranger, **query) == []


def client(world: World, *scopes: str) -> Person:
    return world.client("ubnd-dongtrieu", *scopes)


async def test_a_system_sees_what_its_scopes_let_it_do(world: World, plan: Json, due: dict[str, str]) -> None:
    problem(await client(world, "agreements:read").get(MY_WORK), 403)
    reading, writing = client(world, "tasks:read"), client(world, "tasks:read", "tasks:write")
    assert await work(reading) == []
    item = await waiting(writing, due["today"])
    assert item["action"]["name"] == "accept"
    assert (await waiting(reading, due["today"], **ORGANIZATION))["action"] is None
    # It decides nothing, and takes on what the organisation has to do.
    assert {one["kind"] for one in await work(writing)} <= {"accept", "report", "answer"}


async def test_a_system_is_told_of_agreements_with_the_scope_for_them(world: World) -> None:
    agreement = await world.opened()
    for scopes, seen in ((["tasks:read"], False), (["tasks:read", "agreements:read"], True)):
        system = world.client("chilinh", *scopes)
        assert (await of(system, agreement["id"], **ORGANIZATION) is not None) is seen


async def test_the_same_list_is_not_sent_twice(world: World, due: dict[str, str]) -> None:
    person = world.person("ubnd-dongtrieu")
    first = await person.get(MY_WORK, limit=3)
    again = await person.get(MY_WORK, limit=3, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    english = {"If-None-Match": first.headers["etag"], "Accept-Language": "en"}
    assert (await person.get(MY_WORK, limit=3, headers=english)).status_code == 200
