"""The register of plan periods: what the product came with, and what the operator adds."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from agreements_api.policy import Role
from shared.auth import Actor
from tests.agreements_api.agreements.world import Json, Person, World, accepted, pointers, problem
from tests.agreements_api.funding.money import CLOSED, OPEN, funded

PATH = "/v1/plan-periods"
SEEDS = [
    {"id": CLOSED, "first_on": "2021-01-01", "last_on": "2025-12-31", "added_by": None, "added_at": None},
    {"id": OPEN, "first_on": "2026-01-01", "last_on": "2030-12-31", "added_by": None, "added_at": None},
]


def operator(world: World) -> Person:
    actor = Actor(id=uuid4(), kind="user", name="Quản trị hệ thống", roles=frozenset({Role.OPERATOR.value}))
    caller = world.registry.as_actor(actor)
    return Person(caller.http, caller.actor, caller.token)


def period(first: int, **changes: Any) -> Json:
    return {"first_on": f"{first}-01-01", "last_on": f"{first + 4}-12-31"} | changes


async def add(world: World, body: Any) -> httpx.Response:
    return await operator(world).post(PATH, body)


async def ids(world: World) -> list[str]:
    return [one["id"] for one in (await world.specialist("lucnam").read(PATH))["items"]]


async def test_the_product_comes_with_two_periods(world: World) -> None:
    assert (await world.specialist("lucnam").read(PATH))["items"] == SEEDS
    assert (await operator(world).read(PATH))["items"] == SEEDS


async def test_what_the_operator_adds_tasks_can_be_proposed_for(world: World, plan: Json) -> None:
    added = accepted(await add(world, period(2031)), 201)
    assert (added["id"], added["first_on"], added["last_on"]) == ("2031-2035", "2031-01-01", "2035-12-31")
    assert (added["added_by"], added["added_at"] is not None) == ("Quản trị hệ thống", True)
    assert (await world.specialist("lucnam").read(PATH))["items"] == [*SEEDS, added]
    given = await funded(world, await world.task(plan), plan_period="2031-2035")
    assert (given["plan_period"], given["closes_on"], given["gate"]) == ("2031-2035", "2035-12-31", "open")
    # What can be proposed for next is still the first one that is open.
    assert given["next_period"] == OPEN


async def test_a_period_of_long_ago_comes_before_the_others(world: World) -> None:
    accepted(await add(world, period(2016)), 201)
    assert (await ids(world))[0] == "2016-2020"


@pytest.mark.parametrize(
    ("wrong", "pointer", "code"),
    [
        (period(2061, first_on="2061-01-02"), "/first_on", "no_new_year"),
        (period(2061, first_on="2061-12-31"), "/first_on", "no_new_year"),
        (period(2061, last_on="2064-12-31"), "/last_on", "not_five_years"),
        (period(2061, last_on="2066-12-31"), "/last_on", "not_five_years"),
        (period(2061, last_on="2065-12-30"), "/last_on", "not_five_years"),
        (period(2061, last_on="2060-12-31"), "/last_on", "not_five_years"),
        (period(2061, last_on="2065"), "/last_on", "date_parsing"),
        (period(2061, first_on="2061-13-01"), "/first_on", "date_from_datetime_parsing"),
        ({"first_on": "2061-01-01"}, "/last_on", "missing"),
        (period(2061, id="2061-2065"), "/id", "extra_forbidden"),
        (period(1900), "/first_on", "greater_than_equal"),
        (period(2196), "/last_on", "less_than_equal"),
    ],
)
async def test_what_is_no_period_is_refused_by_its_field(world: World, wrong: Json, pointer: str, code: str) -> None:
    before = await ids(world)
    body = problem(await add(world, wrong), 422)
    assert (pointers(body)[0], body["errors"][0]["code"]) == (pointer, code)
    assert await ids(world) == before


@pytest.mark.parametrize("first", [2026, 2024, 2028])
async def test_periods_share_no_day(world: World, first: int) -> None:
    before = await ids(world)
    body = problem(await add(world, period(first)), 409, "plan_periods_overlap")
    assert pointers(body) == ["/first_on"]
    assert OPEN in body["plan_periods"]
    assert await ids(world) == before


async def test_of_several_that_overlap_one_is_added(world: World) -> None:
    answers = await asyncio.gather(*(add(world, period(first)) for first in (2071, 2072, 2073, 2071)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    [added] = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    assert all(answer.json()["plan_periods"] == [added] for answer in answers if answer.status_code == 409)
    assert sum(one.startswith("207") for one in await ids(world)) == 1


async def test_the_same_key_adds_it_once(world: World) -> None:
    person = operator(world)
    key = str(uuid4())
    first, again = [await person.post(PATH, period(2041), **{"Idempotency-Key": key}) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content


async def test_nobody_but_the_operator_adds_one(world: World) -> None:
    before = await ids(world)
    for person in (
        world.person("quangninh"),
        world.person("quangninh", Role.ADMINISTRATOR),
        world.client("quangninh", "tasks:read", "tasks:write"),
    ):
        problem(await person.post(PATH, period(2051)), 403, "forbidden")
    assert await ids(world) == before
