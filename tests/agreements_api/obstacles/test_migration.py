"""The dialogue on what was there before: nobody's submission lapses because of it, and it can be taken back."""

from collections.abc import Iterator

import asyncpg
import pytest

from lienvung.postgres import DatabaseAddress
from shared.db.migrate import downgrade, upgrade
from tests.agreements_api.migrating import own_database, run
from tests.parts import Parts

BEFORE = "0018"

FOUNDATION = """
insert into unit (id, level, code, name, type, folded, sort_key)
    values ('00000000-0000-0000-0000-00000000000a', 'district', '205', 'Thị xã', 'Thị xã', 'thi xa', 'a');
insert into organization (id, unit_id, name, kind, folded, sort_key)
    values ('00000000-0000-0000-0000-00000000000b', '00000000-0000-0000-0000-00000000000a', 'UBND',
            'peoples_committee', 'ubnd', 'ubnd');
insert into agreement (id, instrument, title, folded, status, fields, custodian_organization_id, custodian_name,
    signing_order, frozen_text, text_digest, in_force_on, demonstration, created_at, updated_at)
    values ('00000000-0000-0000-0000-000000000001', 'plan', 'A', 'a', 'in_force', '{}',
            '00000000-0000-0000-0000-00000000000b', 'UBND', 'parallel', 'x', 'x', '2024-10-18', true, now(), now());
insert into task (id, agreement_id, title, folded, status, lead_organization_id, parties, submission, submitted_at,
    demonstration, created_at, updated_at)
    values ('00000000-0000-0000-0000-000000000007', '00000000-0000-0000-0000-000000000001', 'Việc', 'viec', 'submitted',
            '00000000-0000-0000-0000-00000000000b',
            '{"lead": {}, "coordinating": [{"confirmed_at": null}, {"confirmed_at": null}], "monitoring": []}',
            1, '2024-11-01', true, now(), now());
insert into task_confirmation (id, task_id, submission, decision, organization_id, organization_name, account_id,
    decided_by, decided_at)
    values (gen_random_uuid(), '00000000-0000-0000-0000-000000000007', 1, 'confirmed',
            '00000000-0000-0000-0000-00000000000b', 'UBND', gen_random_uuid(), 'x', now())
"""


@pytest.fixture
def foundation(parts: Parts) -> Iterator[DatabaseAddress]:
    """A database as it was before: one task that was submitted long ago, and one party that has confirmed it."""
    with own_database(parts, at=BEFORE, holding=FOUNDATION) as address:
        yield address


def decide(address: DatabaseAddress, decision: str) -> None:
    run(
        address.owner_url,
        "insert into task_confirmation (id, task_id, submission, decision, organization_id, organization_name,"
        f" account_id, decided_by, decided_at) select gen_random_uuid(), task_id, 1, '{decision}', organization_id,"
        " 'UBND', account_id, 'x', now() from task_confirmation limit 1",
    )


def test_what_was_submitted_before_has_no_window(foundation: DatabaseAddress) -> None:
    """Its parties were told of none."""
    upgrade("agreements_api", foundation.owner_url)
    [task] = run(foundation.owner_url, "update task set status = 'submitted' returning respond_by")
    assert task == {"respond_by": None}


def test_who_has_confirmed_does_not_lapse_as_well(foundation: DatabaseAddress) -> None:
    upgrade("agreements_api", foundation.owner_url)
    decide(foundation, "refused")
    with pytest.raises(asyncpg.UniqueViolationError):
        decide(foundation, "lapsed")


def test_it_can_be_taken_back_and_done_again(foundation: DatabaseAddress) -> None:
    upgrade("agreements_api", foundation.owner_url)
    downgrade("agreements_api", foundation.owner_url, BEFORE)
    assert run(foundation.owner_url, "select to_regclass('obstacle') as gone") == [{"gone": None}]
    with pytest.raises(asyncpg.CheckViolationError):
        decide(foundation, "refused")
    upgrade("agreements_api", foundation.owner_url)
    assert run(foundation.owner_url, "select decision from task_confirmation") == [{"decision": "confirmed"}]


def test_what_the_older_tables_cannot_tell_is_not_taken_back(foundation: DatabaseAddress) -> None:
    upgrade("agreements_api", foundation.owner_url)
    decide(foundation, "refused")
    with pytest.raises(RuntimeError, match="lapsed or were refused"):
        downgrade("agreements_api", foundation.owner_url, BEFORE)


def test_the_window_follows_from_the_parties(foundation: DatabaseAddress) -> None:
    """Whoever writes them: the first day on which somebody who has not confirmed is late."""
    upgrade("agreements_api", foundation.owner_url)
    parties = (
        '{"lead": {}, "monitoring": [], "coordinating": [{"confirmed_at": "2026-12-01", "respond_by": "2026-12-02"},'
        ' {"confirmed_at": null, "respond_by": "2026-12-09"}]}'
    )
    day = "respond_by::text as day"
    assert run(foundation.owner_url, f"update task set parties = '{parties}' returning {day}") == [
        {"day": "2026-12-09"}
    ]
    assert run(foundation.owner_url, f"update task set status = 'in_progress' returning {day}") == [{"day": None}]
