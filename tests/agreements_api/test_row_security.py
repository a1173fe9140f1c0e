"""Row-level security by itself: what another organisation, the operator or nobody gets from each table by bare SQL."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from agreements_api.funding.missed import tell_missed
from agreements_api.policy import MEMBERS, Role
from lienvung.postgres import DatabaseAddress
from tests.agreements_api.agreements.world import REPORT, World, accepted
from tests.agreements_api.conftest import PASSWORD, Registry
from tests.agreements_api.documents.files import attached
from tests.agreements_api.test_policy_walk import OURS, Place, set_up

PROTECTED = (
    "account",
    "administration_log",
    "agreement",
    "agreement_access",
    "agreement_clause",
    "agreement_member",
    "agreement_party",
    "api_client",
    "boundary_case",
    "boundary_case_log",
    "boundary_case_step",
    "client_secret",
    "document",
    "document_content",
    "corridor",
    "corridor_history",
    "corridor_segment",
    "history",
    "meeting",
    "meeting_log",
    "meeting_minutes",
    "meeting_outcome",
    "meeting_participant",
    "meeting_promise",
    "import_content",
    "import_error",
    "import_job",
    "obstacle",
    "obstacle_log",
    "obstacle_measure",
    "open_point",
    "open_work",
    "organization",
    "organization_contact",
    "plan_period",
    "publication",
    "publication_task",
    "refresh_token",
    "session",
    "signature",
    "succession_case",
    "succession_case_past",
    "succession_run",
    "succession_step",
    "task",
    "task_comment",
    "task_comment_version",
    "task_confirmation",
    "task_funding",
    "task_funding_miss",
    "task_dependency",
    "task_extension",
    "task_milestone",
    "task_part_history",
    "task_progress_report",
    "task_recurrence",
    "task_recurrence_past",
    "task_report_evidence",
    "task_urging",
    "withdrawn_text",
    "work_assignment",
    "work_assignment_log",
)
# Without row-level security, and why that is right.
EXCUSED = {
    "unit": "the register of units is open to everybody, and says nothing of anybody's agreements",
    "unit_parent": "part of the register of units",
    "unit_succession": "part of the register of units",
    "outbox": "read by the relay only, whose feeds go by the members of each event",
    "outbox_head": "how far the outbox is",
    "relay_state": "how far the relay is",
    "idempotency_record": "found by its actor and his own key; its fingerprint is keyed",
    "service_secret": "the service's own: it signs cursors for everybody",
    "product_clock": "one offset for everybody",
    "alembic_version": "which migrations have run",
}
# Everybody looks up whom to turn to, and which periods there are; the changes are what is protected.
OPEN_TO_READ = {"organization", "organization_contact", "plan_period"}
# What the operator administers, and no table of agreements among it.
OPERATORS = {
    *("account", "administration_log", "api_client", "client_secret", "organization", "organization_contact"),
    "succession_run",
}
# A stranger's own row is his own.
ANOTHERS = {
    "organization": "where id is distinct from lienvung_org()",
    "administration_log": "where organization_id is distinct from lienvung_org()",
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(
    registry: Registry, http: httpx.AsyncClient, app: FastAPI, agreements_database: DatabaseAddress
) -> Place:
    """The walk's records, and something in every other table as well."""
    place = await set_up(registry, http, app, agreements_database)
    world = place.world
    agreement, task = f"/v1/agreements/{place.ids['agreement_id']}", f"/v1/tasks/{place.ids['task_id']}"
    worker = world.person("ubnd-dongtrieu")
    funding = {"needs_public_investment": True, "plan_period": "2021-2025"}
    answer = await http.put(f"{task}/funding", json=funding, headers=worker.unsafe(**{"If-Match": "*"}))
    accepted(answer, 200)
    await tell_missed(registry.database, 10)
    photo = await attached(worker, ("task", place.ids["task_id"]))
    report = REPORT | {"evidence_ids": [photo["id"]]}
    for verb, body in (("accept", None), ("reports", report), ("submit", None)):
        await worker.step(task, verb, body)
    await world.person("ubnd-kinhmon").step(task, "confirm")
    for path in (agreement, task):
        accepted(await world.person(OURS).act_blindly(path, "publish"), 200, 201)
    declined = await world.opened()
    await world.person("chilinh").step(f"/v1/agreements/{declined['id']}", "decline", {"reason": "Cần bổ sung"})
    account = await registry.account(world.organizations[OURS], Role.SPECIALIST)
    accepted(await http.post("/v1/sessions", json={"username": account.username, "password": PASSWORD}), 201)
    drafter = registry.as_account(account, world.organizations[OURS])
    accepted(await drafter.post("/v1/agreements", {"instrument": "plan", "title": "Dự thảo (minh họa)"}), 201)
    await _succession(world, place.ids["agreement_id"])
    await world.rows(
        "insert into import_error (import_id, ordinal, organization_id, severity, row_number, cell, code, detail)"
        " select id, 1, organization_id, 'error', 1, 'A1', 'missing', '{}' from import_job"
    )
    await world.rows("update task_recurrence set updated_at = clock_timestamp()")
    return place


