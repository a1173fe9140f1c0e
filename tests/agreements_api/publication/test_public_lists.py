"""What the public finds in lists, and how it follows the changes."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from agreements_api.publication.repository import SORTS, Filter, list_statement
from shared import clock
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.publication.public import AGREEMENTS, Public, publish, unpublish


@pytest.fixture
def public(world: World) -> Public:
    return Public(world.http)


def ids(items: list[Json]) -> list[str]:
    return [item["id"] for item in items]


def moment() -> str:
    return clock.now().astimezone(UTC).isoformat()


async def test_the_latest_change_comes_first(world: World, public: Public) -> None:
    plans = [await world.plan() for _ in range(3)]
    for plan in plans:
        await publish(world, plan)
    assert ids((await public.read(AGREEMENTS, limit=3))["items"]) == ids(plans[::-1])


async def test_pages_hold_everything_once(world: World, public: Public) -> None:
    began = moment()
    plans = [await world.plan() for _ in range(5)]
    for plan in plans:
        await publish(world, plan)
    assert ids(await public.changes(modified_since=began, limit=2)) == ids(plans)
    assert ids(await public.changes(modified_since=began, limit=2, sort="-modified_at")) == ids(plans[::-1])
    page = await public.get(AGREEMENTS, limit=2, modified_since=began)
    target = page.headers["link"].partition(">")[0].lstrip("<")
    following = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
    assert ids((await public.read(AGREEMENTS, **following))["items"]) == ids(plans[2:4])


async def test_a_poll_finds_what_changed_and_what_went_and_nothing_else(world: World, public: Public) -> None:
    still, changed, gone, late, never = [await world.plan() for _ in range(5)]
    task, hidden = await world.task(changed), await world.task(still)
    for plan in (still, changed, gone):
        await publish(world, plan, *([task["id"]] if plan is changed else []))
    began = moment()
    # Nobody but the members learns of what is not public.
    await world.specialist("ubnd-dongtrieu").step(f"/v1/tasks/{hidden['id']}", "accept")
    await world.task(never)
    assert await public.changes(modified_since=began) == []
    await world.specialist("ubnd-dongtrieu").step(f"/v1/tasks/{task['id']}", "accept")
    removed = await unpublish(world, gone)
    await publish(world, late)
    found = await public.changes(modified_since=began)
    assert ids(found) == ids([changed, gone, late])
    assert found[1] == {"id": gone["id"], "removed_at": removed["unpublished_at"]}
    # Whoever keeps a part only must hear of what left it as well.
    narrowed = await public.changes(modified_since=began, instrument="memorandum")
    assert narrowed == [found[1]]
    assert gone["id"] not in ids(await public.changes())


async def test_lists_are_narrowed_by_what_everybody_sees(world: World, public: Public) -> None:
    began = moment()
    plan = await world.plan(title="Kế hoạch Đông Triều 99 %", fields=["chuyển đổi số"], number="99-KH/MH")
    other = await world.plan(instrument="memorandum")
    for one in (plan, other):
        await publish(world, one)
    unit, elsewhere = (str(world.organizations[key].unit_id) for key in ("chilinh", "elsewhere"))

    async def found(**query: Any) -> list[str]:
        return ids(await public.changes(modified_since=began, **query))

    assert await found(q="dong trieu 99") == [plan["id"]]
    assert await found(q="99-kh/mh") == [plan["id"]]
    assert await found(q="99 _") == []
    assert await found(field="chuyển đổi số") == [plan["id"]]
    assert await found(instrument="memorandum") == [other["id"]]
    assert await found(instrument=["memorandum", "plan"]) == ids([plan, other])
    assert await found(locality=unit) == ids([plan, other])
    assert await found(locality=elsewhere) == []


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"modified_since": "1"}, "/query/modified_since"),
        ({"modified_since": "2026-11-24"}, "/query/modified_since"),
        ({"modified_since": "2026-11-24T03:00:00"}, "/query/modified_since"),
        ({"modified_since": "9999-12-31T23:59:59-12:00"}, "/query/modified_since"),
        ({"modified_since": "0001-01-01T00:00:00+12:00"}, "/query/modified_since"),
        ({"instrument": "x"}, "/query/instrument/0"),
        ({"locality": "x"}, "/query/locality"),
        ({"sort": "title"}, "/query/sort"),
        ({"limit": "0"}, "/query/limit"),
    ],
)
async def test_a_parameter_that_cannot_be_is_named(public: Public, query: dict[str, Any], pointer: str) -> None:
    assert pointers(problem(await public.get(AGREEMENTS, **query), 422)) == [pointer]


async def test_a_cursor_is_good_for_its_list_only(world: World, public: Public) -> None:
    for _ in range(2):
        await publish(world, await world.plan())
    cursor = (await public.read(AGREEMENTS, limit=1))["next_cursor"]
    problem(await public.get(AGREEMENTS, cursor=cursor, sort="modified_at"), 400, "invalid_cursor")
    problem(await public.get(AGREEMENTS, cursor="x"), 400, "invalid_cursor")


async def test_whoever_has_it_already_gets_304(world: World, public: Public) -> None:
    plan = await world.plan()
    task = await world.task(plan)
    await publish(world, plan, task["id"])
    one = f"{AGREEMENTS}/{plan['id']}"
    for path in (AGREEMENTS, one, f"{one}/text", f"{one}/tasks"):
        first = await public.get(path)
        assert first.headers["cache-control"] == "public, max-age=60"
        assert first.headers["vary"] == "Origin"
        for headers in (
            {"If-None-Match": first.headers["etag"]},
            {"If-None-Match": f'"other", W/{first.headers["etag"]}'},
            {"If-Modified-Since": first.headers["last-modified"]},
        ):
            again = await public.get(path, headers=headers)
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["etag"] == first.headers["etag"]
        earlier = {"If-Modified-Since": "Tue, 01 Jan 2019 00:00:00 GMT"}
        assert (await public.get(path, headers=earlier)).status_code == 200
        # The tag decides where there is one; what is no date at all decides nothing.
        for other in ({"If-None-Match": '"other"'} | earlier, {"If-Modified-Since": "gestern"}):
            assert (await public.get(path, headers=other)).status_code == 200


async def test_a_change_makes_a_new_tag_and_a_later_date(world: World, public: Public) -> None:
    plan = await world.plan()
    task = await world.task(plan)
    await publish(world, plan, task["id"])
    path = f"{AGREEMENTS}/{plan['id']}"
    before, tasks = await public.get(path), await public.get(f"{path}/tasks")
    await world.specialist("ubnd-dongtrieu").step(f"/v1/tasks/{task['id']}", "accept")
    after, tasks_after = await public.get(path), await public.get(f"{path}/tasks")
    assert after.headers["etag"] != before.headers["etag"]
    assert tasks_after.headers["etag"] != tasks.headers["etag"]
    assert after.json()["modified_at"] > before.json()["modified_at"]
    assert {**after.json(), "modified_at": None} == {**before.json(), "modified_at": None}


async def test_the_signed_text_comes_with_its_digest(world: World, public: Public) -> None:
    plan = await world.plan()
    await publish(world, plan)
    signed = await world.person("chilinh").read(f"/v1/agreements/{plan['id']}/text")
    shown = await public.read(f"{AGREEMENTS}/{plan['id']}/text")
    assert (shown["text"], shown["text_digest"]) == (signed["text"], plan["text_digest"])


async def test_public_tasks_come_in_pages(world: World, public: Public) -> None:
    plan = await world.plan()
    tasks = [await world.task(plan, title=f"Việc {number}") for number in range(5)]
    await publish(world, plan, *ids(tasks))
    path = f"{AGREEMENTS}/{plan['id']}/tasks"
    found: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = await public.read(path, **query)
        found += ids(page["items"])
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert found == ids(tasks)
    other = await world.plan()
    await publish(world, other)
    problem(await public.get(f"{AGREEMENTS}/{other['id']}/tasks", cursor=query["cursor"]), 400, "invalid_cursor")


async def test_a_parent_is_named_by_its_id_only_where_it_is_public(world: World, public: Public) -> None:
    parent = await world.plan()
    child = await world.plan(parent_agreement_id=parent["id"])
    await publish(world, child)
    path = f"{AGREEMENTS}/{child['id']}"
    assert (await public.read(path))["parent_agreement_id"] is None
    await publish(world, parent)
    assert (await public.read(path))["parent_agreement_id"] == parent["id"]


async def test_nothing_is_changed_without_a_token(world: World, public: Public) -> None:
    plan = await world.plan()
    await publish(world, plan)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        for path in (AGREEMENTS, f"{AGREEMENTS}/{plan['id']}"):
            problem(await world.http.request(method, path, json={}), 405)
    problem(await world.http.post(f"/v1/agreements/{plan['id']}/unpublish", json={}), 401)
    assert accepted(await public.agreement(plan["id"]), 200)["id"] == plan["id"]


async def test_a_token_changes_nothing_of_what_is_shown(world: World, public: Public) -> None:
    plan, hidden = await world.plan(), await world.plan()
    await publish(world, plan)
    leader = world.person("dongtrieu")
    problem(await leader.get(f"{AGREEMENTS}/{hidden['id']}"), 404)
    shown = await leader.get(f"{AGREEMENTS}/{plan['id']}")
    assert shown.json() == (await public.agreement(plan["id"])).json()


async def test_the_date_is_that_of_the_product(world: World, public: Public) -> None:
    plan = await world.plan()
    before = clock.now()
    shown = await publish(world, plan)
    assert before <= datetime.fromisoformat(shown["published_at"]) <= clock.now() + timedelta(seconds=1)


MANY = 3000
_COPY = """
with copied as (
    insert into agreement
    select (jsonb_populate_record(a, jsonb_build_object(
        'id', gen_random_uuid(), 'title', 'Bản sao ' || i, 'folded',
        'ban sao ' || i || repeat(' ke hoach phoi hop giua cac dia phuong', 9)))).*
    from agreement a, generate_series(1, $2) i where a.id = $1 returning id, folded
), parties as (
    insert into agreement_party
    select (jsonb_populate_record(y, jsonb_build_object('id', gen_random_uuid(), 'agreement_id', c.id))).*
    from agreement_party y, copied c where y.agreement_id = $1
)
insert into publication (agreement_id, version, published_at, modified_at, unpublished_at, folded, unit_ids)
select c.id, 1, now(), now() - n * interval '1 minute', case when n % 10 = 0 then now() end,
    case when n % 10 > 0 then c.folded end,
    -- Every thousandth is of a unit that has signed hardly anything.
    case when n % 10 = 0 then '{}' when n % 1000 = 17 then $3 else p.unit_ids end
