"""The migration gives the history that the foundation left its states and its chain."""

from collections.abc import Iterator
from datetime import datetime
from importlib import import_module
from typing import Any

import asyncpg
import orjson
import pytest

from lienvung.postgres import DatabaseAddress
from shared.db.migrate import downgrade, upgrade
from shared.outbox.schema import split_statements
from tests.agreements_api.agreements.world import PARTIES, REPORT, Json, World, accepted, signature
from tests.agreements_api.migrating import own_database
from tests.parts import Parts, in_thread

PACKAGE = "agreements_api"
MIGRATION = import_module("agreements_api.migrations.versions.20261124_0003_audit_trail")
# What the foundation did not tell of: who was expected to sign, until somebody did.
UNKNOWN = ("signatory_name", "signatory_title")
# What no party of a task had in those days.
NEWER = ("accepted_at", "respond_by", "lapsed_at")


async def test_states_are_worked_out_as_they_were(world: World) -> None:
    """The product's own states are taken away and worked out again from what is told of the changes."""
    plan = await world.opened()
    path = f"/v1/agreements/{plan['id']}"
    await world.person("kinhmon").step(path, "sign", signature("kinhmon"))
    await world.person("chilinh").step(path, "decline", {"reason": "Bổ sung thời hạn"})
    accepted(await world.person("dongtrieu").change(path, {"term_to": "2030-12-31", "fields": ["du lịch"]}), 200)
    await world.person("dongtrieu").step(path, "open")
    for key in PARTIES:
        await world.person(key).step(path, "sign", signature(key))
    clauses = (await world.person("dongtrieu").read(f"{path}/clauses"))["items"]
    task = await world.task(plan | {"clauses": clauses}, due_on=None, monitoring=("ubnd-sondong",))
    await work_on(world, f"/v1/tasks/{task['id']}")

    recorded = states(await world.rows("select subject_id, version, state::text as state from history"))
    found = states(await worked_out_again(world))

    assert recorded.keys() == found.keys()
    assert len(found) == 12 + 13
    for place, state in found.items():
        assert told_by_the_foundation(state) == told_by_the_foundation(only(recorded[place], state)), place


async def work_on(world: World, path: str) -> None:
    """Everything that could happen to a task of the foundation."""
    worker, custodian = world.specialist("ubnd-dongtrieu"), world.person("dongtrieu")
    await worker.step(path, "accept")
    accepted(await custodian.change(path, {"due_on": "2026-12-31", "note": "Theo dõi sát"}), 200)
    await worker.step(path, "reports", REPORT)
    await worker.step(path, "submit")
    await world.person("ubnd-kinhmon").step(path, "confirm")
    await world.person("ubnd-chilinh").step(path, "return", {"reason": "Thiếu chữ ký"})
    shown = await custodian.read(path)
    deadlines = [{"organization_id": one["organization_id"], "due_on": "2027-01-31"} for one in shown["coordinating"]]
    accepted(await custodian.change(path, {"due_on": "2027-03-31", "coordinating": deadlines, "title": "Khác"}), 200)
    await worker.step(path, "reports", REPORT | {"percent": 60})
    await worker.step(path, "submit")
    for key in ("ubnd-chilinh", "ubnd-kinhmon"):
        await world.person(key).step(path, "confirm")


async def worked_out_again(world: World) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(world.address.owner_url)
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(
            "set local timezone to 'UTC'; alter table history disable trigger history_append_only;"
            " alter table history alter column state drop not null; update history set state = null"
        )
        for statement in split_statements(MIGRATION.STATES):
            await connection.execute(statement)
        return list(await connection.fetch("select subject_id, version, state::text as state from history"))
    finally:
        await transaction.rollback()
        await connection.close()


def states(rows: list[asyncpg.Record]) -> dict[tuple[Any, int], Json]:
    return {(row["subject_id"], row["version"]): orjson.loads(row["state"]) for row in rows}


def only(recorded: Any, known: Any) -> Any:
    """What was recorded of the fields that the foundation had."""
    if isinstance(known, dict) and isinstance(recorded, dict):
        return {name: only(recorded[name], value) for name, value in known.items()}
    if isinstance(known, list) and isinstance(recorded, list) and len(known) == len(recorded):
        return [only(*pair) for pair in zip(recorded, known, strict=True)]
    return recorded


