"""The migration on what the foundation left: everybody answers for himself until others do."""

from collections.abc import Iterator

import asyncpg
import pytest

from lienvung.postgres import DatabaseAddress
from shared.db.migrate import downgrade, upgrade
from tests.agreements_api.agreements.test_signing_migration import FOUNDATION, run
from tests.agreements_api.migrating import own_database
from tests.parts import Parts

PACKAGE = "agreements_api"
CASE = """
insert into unit (id, level, code, name, type, folded, sort_key)
    values ('00000000-0000-7000-8000-000000000003', 'commune', '2', 'Phường Đông Triều', 'Phường', 'x', 'x');
insert into succession_case (id, agreement_id, promised_by_organization_id, promised_by_name, old_unit_id, unit_id,
        effective_on, proposed_unit_id, state, created_at, updated_at)
    values (gen_random_uuid(), '00000000-0000-7000-8000-00000000000a', '00000000-0000-7000-8000-000000000002', 'x',
        '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000003', '2025-07-01',
        '00000000-0000-7000-8000-000000000003', 'automatic', now(), now());
"""


@pytest.fixture
def database(parts: Parts) -> Iterator[DatabaseAddress]:
    """A database as the foundation left it."""
    with own_database(parts, at="0002") as address:
        run(address, FOUNDATION)
        yield address


def test_everybody_answers_for_himself_after_it(database: DatabaseAddress) -> None:
    upgrade(PACKAGE, database.owner_url, "0005")
    assert run(database, "select responsible_organization_id, organization_name from agreement_party") == [
        (None, "Thị ủy Đông Triều (tên khi ký)")
    ]
    assert run(database, "select original_custodian_organization_id from agreement") == [(None,)]
    assert run(database, "select by_succession from organization") == [(False,)]


def test_it_is_taken_back_until_somebody_answers_for_another(database: DatabaseAddress) -> None:
    upgrade(PACKAGE, database.owner_url, "0005")
    downgrade(PACKAGE, database.owner_url, "0004")
    with pytest.raises(asyncpg.UndefinedTableError):
        run(database, "select from succession_case")
    upgrade(PACKAGE, database.owner_url, "0005")
    run(database, CASE)
    with pytest.raises(asyncpg.UniqueViolationError):
        run(database, CASE.split(";")[1] + ";")
    with pytest.raises(RuntimeError, match="cannot be taken back"):
        downgrade(PACKAGE, database.owner_url, "0004")
