"""What never reaches the public: every column that is not meant for it is filled with a word that must not come out."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import PARTIES, REPORT, Json, World, signature
from tests.agreements_api.publication.public import AGREEMENTS, Public, publish, unpublish

CANARY = re.compile("canary|chim-hoang-yen", re.IGNORECASE)

PAGE = {"items", "next_cursor"}
PARTY = {"organization_name", "unit_id", "unit_name", "role", "signatory_name", "signatory_title", "signed_at"}
PARENT = {"instrument", "number", "title", "issued_by"}
AGREEMENT = {
    *("id", "version", "published_at", "modified_at", "instrument", "number", "title", "status", "parent"),
    *("parent_agreement_id", "fields", "custodian_name", "term_from", "term_to", "signed_on", "in_force_on"),
    *("text_digest", "demonstration", "source_url", "parties", "task_count"),
}
TASK = {
    *("id", "clause_ordinal", "title", "deliverable", "field", "status", "due_on", "percent", "completed_on"),
    *("demonstration", "lead", "coordinating"),
}
PROBLEM = {"type", "title", "status", "code", "id", "removed_at", "trace_id"}
OUTLINES = {
    *("type", "attribution", "source", "url", "licence", "note", "features", "id", "properties", "geometry"),
    *("coordinates", "name", "unit_id", "unit_name", "code", "level", "province_name", "as_of"),
}
ALLOWED = {
    "list": PAGE | AGREEMENT | PARTY | PARENT | {"removed_at"},
    "one": AGREEMENT | PARTY | PARENT,
    "text": {"text", "format", "text_digest", "frozen_at"},
    "tasks": PAGE | TASK | {"name", "unit_name"},
    "gone": PROBLEM,
    "unknown": PROBLEM,
    "draft": PROBLEM,
    "outlines": OUTLINES,
}

# Columns of a published record that the public sees as they are; everything else of type text gets a canary.
SHOWN = {
    "agreement": {
        "instrument",
        "number",
        "title",
        "folded",
        "status",
        "custodian_name",
        "source_url",
        "signing_order",
        "text_format",
    },
    "agreement_party": {"organization_name", "role", "signatory_name", "signatory_title"},
    "agreement_clause": set[str](),
    "task": {"title", "deliverable", "field", "status", "folded"},
    "organization": {"kind", "name", "sort_key", "folded"},
    "signature": set[str](),
    "task_progress_report": set[str](),
    "task_confirmation": {"decision"},
    "open_point": {"kind", "state"},
    "history": {"subject_kind", "actor_kind", "action"},
}
# What the frozen text says is public, and so is what is made of it.
FROZEN = {"frozen_text", "text_digest"}
# A name that stands only beside the organisation that it names, and one to name.
BESIDE = {
    "original_custodian_name": ("original_custodian_organization_id", "custodian_organization_id"),
    "responsible_organization_name": ("responsible_organization_id", "organization_id"),
}


@dataclass(frozen=True)
class Case:
    """One agreement of each kind, and every answer that the public gets of them."""

    answers: dict[str, Any]
    texts: dict[str, str]
    hidden: list[str]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def case(world: World) -> Case:
    shown, gone, hidden = [await world.plan() for _ in range(3)]
    draft = await world.draft(title="Dự thảo canary", note="canary")
    chosen, kept = await world.task(shown), await world.task(shown, title="Việc canary", deliverable="canary")
    for task in (chosen, kept):
        path = f"/v1/tasks/{task['id']}"
        worker = world.specialist("ubnd-dongtrieu")
        for verb, body in (("accept", None), ("reports", REPORT), ("submit", None)):
            await worker.step(path, verb, body)
        await world.person("ubnd-kinhmon").step(path, "confirm", {"remark": "canary"})
    for plan in (shown, gone):
        await publish(world, plan, *([chosen["id"]] if plan is shown else []))
    await unpublish(world, gone)
    await world.registry.caller(world.organizations["dongtrieu"], Role.LEADER)
    await _plant(world, hidden, gone, kept)
    public, one = Public(world.http), f"{AGREEMENTS}/{shown['id']}"
    paths = {
        "list": f"{AGREEMENTS}?modified_since=2000-01-01T00:00:00Z&limit=200",
        "one": one,
        "text": f"{one}/text",
        "tasks": f"{one}/tasks",
        "gone": f"{AGREEMENTS}/{gone['id']}",
        "unknown": f"{AGREEMENTS}/{hidden['id']}",
        "draft": f"{AGREEMENTS}/{draft['id']}/text",
        "outlines": "/v1/public/localities.geojson",
    }
    answers = {name: await world.http.get(path) for name, path in paths.items()}
    assert len(answers["list"].json()["items"]) == 2
    assert [task["id"] for task in answers["tasks"].json()["items"]] == [chosen["id"]]
    assert (await public.read(one))["task_count"] == 1
    return Case(
        {name: answer.json() for name, answer in answers.items()},
        {name: f"{answer.text} {answer.headers}" for name, answer in answers.items()},
        [hidden["id"], draft["id"], kept["id"]],
    )


async def _plant(world: World, hidden: Json, gone: Json, kept: Json) -> None:
    """A canary in every column of text that the public is not meant to see, and in all of what is not published."""
    connection = await asyncpg.connect(world.address.owner_url)
    try:
        # What keeps texts and history from being changed stands in the way here: this is about reading.
        for table in await _tables(connection):
            await connection.execute(f"alter table {table} disable trigger user")
        for table in await _tables(connection):
            for column in await _texts(connection, table):
                if column not in SHOWN.get(table, set()) | FROZEN:
                    await _write(connection, table, column)
        for plan in (hidden, gone):
            await connection.execute(
                "update agreement set title = 'canary', folded = 'canary', number = 'canary',"
                " custodian_name = 'canary', fields = '{canary}', frozen_text = 'canary' where id = $1",
                UUID(plan["id"]),
            )
            await connection.execute(
                "update agreement_party set organization_name = 'canary', signatory_name = 'canary'"
                " where agreement_id = $1",
                UUID(plan["id"]),
            )
        await connection.execute(
            "update task set title = 'canary', parties = jsonb_set(parties, '{lead,name}', '\"canary\"') where id = $1",
            UUID(kept["id"]),
        )
        await connection.execute(
            "update task set last_report = jsonb_set(jsonb_set(last_report, '{narrative}', '\"canary\"'),"
            " '{difficulties}', '\"canary\"')"
        )
    finally:
        await connection.close()


async def _tables(connection: asyncpg.Connection) -> list[str]:
    names = [*SHOWN, "account", "api_client", "publication", "publication_task"]
    rows = await connection.fetch(
        "select relname from pg_class where relkind = 'r' and relname = any($1::text[]) order by 1", names
    )
    return [row["relname"] for row in rows]


async def _texts(connection: asyncpg.Connection, table: str) -> list[str]:
    """Columns of text without a rule of their own about what may stand in them."""
    rows = await connection.fetch(
        """
        select a.attname from pg_attribute a
        where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
          and a.atttypid in ('text'::regtype, 'varchar'::regtype)
          and not exists (select from pg_constraint k where k.conrelid = a.attrelid and k.contype = 'c'
                          and k.conkey = array[a.attnum])
        """,
        table,
    )
    return [row["attname"] for row in rows]


async def _write(connection: asyncpg.Connection, table: str, column: str) -> None:
    if column in BESIDE:
        named, one = BESIDE[column]
        await connection.execute(f"update {table} set {column} = 'canary ' || md5(ctid::text), {named} = {one}")
        return
    # A number after it, for columns that must differ.
    await connection.execute(f"update {table} set {column} = 'canary ' || {column} || md5(ctid::text)")
    await connection.execute(f"update {table} set {column} = 'canary ' || md5(ctid::text) where {column} is null")


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_no_answer_has_a_field_that_is_not_meant_for_the_public(case: Case, name: str) -> None:
    assert set(keys(case.answers[name])) <= ALLOWED[name]


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_nothing_of_a_private_column_or_record_comes_out(case: Case, name: str) -> None:
    assert CANARY.findall(case.texts[name]) == []
    if name not in ("unknown", "draft"):
        assert not [one for one in case.hidden if one in case.texts[name]]


@pytest.mark.parametrize("name", sorted(ALLOWED))
def test_no_address_and_no_account_comes_out(case: Case, name: str) -> None:
    for word in ("@", "demo.lienvung.example", "specialist ubnd", "leader dongtrieu", "account", "contact"):
        assert word not in case.texts[name]


def test_the_only_people_named_are_those_who_signed(case: Case) -> None:
    [party] = {tuple(sorted(party.items())) for party in case.answers["one"]["parties"][:1]}
    assert dict(party)["signatory_name"] == signature(PARTIES[0])["signatory_name"]
    expected = {signature(key)["signatory_name"] for key in PARTIES}
    assert {party["signatory_name"] for party in case.answers["one"]["parties"]} == expected


async def test_the_canaries_sit_where_the_public_reads_past_them(world: World, case: Case) -> None:
    """The test above would pass with nothing planted."""
    [row] = await world.rows(
        """
        select count(*) filter (where note like 'canary%') as notes,
            (select count(*) from account where email like 'canary%') as mails,
            (select count(*) from organization where contact_phone like 'canary%') as phones,
            (select count(*) from signature where delegation like 'canary%') as delegations,
            (select count(*) from task where description like 'canary%') as descriptions
        from agreement
        """
    )
    assert min(row.values()) > 0


WINDOWS = ("public_agreement", "public_party", "public_text", "public_task")
TABLES = ("agreement", "agreement_party", "agreement_clause", "task", "signature", "history", "publication", "account")


@asynccontextmanager
async def as_public(world: World) -> AsyncIterator[asyncpg.Connection]:
    """What the application's role sees for nobody, with none of the application's own conditions."""
    connection = await asyncpg.connect(world.address.url)
    try:
        yield connection
    finally:
        await connection.close()


async def test_without_the_applications_checks_only_the_windows_show_anything(world: World, case: Case) -> None:
    async with as_public(world) as connection:
        for table in (*TABLES, "publication_task", "open_point"):
            assert await connection.fetchval(f"select count(*) from {table}") == 0
        for window in WINDOWS:
            rows = [str(dict(row)) for row in await connection.fetch(f"select * from {window}")]
            assert rows
            assert not [row for row in rows if CANARY.search(row)]
            assert not [row for row in rows for one in case.hidden if one in row]
        [tombstone] = await connection.fetch("select * from public_tombstone")
        assert set(tombstone.keys()) == {"id", "modified_at", "removed_at"}


@pytest.mark.parametrize("window", [*WINDOWS, "public_tombstone", "public_change"])
async def test_nothing_is_written_through_a_window(world: World, case: Case, window: str) -> None:
    async with as_public(world) as connection:
        # Refused by its grants, or because no row can be traced back through it.
        with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ObjectNotInPrerequisiteStateError)):
            await connection.execute(f"delete from {window}")


@pytest.mark.parametrize("key", [None, "chilinh", "elsewhere", "quangninh"])
async def test_under_any_name_but_the_custodians_nothing_is_published(
    world: World, case: Case, key: str | None
) -> None:
    [row] = await world.rows(
        "select id from agreement where in_force_on is not null and id::text = any($1)", case.hidden
    )
    async with as_public(world) as connection:
        if key is not None:
            await connection.execute("select set_config('lienvung.organization_id', $1, false)", world.id(key))
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(
                "insert into publication (agreement_id, version, published_at, modified_at)"
                " values ($1, 1, now(), now())",
                row["id"],
            )
        assert await connection.execute("update publication set unpublished_at = null") == "UPDATE 0"
        assert await connection.execute("delete from publication_task") == "DELETE 0"


def keys(value: Any) -> list[str]:
    """Every name of a member, at any depth."""
    if isinstance(value, dict):
        return [*value, *(name for member in value.values() for name in keys(member))]
    if isinstance(value, list):
        return [name for member in value for name in keys(member)]
    return []
