"""Corridors and funding taken back with what is in them, and done again."""

from collections.abc import Iterator

import asyncpg
import pytest

from lienvung.postgres import DatabaseAddress
from shared.db.migrate import downgrade, upgrade
from tests.agreements_api.migrating import own_database, run
from tests.parts import Parts

BEFORE = "0015"
FILLED = """
insert into unit (id, level, code, name, type, folded, sort_key)
    values ('00000000-0000-0000-0000-00000000000a', 'district', '205', 'Thị xã', 'Thị xã', 'thi xa', 'a');
insert into organization (id, unit_id, name, kind, folded, sort_key)
    select '00000000-0000-0000-0000-00000000000b', u.id, 'UBND', 'peoples_committee', 'ubnd', 'ubnd' from unit u;
insert into agreement (id, instrument, title, folded, status, fields, custodian_organization_id, custodian_name,
    signing_order, frozen_text, text_digest, in_force_on, demonstration, created_at, updated_at)
    select '00000000-0000-0000-0000-000000000001', 'plan', 'A', 'a', 'in_force', '{}', o.id, o.name, 'parallel', '{}',
        'x', '2024-10-18', true, now(), now() from organization o;
insert into agreement_member (agreement_id, organization_id, source_id, relation)
    select a.id, a.custodian_organization_id, a.id, 'custodian' from agreement a;
insert into task (id, version, agreement_id, title, folded, status, parties, lead_organization_id, demonstration,
    created_at, updated_at)
    select '00000000-0000-0000-0000-000000000002', 1, a.id, 'Việc', 'viec', 'in_progress', '{}',
        a.custodian_organization_id, true, now(), now() from agreement a;
insert into task_funding (task_id, agreement_id, version, needs_public_investment, plan_period, closes_on, status,
    updated_at)
    select t.id, t.agreement_id, 1, true, '2021-2025', '2025-12-31', 'none', now() from task t;
insert into task_funding_miss select f.task_id, f.plan_period, f.agreement_id, f.status, now() from task_funding f;
insert into corridor (id, version, agreement_id, clause_ids, name, folded, demonstration, created_at, updated_at)
    select '00000000-0000-0000-0000-000000000003', 1, a.id, '{}', 'Tuyến', 'tuyen', true, now(), now()
    from agreement a;
insert into corridor_segment (id, version, corridor_id, agreement_id, organization_id, position, name, funding_status,
    percent, geometry_positions, created_at, updated_at)
    select '00000000-0000-0000-0000-000000000004', 1, c.id, c.agreement_id, o.id, 10, 'Đoạn', 'none', 0, 0, now(), now()
    from corridor c, organization o
"""


@pytest.fixture
def filled(parts: Parts) -> Iterator[DatabaseAddress]:
    """A database with one of everything that the migration brings."""
    with own_database(parts, holding=FILLED) as address:
        yield address


def test_it_is_taken_back_with_all_that_is_in_it_and_done_again(filled: DatabaseAddress) -> None:
    downgrade("agreements_api", filled.owner_url, BEFORE)
    gone = run(filled.owner_url, "select to_regclass('corridor_segment') as one, to_regclass('plan_period') as other")
    assert gone == [{"one": None, "other": None}]
    assert run(filled.owner_url, "select title from task") == [{"title": "Việc"}]
    upgrade("agreements_api", filled.owner_url)
    periods = run(filled.owner_url, "select id, first_on::text, last_on::text from plan_period order by id")
    assert periods == [
        {"id": "2021-2025", "first_on": "2021-01-01", "last_on": "2025-12-31"},
        {"id": "2026-2030", "first_on": "2026-01-01", "last_on": "2030-12-31"},
    ]
    assert run(filled.owner_url, "select id from corridor") == []


@pytest.mark.parametrize(
    "statement",
    [
        "update task_funding set plan_period = null",
        "update task_funding set closes_on = null",
        "update task_funding set needs_public_investment = false",
        "update task_funding set amount = 0",
        "update corridor_segment set planned_start = '2027-01-02', planned_finish = '2027-01-01'",
        "update corridor_segment set actual_finish = '2026-01-01'",
        "update corridor_segment set funding_status = 'in_plan'",
        "update corridor_segment set geometry = '{}'",
        "update corridor_segment set road_class = 'class_vii'",
    ],
)
def test_the_tables_themselves_refuse_what_cannot_be_so(filled: DatabaseAddress, statement: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        run(filled.owner_url, statement)


def test_two_segments_never_have_one_position(filled: DatabaseAddress) -> None:
    with pytest.raises(asyncpg.UniqueViolationError):
        run(
            filled.owner_url,
            "insert into corridor_segment (id, version, corridor_id, agreement_id, organization_id, position, name,"
            " funding_status, percent, geometry_positions, created_at, updated_at)"
            " select gen_random_uuid(), 1, s.corridor_id, s.agreement_id, s.organization_id, s.position, 'Khác',"
            " 'none', 0, 0, now(), now() from corridor_segment s",
        )
