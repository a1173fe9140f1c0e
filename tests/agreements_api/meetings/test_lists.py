"""Which meetings a list shows, in which order, and how PostgreSQL finds them among those of a whole country."""

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio

from agreements_api.meetings import past_repository, repository
from agreements_api.meetings.repository import Filter
from shared import clock
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.meetings.steps import came, planned

MANY = 20_000


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def meetings(world: World, plan: Json) -> dict[str, str]:
    """Four meetings of one plan by the month they are in, and one of another plan."""
    changes: dict[str, Json] = {
        "03": {},
        "06": {"kind": "extraordinary"},
        "09": {"invited_organization_ids": [world.id("ubnd-sondong")]},
        "12": {},
    }
    made: dict[str, str] = {
        month: (await planned(world, plan, starts_at=f"2026-{month}-10T01:00:00Z", **more))["id"]
        for month, more in changes.items()
    }
    host = world.specialist("dongtrieu")
    await host.step(f"/v1/meetings/{made['03']}", "hold", {"attendance": came(world, "dongtrieu", "chilinh")})
    await host.step(f"/v1/meetings/{made['06']}", "cancel", {"reason": "Hoãn"})
    made["other"] = (await planned(world, await world.plan(), starts_at="2026-10-10T01:00:00Z"))["id"]
    return made


async def listed(world: World, meetings: dict[str, str], **query: Any) -> list[str]:
    names = {identity: name for name, identity in meetings.items()}
    page = await world.person("chilinh").read("/v1/meetings", **query)
    return [names[item["id"]] for item in page["items"]]


async def test_the_latest_meeting_comes_first(world: World, meetings: dict[str, str]) -> None:
    assert await listed(world, meetings) == ["12", "other", "09", "06", "03"]
    assert await listed(world, meetings, sort="starts_at") == ["03", "06", "09", "other", "12"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"status": "held"}, ["03"]),
        ({"status": ["held", "cancelled"]}, ["06", "03"]),
        ({"kind": "extraordinary"}, ["06"]),
        ({"starts_after": "2026-06-10T01:00:00Z", "starts_before": "2026-10-10T01:00:00Z"}, ["09"]),
        ({"agreement_id": str(UUID(int=7))}, []),
    ],
)
async def test_a_list_is_narrowed(
    world: World, meetings: dict[str, str], query: dict[str, Any], expected: list[str]
) -> None:
    assert await listed(world, meetings, **query) == expected


async def test_a_list_is_narrowed_to_an_agreement_and_to_who_takes_part(
    world: World, plan: Json, meetings: dict[str, str]
) -> None:
    assert await listed(world, meetings, agreement_id=plan["id"]) == ["12", "09", "06", "03"]
    assert await listed(world, meetings, organization=world.id("ubnd-sondong")) == ["09"]
    assert await listed(world, meetings, organization=world.id("dongtrieu")) == ["12", "other", "09", "06", "03"]


@pytest.mark.parametrize("sort", ["starts_at", "-starts_at"])
async def test_pages_follow_one_another(world: World, meetings: dict[str, str], sort: str) -> None:
    whole = await listed(world, meetings, sort=sort)
    reader, names = world.person("chilinh"), {identity: name for name, identity in meetings.items()}
    seen: list[str] = []
    query: Json = {"sort": sort, "limit": 2}
    while True:
        answer = await reader.get("/v1/meetings", **query)
        page = accepted(answer, 200)
        seen += [names[item["id"]] for item in page["items"]]
        query["cursor"] = page["next_cursor"]
        if query["cursor"] is None:
            break
        assert 'rel="next"' in answer.headers["link"]
    assert seen == whole


async def test_a_cursor_of_another_order_is_refused(world: World, meetings: dict[str, str]) -> None:
    reader = world.person("chilinh")
    cursor = (await reader.read("/v1/meetings", limit=1))["next_cursor"]
    problem(await reader.get("/v1/meetings", cursor=cursor, sort="starts_at"), 400, "invalid_cursor")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"status": "over"}, "/query/status/0"),
        ({"starts_after": "1700000000"}, "/query/starts_after"),
        ({"agreement_id": "x"}, "/query/agreement_id"),
        ({"limit": 0}, "/query/limit"),
        ({"sort": "title"}, "/query/sort"),
    ],
)
async def test_a_parameter_that_cannot_be_is_named(world: World, query: dict[str, Any], pointer: str) -> None:
    assert pointers(problem(await world.person("chilinh").get("/v1/meetings", **query), 422)) == [pointer]


