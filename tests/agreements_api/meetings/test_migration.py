"""The tables of meetings and of boundary areas: taken back and made again, and what they refuse by themselves."""

import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from agreements_api import migrations
from lienvung.postgres import DatabaseAddress
from shared.db.migrate import downgrade, upgrade
from tests.agreements_api.migrating import own_database, run
from tests.parts import Parts

[MIGRATION] = (Path(migrations.__path__[0]) / "versions").glob("*_meetings_and_boundary_cases.py")
NEW = (
    *("meeting", "meeting_participant", "meeting_minutes", "meeting_outcome", "meeting_promise", "meeting_log"),
    *("boundary_case", "boundary_case_step", "boundary_case_log"),
)
FOUNDATION = """
insert into unit (id, level, code, name, type, folded, sort_key)
    values ('00000000-0000-0000-0000-00000000000a', 'district', '205', 'Thị xã', 'Thị xã', 'thi xa', 'a');
insert into organization (id, unit_id, name, kind, folded, sort_key)
    select '00000000-0000-0000-0000-00000000000b', id, 'UBND', 'peoples_committee', 'ubnd', 'u' from unit;
insert into agreement (id, instrument, title, folded, status, fields, custodian_organization_id, custodian_name,
    signing_order, demonstration, created_at, updated_at)
    select '00000000-0000-0000-0000-000000000001', 'plan', 'Kế hoạch', 'ke hoach', 'draft', '{}', o.id, o.name,
        'parallel', true, now(), now()
    from organization o;
insert into meeting (id, agreement_id, kind, title, host_organization_id, host_name, starts_at, agenda, created_at,
    updated_at)
    select '00000000-0000-0000-0000-0000000000f1', a.id, 'regular', 'Họp', o.id, o.name, now(), '[]', now(), now()
    from agreement a, organization o
"""


@pytest.fixture
def database(parts: Parts) -> Iterator[DatabaseAddress]:
    """A database of this test's own, with a planned meeting."""
    with own_database(parts, holding=FOUNDATION) as address:
        yield address


def tables(database: DatabaseAddress) -> set[str]:
    rows = run(database.owner_url, "select relname from pg_class where relkind = 'r'")
    return {row["relname"] for row in rows}


def test_it_is_taken_back_and_done_again(database: DatabaseAddress) -> None:
    assert set(NEW) <= tables(database)
    before = re.search(r'^down_revision = "(\w+)"', MIGRATION.read_text(encoding="utf-8"), re.MULTILINE)
    assert before is not None
    downgrade("agreements_api", database.owner_url, before[1])
    assert tables(database).isdisjoint(NEW)
    upgrade("agreements_api", database.owner_url)
    assert set(NEW) <= tables(database)
    assert run(database.owner_url, "select id from meeting") == []


@pytest.mark.parametrize(
    "change",
    [
        "set status = 'held'",
        "set status = 'cancelled'",
        "set held_on = '2026-01-01'",
        "set ends_at = starts_at - interval '1 minute'",
        "set kind = 'weekly'",
    ],
)
def test_a_meeting_is_in_one_of_its_states_and_whole(database: DatabaseAddress, change: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        run(database.owner_url, f"update meeting {change}")


def test_who_was_not_invited_is_there_by_attendance_alone(database: DatabaseAddress) -> None:
    statement = (
        "insert into meeting_participant (meeting_id, organization_id, organization_name, unit_id, invited, attendance)"
        " select m.id, o.id, o.name, o.unit_id, false, {} from meeting m, organization o"
    )
    with pytest.raises(asyncpg.CheckViolationError):
        run(database.owner_url, statement.format("null"))
    run(database.owner_url, statement.format("'attended'"))


def test_a_boundary_area_lies_between_two_localities(database: DatabaseAddress) -> None:
    run(
        database.owner_url,
        "insert into task (id, agreement_id, title, folded, status, lead_organization_id, parties, demonstration,"
        " created_at, updated_at) select gen_random_uuid(), a.id, 'Việc', 'viec', 'not_started', o.id, '{}', true,"
        " now(), now() from agreement a, organization o",
    )
    with pytest.raises(asyncpg.CheckViolationError):
        run(
            database.owner_url,
            "insert into boundary_case (id, agreement_id, task_id, kind, first_organization_id, first_promiser_id,"
            " first_name, first_unit_id, first_unit_name, second_organization_id, second_promiser_id, second_name,"
            " second_unit_id, second_unit_name, created_at, updated_at)"
            " select gen_random_uuid(), t.agreement_id, t.id, 'both', o.id, o.id, o.name, o.unit_id, 'x', o.id, o.id,"
            " o.name, o.unit_id, 'x', now(), now() from task t, organization o",
        )