from (select id, folded, row_number() over () as n from copied) c, publication p where p.agreement_id = $1
"""
RARE = UUID(int=17)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def many(world: World) -> int:
    """As many as some years will publish."""
    plan = await world.plan()
    await publish(world, plan)
    await world.rows(_COPY, UUID(plan["id"]), MANY, [RARE])
    for table in ("agreement", "publication", "publication_task", "agreement_party"):
        await world.rows(f"analyze {table}")
    return MANY


@pytest.mark.parametrize("sort", list(SORTS))
@pytest.mark.parametrize("since", [None, timedelta(days=1)])
@pytest.mark.parametrize("following", [False, True])
async def test_every_order_walks_along_its_index(
    world: World, many: int, sort: str, since: timedelta | None, following: bool
) -> None:
    narrowed = Filter(modified_since=clock.now() - since if since else None)
    after = (clock.now() - timedelta(hours=12), UUID(int=1)) if following else None
    statement, *values = list_statement(narrowed, sort=sort, after=after, limit=51)
    plan = await explain(world, statement, values)
    page = plan[plan.index("CTE page") :].partition("Nested Loop")[0]
    assert "publication_order" in plan
    assert "Sort" not in page
    for table in ("agreement", "publication", "agreement_party"):
        assert f"Seq Scan on {table} " not in plan


async def test_a_word_is_found_among_many(world: World, many: int) -> None:
    statement, *values = list_statement(Filter(folded="ban sao 17"), sort="-modified_at", after=None, limit=51)
    rows = await world.rows(statement, *values)
    assert rows
    assert all("Bản sao 17" in row["body"] for row in rows)


async def test_a_rare_word_is_found_by_its_index(world: World, many: int) -> None:
    """Walking along all that is published, until a page is full, would grow with it."""
    statement, *values = list_statement(Filter(folded="ban sao 1717"), sort="-modified_at", after=None, limit=51)
    assert len(await world.rows(statement, *values)) == 1
    # Of so few, PostgreSQL rather reads through all.
    plan = await explain(world, statement, values, "set enable_seqscan = off; set enable_indexscan = off")
    assert "publication_words" in plan
    assert "publication_order" not in plan


async def test_what_a_locality_seldom_signed_is_found_by_its_index(world: World, many: int) -> None:
    """Walking along all that is published, and asking each for its parties, would grow with the country."""
    statement, *values = list_statement(Filter(locality=RARE), sort="-modified_at", after=None, limit=51)
    assert len(await world.rows(statement, *values)) == MANY / 1000
    # Of so few, PostgreSQL rather reads through all.
    plan = await explain(world, statement, values, "set enable_seqscan = off; set enable_indexscan = off")
    assert "publication_units" in plan
    assert "publication_order" not in plan


async def test_a_locality_is_not_found_by_what_was_taken_back(world: World, public: Public) -> None:
    began = moment()
    plan = await world.plan()
    await publish(world, plan)
    unit = str(world.organizations["dongtrieu"].unit_id)
    assert plan["id"] in ids(await public.changes(locality=unit, modified_since=began))
    await unpublish(world, plan)
    assert plan["id"] not in ids(await public.changes(locality=unit))
    assert ids(await public.changes(locality=unit, modified_since=began)) == [plan["id"]]
    [row] = await world.rows("select unit_ids from publication where agreement_id = $1", UUID(plan["id"]))
    assert row["unit_ids"] == []
    await publish(world, plan)
    assert plan["id"] in ids(await public.changes(locality=unit, modified_since=began))


async def test_a_word_of_what_was_taken_back_is_found_no_more(world: World, public: Public) -> None:
    began = moment()
    plan = await world.plan(title="Kế hoạch Yên Tử (minh họa)")
    await publish(world, plan)
    assert ids(await public.changes(q="yen tu")) == [plan["id"]]
    await unpublish(world, plan)
    assert await public.changes(q="yen tu") == []
    assert ids(await public.changes(q="yen tu", modified_since=began)) == [plan["id"]]
    [row] = await world.rows("select folded from publication where agreement_id = $1", UUID(plan["id"]))
    assert row["folded"] is None


async def explain(world: World, statement: str, values: Sequence[Any], setting: str = "reset all") -> str:
    """How the application's role goes about it in the name of nobody."""
    connection = await asyncpg.connect(world.address.url)
    try:
        await connection.execute(setting)
        rows = await connection.fetch(f"explain (analyze, timing off, costs off) {statement}", *values)
    finally:
        await connection.close()
    return "\n".join(row[0] for row in rows)