async def test_a_stranger_has_no_meetings(world: World, meetings: dict[str, str]) -> None:
    assert (await world.person("elsewhere").read("/v1/meetings"))["items"] == []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def country(world: World, plan: Json, meetings: dict[str, str]) -> str:
    """An agreement of others with twenty thousand meetings, beside the few of this one."""
    other = await world.plan()
    await world.rows(
        """
        insert into meeting (id, agreement_id, kind, title, host_organization_id, host_name, starts_at, agenda,
                             created_at, updated_at)
        select gen_random_uuid(), $1, 'regular', 'Họp (minh họa)', $2, 'x',
            timestamptz '2020-01-01' + i * interval '1 hour', '[]', now(), now() from generate_series(1, $3) i""",
        UUID(other["id"]),
        world.organizations["dongtrieu"].id,
        MANY,
    )
    await world.rows(
        """
        insert into meeting_log (id, agreement_id, subject_kind, subject_id, version, action, actor_id, actor_kind,
                                 actor_name, changes, occurred_at, state)
        select gen_random_uuid(), agreement_id, 'meeting', id, 1, 'plan', id, 'user', 'x', '[]', now(), '{}'
        from meeting where agreement_id = $1""",
        UUID(other["id"]),
    )
    for table in ("meeting", "meeting_log", "agreement", "agreement_access"):
        await world.rows(f"analyze {table}")
    return str(other["id"])


async def explain(world: World, statement: str, *values: Any) -> str:
    connection = await asyncpg.connect(world.address.url)
    try:
        await connection.execute("select set_config('lienvung.organization_id', $1, false)", world.id("chilinh"))
        return "\n".join(row[0] for row in await connection.fetch(f"explain (costs off) {statement}", *values))
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("narrowed", "index"),
    [(Filter(), "meeting_time"), (Filter(agreement_id=UUID(int=0)), "meeting_of")],
    ids=["all", "of an agreement"],
)
@pytest.mark.parametrize("latest_first", [True, False])
async def test_a_list_is_read_in_its_order(
    world: World, plan: Json, country: str, narrowed: Filter, index: str, latest_first: bool
) -> None:
    if narrowed.agreement_id:
        narrowed = Filter(agreement_id=UUID(plan["id"]))
    statement, *values = repository.list_statement(
        world.organizations["chilinh"].id, narrowed, after=None, latest_first=latest_first, limit=51
    )
    found = await explain(world, statement, *values)
    assert index in found, found
    assert "Seq Scan on meeting m" not in found


async def test_meetings_of_the_past_are_found_by_their_agreement(world: World, plan: Json, country: str) -> None:
    statement, *values = past_repository.list_statement(
        world.organizations["chilinh"].id,
        Filter(agreement_id=UUID(plan["id"])),
        as_of=clock.now(),
        after=None,
        latest_first=True,
        limit=51,
    )
    found = await explain(world, statement, *values)
    for index in ("meeting_of", "meeting_log_subject_id_version_key", "history_subject_id_version_key"):
        assert index in found, found


async def test_the_log_is_found_by_its_meeting(world: World, country: str, meetings: dict[str, str]) -> None:
    organization = world.organizations["chilinh"].id
    found = await explain(world, repository.LOG, organization, UUID(meetings["03"]), repository.NEWEST, 51, None)
    assert "meeting_log_subject_id_version_key" in found, found
    assert "Seq Scan on meeting_log" not in found


async def test_what_nobody_has_heard_of_is_not_found(world: World) -> None:
    for path in ("", "/history", "/minutes"):
        problem(await world.person("chilinh").get(f"/v1/meetings/{uuid4()}{path}"), 404)