async def _succession(world: World, agreement_id: str) -> None:
    """Straight into the tables: how a succession comes about is the matter of other tests."""
    for statement in (
        "insert into succession_run (id, effective_on, requested_by, requested_by_name, created_at)"
        " select gen_random_uuid(), '2025-07-01', $1, 'Quản trị', now()",
        "insert into succession_step (run_id, agreement_id) select id, $1 from succession_run",
        "insert into succession_case (id, agreement_id, promised_by_organization_id, promised_by_name, old_unit_id,"
        " unit_id, effective_on, proposed_unit_id, state, created_at, updated_at)"
        " select gen_random_uuid(), $1, o.id, o.name, o.unit_id, u.id, '2025-07-01', u.id, 'open', now(), now()"
        " from organization o join unit u on u.id <> o.unit_id limit 1",
        "update succession_case set version = version + 1 where agreement_id = $1",
    ):
        await world.rows(statement, UUID(agreement_id))


@asynccontextmanager
async def as_stranger(world: World, stranger: str) -> AsyncIterator[asyncpg.Connection]:
    """The application's role in the name of another organisation's people, of the operator or of nobody."""
    connection = await asyncpg.connect(world.address.url)
    roles = {"elsewhere": ",".join(sorted(MEMBERS)), "operator": Role.OPERATOR.value}.get(stranger, "")
    organization = world.id("elsewhere") if stranger == "elsewhere" else ""
    try:
        await connection.execute(
            "select set_config('lienvung.organization_id', $1, false), set_config('lienvung.roles', $2, false)",
            organization,
            roles,
        )
        yield connection
    finally:
        await connection.close()


async def test_every_table_is_protected_or_excused(place: Place) -> None:
    rows = await place.world.rows(
        "select relname, relrowsecurity from pg_class where relnamespace = 'public'::regnamespace"
        " and relkind in ('r', 'p') and not relispartition"
    )
    assert {row["relname"] for row in rows if row["relrowsecurity"]} == set(PROTECTED)
    assert {row["relname"] for row in rows if not row["relrowsecurity"]} == set(EXCUSED)


@pytest.mark.parametrize("table", PROTECTED)
async def test_there_is_something_to_protect(place: Place, table: str) -> None:
    [row] = await place.world.rows(f"select count(*) as rows from {table}")
    assert row["rows"] > 0


@pytest.mark.parametrize("table", PROTECTED)
async def test_nobody_else_sees_a_row(place: Place, table: str) -> None:
    for stranger in ("elsewhere", "nobody", "operator"):
        if table in OPERATORS and stranger == "operator":
            continue
        if table in OPEN_TO_READ and not (table == "organization_contact" and stranger == "nobody"):
            continue
        async with as_stranger(place.world, stranger) as connection:
            others = f"select count(*) from {table} {ANOTHERS.get(table, '')}"
            assert await connection.fetchval(others) == 0, stranger