def told_by_the_foundation(value: Any, name: str = "") -> Any:
    """Without what it did not tell, and times as times: they are written in more than one way."""
    if isinstance(value, dict):
        unsigned = value.get("signed_at", "") is None
        return {
            inner: told_by_the_foundation(one, inner)
            for inner, one in value.items()
            if not (unsigned and inner in UNKNOWN) and inner not in NEWER
        }
    if isinstance(value, list):
        return [told_by_the_foundation(one) for one in value]
    if name == "opened_at":
        # Of an opening that was taken back, only the time of its entry is known, some milliseconds later.
        return value is not None
    if isinstance(value, str) and name.endswith("_at"):
        return datetime.fromisoformat(value)
    return value


FOUNDATION = """
insert into unit (id, level, code, name, type, folded, sort_key)
    values ('00000000-0000-7000-8000-000000000001', 'district', '1', 'Thị xã Đông Triều', 'Thị xã', 'x', 'x');
insert into organization (id, unit_id, name, kind, folded, sort_key, created_at, updated_at)
    values ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001', 'Thị ủy Đông Triều',
        'standing_committee', 'x', 'x', now(), now());
insert into agreement (id, version, instrument, title, folded, status, fields, custodian_organization_id,
        custodian_name, signing_order, demonstration, created_at, updated_at)
    values ('00000000-0000-7000-8000-00000000000a', 2, 'plan', 'Tên mới', 'x', 'draft', '{du lịch}',
        '00000000-0000-7000-8000-000000000002', 'Thị ủy Đông Triều', 'parallel', true,
        '2026-11-01 00:00Z', '2026-11-02 00:00Z');
insert into history (id, subject_id, agreement_id, subject_kind, version, action, actor_id, actor_kind, actor_name,
        changes, occurred_at)
    select gen_random_uuid(), '00000000-0000-7000-8000-00000000000a', '00000000-0000-7000-8000-00000000000a',
        'agreement', version, action, gen_random_uuid(), 'user', 'Chuyên viên', changes::jsonb, at
    from (values (1, 'draft', '[{"field": "title", "from": null, "to": "Tên cũ"}]', timestamptz '2026-11-01 00:00Z'),
                 (2, 'update', '[{"field": "title", "from": "Tên cũ", "to": "Tên mới"}]', '2026-11-02 00:00Z'))
        as h(version, action, changes, at);
"""


@pytest.fixture
def database(parts: Parts) -> Iterator[DatabaseAddress]:
    """A database as the foundation left it."""
    with own_database(parts, at="0002") as address:
        run(address, FOUNDATION)
        yield address


def run(address: DatabaseAddress, statement: str) -> list[tuple[Any, ...]]:
    async def work() -> list[tuple[Any, ...]]:
        connection = await asyncpg.connect(address.owner_url, server_settings={"timezone": "Asia/Ho_Chi_Minh"})
        try:
            if ";" in statement:
                await connection.execute(statement)
                return []
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return in_thread(work)


TOLD = "select version, state->>'title', state->>'updated_at', reconstructed from history order by version"
EXPECTED = [
    (1, "Tên cũ", "2026-11-01T00:00:00+00:00", True),
    (2, "Tên mới", "2026-11-02T00:00:00+00:00", True),
]


def test_history_gets_states_and_a_chain(database: DatabaseAddress) -> None:
    upgrade(PACKAGE, database.owner_url, "0003")
    assert run(database, TOLD) == EXPECTED
    assert run(database, "select count(*) from history h where digest = history_digest(h)") == [(2,)]
    linked = "select b.previous_digest = a.digest from history a join history b on b.version = 2 where a.version = 1"
    assert run(database, linked) == [(True,)]


def test_it_can_be_taken_back_and_done_again(database: DatabaseAddress) -> None:
    upgrade(PACKAGE, database.owner_url, "0003")
    downgrade(PACKAGE, database.owner_url, "0002")
    upgrade(PACKAGE, database.owner_url)
    assert run(database, TOLD) == EXPECTED


def test_it_stays_once_reports_were_corrected(database: DatabaseAddress) -> None:
    upgrade(PACKAGE, database.owner_url, "0003")
    run(
        database,
        """
        insert into task (id, agreement_id, title, folded, status, lead_organization_id, parties, demonstration,
                          created_at, updated_at)
            select a.id, a.id, 'x', 'x', 'in_progress', a.custodian_organization_id, '{}', true, now(), now()
            from agreement a;
        insert into task_progress_report (id, task_id, period_start, period_end, percent, narrative, account_id,
                                          reported_by, reported_at, corrects_report_id)
            select a.id, a.id, now(), now(), 1, 'x', a.id, 'x', now(), a.id from agreement a;
        """,
    )
    with pytest.raises(RuntimeError, match="cannot be taken back"):
        downgrade(PACKAGE, database.owner_url, "0002")
