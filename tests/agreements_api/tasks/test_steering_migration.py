"""Milestones, dependencies, extensions and recurrence on what the tasks were before, and back."""

from collections.abc import Iterator

import pytest

from lienvung.postgres import DatabaseAddress
from shared.db.migrate import downgrade, upgrade
from tests.agreements_api.migrating import own_database, run
from tests.parts import Parts

BEFORE = "0016"
FOUNDATION = """
insert into unit (id, level, code, name, type, folded, sort_key)
    values ('00000000-0000-0000-0000-00000000000a', 'district', '205', 'Thị xã', 'Thị xã', 'thi xa', 'a');
insert into organization (id, unit_id, name, kind, folded, sort_key)
    values ('00000000-0000-0000-0000-00000000000b', '00000000-0000-0000-0000-00000000000a', 'UBND',
            'peoples_committee', 'ubnd', 'ubnd');
insert into agreement (id, instrument, title, folded, status, fields, custodian_organization_id, custodian_name,
    signing_order, frozen_text, text_digest, in_force_on, demonstration, created_at, updated_at)
    values ('00000000-0000-0000-0000-000000000001', 'plan', 'A', 'a', 'in_force', '{}',
            '00000000-0000-0000-0000-00000000000b', 'UBND', 'parallel', '{}', '{}', '2024-10-18', true, now(), now());
insert into task (id, version, agreement_id, title, folded, status, lead_organization_id, parties, demonstration,
    created_at, updated_at)
    select t.id, t.version, '00000000-0000-0000-0000-000000000001', 'T', 't', t.status,
        '00000000-0000-0000-0000-00000000000b',
        '{"lead": {"name": "UBND"}, "coordinating": [], "monitoring": []}', true, now(), now()
    from (values ('00000000-0000-0000-0000-0000000000e1'::uuid, 2, 'in_progress'),
                 ('00000000-0000-0000-0000-0000000000e2', 1, 'not_started')) as t(id, version, status);
insert into history (id, subject_id, agreement_id, subject_kind, version, action, actor_id, actor_kind, actor_name,
    changes, state, occurred_at)
    select gen_random_uuid(), t.id, t.agreement_id, 'task', h.version, h.action, t.id, 'user', 'x', '[]', '{}', h.at
    from task t join (values (1, 'assign', timestamptz '2026-11-01 00:00Z'),
                             (2, 'accept', timestamptz '2026-11-02 03:00Z')) as h(version, action, at)
        on h.version <= t.version
    order by t.id, h.version
"""


@pytest.fixture
def earlier(parts: Parts) -> Iterator[DatabaseAddress]:
    """A database before this migration: a task that its lead took on, and one that nobody has begun."""
    with own_database(parts, at=BEFORE, holding=FOUNDATION) as address:
        yield address


def test_who_leads_a_task_took_it_on_when_history_says_so(earlier: DatabaseAddress) -> None:
    upgrade("agreements_api", earlier.owner_url)
    rows = run(
        earlier.owner_url,
        "select status, (parties->'lead'->>'accepted_at')::timestamptz = '2026-11-02 03:00Z' as taken_on,"
        " extension_count, recurrence_id from task order by id",
    )
    assert rows == [
        {"status": "in_progress", "taken_on": True, "extension_count": 0, "recurrence_id": None},
        {"status": "not_started", "taken_on": None, "extension_count": 0, "recurrence_id": None},
    ]


def test_it_can_be_taken_back_and_done_again_while_nothing_needs_it(earlier: DatabaseAddress) -> None:
    upgrade("agreements_api", earlier.owner_url)
    downgrade("agreements_api", earlier.owner_url, BEFORE)
    assert len(run(earlier.owner_url, "select id from task")) == 2
    upgrade("agreements_api", earlier.owner_url)


def test_it_stays_once_something_needs_it(earlier: DatabaseAddress) -> None:
    upgrade("agreements_api", earlier.owner_url)
    run(
        earlier.owner_url,
        "insert into task_milestone (id, task_id, agreement_id, position, title, created_at, updated_at)"
        " select gen_random_uuid(), id, agreement_id, 1, 'Mốc', now(), now() from task limit 1",
    )
    with pytest.raises(RuntimeError, match="cannot be taken back"):
        downgrade("agreements_api", earlier.owner_url, BEFORE)