@pytest.mark.parametrize("table", PROTECTED)
async def test_nobody_else_changes_a_row(place: Place, table: str) -> None:
    [allowed] = await place.world.rows(
        "select has_table_privilege('agreements_app', $1, 'delete') as delete, (select a.attname from pg_attribute a"
        " where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''"
        " and has_column_privilege('agreements_app', a.attrelid, a.attnum, 'update') order by a.attnum limit 1)"
        " as column",
        table,
    )
    others = ANOTHERS.get(table, "")
    column = allowed["column"]
    for stranger in ("elsewhere", "nobody"):
        async with as_stranger(place.world, stranger) as connection:
            if column is not None:
                done = await connection.execute(f"update {table} set {column} = {column} {others}")
                assert done == "UPDATE 0", stranger
            if allowed["delete"]:
                assert await connection.execute(f"delete from {table} {others}") == "DELETE 0", stranger
            else:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(f"delete from {table}")


@pytest.mark.parametrize("table", PROTECTED)
async def test_nobody_else_adds_a_row(place: Place, table: str) -> None:
    """A copy of a row that is there, under an identifier of its own."""
    [row] = await place.world.rows(f"select to_jsonb(t)::text as row from {table} t limit 1")
    copy = json.loads(row["row"])
    copy |= {name: str(uuid4()) for name in ("id",) if name in copy}
    columns = await place.world.columns(table)
    statement = f"insert into {table} ({columns}) select {columns} from jsonb_populate_record(null::{table}, $1::jsonb)"
    for stranger in ("elsewhere", "nobody"):
        async with as_stranger(place.world, stranger) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement, json.dumps(copy))


async def test_a_member_cannot_give_its_work_to_another_organisations_people(place: Place) -> None:
    """Of its own records: the table itself refuses whoever does not work there."""
    world = place.world
    stranger = await world.registry.account(world.organizations["elsewhere"], Role.SPECIALIST)
    connection = await asyncpg.connect(world.address.url)
    try:
        await connection.execute("select set_config('lienvung.organization_id', $1, false)", world.id(OURS))
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await connection.execute(
                "insert into work_assignment"
                " select gen_random_uuid(), lienvung_org(), $1, 'agreement', $2, $2, $1, now()",
                stranger.id,
                UUID(place.ids["agreement_id"]),
            )
    finally:
        await connection.close()


async def test_a_segment_is_changed_by_its_owner_alone(place: Place) -> None:
    """A member of the agreement that neither owns it nor has the custody gets nowhere, with or without the checks."""
    segment = UUID(place.ids["segment_id"])
    for key, changed in (("kinhmon", "UPDATE 0"), ("haiduong", "UPDATE 0"), ("chilinh", "UPDATE 1")):
        connection = await asyncpg.connect(place.world.address.url)
        try:
            await connection.execute("select set_config('lienvung.organization_id', $1, false)", place.world.id(key))
            assert await connection.fetchval("select count(*) from corridor_segment where id = $1", segment) == 1
            statement = "update corridor_segment set percent = percent where id = $1"
            assert await connection.execute(statement, segment) == changed, key
        finally:
            await connection.close()


@pytest.mark.parametrize("table", ["corridor_history", "task_funding_miss"])
async def test_what_happened_is_never_altered(place: Place, table: str) -> None:
    connection = await asyncpg.connect(place.world.address.url)
    try:
        await connection.execute("select set_config('lienvung.system', 'on', false)")
        for statement in (f"update {table} set agreement_id = agreement_id", f"delete from {table}"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_what_was_administered_is_never_altered(place: Place) -> None:
    connection = await asyncpg.connect(place.world.address.url)
    try:
        await connection.execute("select set_config('lienvung.system', 'on', false)")
        for statement in (
            "update administration_log set actor_name = 'x'",
            "delete from administration_log",
            "truncate administration_log",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()


async def test_what_was_assigned_is_never_altered(place: Place) -> None:
    connection = await asyncpg.connect(place.world.address.url)
    try:
        await connection.execute("select set_config('lienvung.system', 'on', false)")
        for statement in ("update work_assignment_log set actor_name = 'x'", "delete from work_assignment_log"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()
