"""Lists of agreements, what PostgreSQL builds of them, and what the outbox tells."""

import re
from datetime import datetime
from typing import Any

import asyncpg
import jsonschema
import pytest
import pytest_asyncio

from agreements_api.agreements import reading_repository
from agreements_api.agreements.reading_repository import SORTS, Filter
from agreements_api.agreements.schemas import AgreementPublic, ClausePublic, PartyPublic, SignaturePublic
from shared.events import AGREEMENTS, AgreementEvent, parse_envelope
from shared.events.export import schema_of
from tests.agreements_api.agreements.world import PARTIES, Json, World, problem, signature

MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def listed(world: World) -> dict[str, str]:
    """Four agreements by a letter, in the order of their making."""
    two = [{"organization_id": world.id(key)} for key in ("dongtrieu", "chilinh")]
    made = {
        "a": await world.plan(title="Kế hoạch liên kết du lịch"),
        "b": await world.opened(title="Quy chế 100% phối hợp", instrument="regulation", fields=["an ninh"]),
        "c": await world.opened(title="Biên bản ghi nhớ", instrument="memorandum", number="07-BB/ĐT", parties=two),
        "d": await world.draft(title="Dự thảo chương trình", instrument="programme"),
    }
    await world.person("chilinh").step(f"/v1/agreements/{made['b']['id']}", "sign", signature("chilinh"))
    return {letter: agreement["id"] for letter, agreement in made.items()}


async def letters(world: World, listed: dict[str, str], key: str = "dongtrieu", **query: Any) -> str:
    person, found, cursor = world.person(key), [], None
    while True:
        page = await person.read("/v1/agreements", limit=1, **query, **({"cursor": cursor} if cursor else {}))
        found += [agreement["id"] for agreement in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return "".join({value: letter for letter, value in listed.items()}[one] for one in found)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"sort": "created_at"}, "abcd"),
        ({"sort": "-created_at"}, "dcba"),
        ({"sort": "updated_at"}, "acdb"),
        ({}, "bdca"),
        ({"status": "draft"}, "d"),
        ({"status": ["in_force", "draft"]}, "da"),
        ({"instrument": ["regulation", "memorandum"]}, "bc"),
        ({"field": "an ninh"}, "b"),
        ({"q": "ke hoach"}, "a"),
        ({"q": "07-bb/dt"}, "c"),
        ({"q": "100%"}, "b"),
        ({"q": "%"}, "b"),
    ],
)
async def test_agreements_are_listed_page_by_page(
    world: World, listed: dict[str, str], query: dict[str, Any], expected: str
) -> None:
    assert await letters(world, listed, **query) == expected


async def test_agreements_of_a_party_or_of_a_locality(world: World, listed: dict[str, str]) -> None:
    assert await letters(world, listed, party=world.id("lucnam"), sort="created_at") == "abd"
    unit = str(world.organizations["chilinh"].unit_id)
    assert await letters(world, listed, locality=unit, status="open_for_signature", sort="created_at") == "bc"


@pytest.mark.parametrize(
    ("key", "expected"), [("chilinh", "abc"), ("lucnam", "ab"), ("quangninh", "abc"), ("elsewhere", "")]
)
async def test_everybody_gets_his_own_agreements(world: World, listed: dict[str, str], key: str, expected: str) -> None:
    assert await letters(world, listed, key, sort="created_at") == expected
    page = await world.person(key).read("/v1/agreements", count="true")
    assert page["total"] == len(expected)


async def test_a_system_reads_what_its_scopes_say(world: World, listed: dict[str, str]) -> None:
    path = f"/v1/agreements/{listed['a']}"
    assert (await world.client("chilinh", "agreements:read").read(path))["allowed_actions"] == []
    other = world.client("chilinh", "tasks:read")
    for read in ("/v1/agreements", path, *(f"{path}/{part}" for part in ("clauses", "text", "history"))):
        problem(await other.get(read), 403, "forbidden")


async def test_what_postgresql_builds_is_what_the_models_promise(world: World, listed: dict[str, str]) -> None:
    person = world.person("dongtrieu")
    shown: list[tuple[Any, Json]] = [
        (AgreementPublic, agreement) for agreement in (await person.read("/v1/agreements"))["items"]
    ]
    for part, model in (("clauses", ClausePublic), ("parties", PartyPublic), ("signatures", SignaturePublic)):
        items = (await person.read(f"/v1/agreements/{listed['b']}/{part}"))["items"]
        assert items
        shown += [(model, item) for item in items]
    for model, body in shown:
        assert normal(body) == normal(model.model_validate(body).model_dump(mode="json"))


@pytest.mark.parametrize("sort", list(SORTS))
async def test_every_order_is_served_by_an_index(world: World, listed: dict[str, str], sort: str) -> None:
    organization = world.organizations["dongtrieu"].id
    statement, *values = reading_repository.list_statement(organization, Filter(), sort=sort, after=None, limit=51)
    connection = await asyncpg.connect(world.address.url)
    try:
        # The table is small: told not to read it whole or to sort it, PostgreSQL shows the way that is there.
        await connection.execute("set enable_seqscan = off; set enable_sort = off; set enable_bitmapscan = off")
        await connection.execute("select set_config('lienvung.organization_id', $1, false)", str(organization))
        plan = "\n".join(row[0] for row in await connection.fetch(f"explain {statement}", *values))
    finally:
        await connection.close()
    assert {"created_at": "agreement_created", "updated_at": "agreement_updated"}[sort.removeprefix("-")] in plan
    assert "Sort Key: a." not in plan


async def test_each_version_of_an_agreement_is_one_event_in_order(world: World) -> None:
    plan = await world.opened()
    path = f"/v1/agreements/{plan['id']}"
    await world.person("chilinh").step(path, "decline", {"reason": "Thiếu thời hạn"})
    await world.person("dongtrieu").change(path, {"term_to": "2030-12-31"})
    await world.person("dongtrieu").step(path, "open")
    for key in PARTIES:
        last = await world.person(key).step(path, "sign", signature(key))
    documents = await world.registry.outbox(plan["id"])
    assert [document["type"].split(".")[3] for document in documents] == [
        *("drafted", "opened_for_signature", "declined", "updated", "opened_for_signature"),
        *["signed"] * 5,
        "in_force",
    ]
    assert [document["data"]["version"] for document in documents] == list(range(1, 12))
    for document in documents:
        event = parse_envelope(document).data
        assert isinstance(event, AgreementEvent)
        assert (event.topic, event.key, event.agreement.version) == (AGREEMENTS, plan["id"], event.version)
        jsonschema.validate(document, schema_of(type(event)))
    final = documents[-1]["data"]
    assert (final["agreement"]["status"], final["agreement"]["version"]) == ("in_force", last["version"])
    members = {world.id(key) for key in (*PARTIES, "quangninh", "haiduong", "bacgiang")}
    assert set(final["members"]) == members
    assert set(documents[0]["data"]["members"]) == {world.id("dongtrieu")}


def normal(value: Any) -> Any:
    """Times as moments: PostgreSQL and Pydantic spell the same one differently."""
    if isinstance(value, dict):
        return {name: normal(item) for name, item in value.items()}
    if isinstance(value, list):
        return [normal(item) for item in value]
    return datetime.fromisoformat(value) if isinstance(value, str) and MOMENT.match(value) else value
