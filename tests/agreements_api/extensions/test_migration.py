"""Withdrawn requests, agreed windows, added plan periods: back while nothing needs them, and not afterwards."""

from collections.abc import Iterator

import asyncpg
import pytest

from lienvung.postgres import DatabaseAddress
from shared.db.migrate import downgrade, upgrade
from tests.agreements_api.migrating import own_database, run
from tests.agreements_api.tasks.test_steering_migration import FOUNDATION
from tests.parts import Parts

BEFORE = "0020"
ASKED = """
insert into task_extension (id, task_id, agreement_id, due_on, requested_due_on, reason, requested_by_organization_id,
    requested_by_name, requested_by, requested_at)
    select gen_random_uuid(), id, agreement_id, '2026-12-31', '2027-02-26', 'Cần đo đạc lại', lead_organization_id,
        'UBND', 'x', now() from task order by id limit 1
"""
WITHDRAWN = "update task_extension set state = 'withdrawn', decided_at = now()"
SET = "update agreement set response_working_days = 7"
ADDED = """
insert into plan_period (id, first_on, last_on, added_by, added_by_name, added_at)
    values ('2031-2035', '2031-01-01', '2035-12-31', gen_random_uuid(), 'Quản trị hệ thống', now())
"""


@pytest.fixture
def earlier(parts: Parts) -> Iterator[DatabaseAddress]:
    """A database before this migration, with an agreement, its tasks and a request for a later deadline."""
    with own_database(parts, at=BEFORE, holding=f"{FOUNDATION};\n{ASKED}") as address:
        yield address


def test_what_there_was_stays_as_it_was(earlier: DatabaseAddress) -> None:
    upgrade("agreements_api", earlier.owner_url)
    assert run(earlier.owner_url, "select state from task_extension") == [{"state": "requested"}]
    found = "select response_working_days as days, original_response_working_days as signed from agreement"
    assert run(earlier.owner_url, found) == [{"days": None, "signed": None}]
    periods = run(earlier.owner_url, "select id, added_by, added_at from plan_period order by id")
    assert periods == [{"id": name, "added_by": None, "added_at": None} for name in ("2021-2025", "2026-2030")]


def test_it_can_be_taken_back_and_done_again_while_nothing_needs_it(earlier: DatabaseAddress) -> None:
    upgrade("agreements_api", earlier.owner_url)
    downgrade("agreements_api", earlier.owner_url, BEFORE)
    protected = "select relrowsecurity as on from pg_class where oid = 'plan_period'::regclass"
    assert run(earlier.owner_url, protected) == [{"on": False}]
    with pytest.raises(asyncpg.CheckViolationError):
        run(earlier.owner_url, WITHDRAWN)
    upgrade("agreements_api", earlier.owner_url)
    assert run(earlier.owner_url, protected) == [{"on": True}]


@pytest.mark.parametrize("statement", [WITHDRAWN, SET, ADDED], ids=["withdrawn", "set", "added"])
def test_it_stays_once_something_needs_it(earlier: DatabaseAddress, statement: str) -> None:
    upgrade("agreements_api", earlier.owner_url)
    run(earlier.owner_url, statement)
    with pytest.raises(RuntimeError, match="cannot be taken back"):
        downgrade("agreements_api", earlier.owner_url, BEFORE)


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        (ADDED.replace("2031", "2030"), asyncpg.ExclusionViolationError),
        (ADDED.replace("gen_random_uuid()", "null"), asyncpg.CheckViolationError),
        ("update agreement set response_working_days = 61", asyncpg.CheckViolationError),
        ("update task_extension set state = 'forgotten', decided_at = now()", asyncpg.CheckViolationError),
    ],
    ids=["overlap", "nobody", "too_long", "no_state"],
)
def test_the_tables_refuse_what_cannot_be(
    earlier: DatabaseAddress, statement: str, error: type[asyncpg.PostgresError]
) -> None:
    upgrade("agreements_api", earlier.owner_url)
    with pytest.raises(error):
        run(earlier.owner_url, statement)
