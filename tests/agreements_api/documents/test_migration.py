"""Documents come to a database that has agreements, and can be taken back with documents in it."""

from collections.abc import Iterator

import asyncpg
import pytest

from lienvung.postgres import DatabaseAddress
from shared.db.migrate import downgrade, upgrade
from tests.agreements_api.migrating import own_database, run
from tests.parts import Parts

BEFORE = "0013"
AGREEMENT = """
insert into unit (id, level, code, name, type, folded, sort_key)
    values ('00000000-0000-0000-0000-00000000000a', 'district', '205', 'Thị xã', 'Thị xã', 'thi xa', 'a');
insert into organization (id, unit_id, name, kind, folded, sort_key)
    select '00000000-0000-0000-0000-00000000000b', id, 'UBND', 'peoples_committee', 'ubnd', 'ubnd' from unit;
insert into agreement (id, instrument, title, folded, status, fields, custodian_organization_id, custodian_name,
    signing_order, demonstration, created_at, updated_at)
    select '00000000-0000-0000-0000-000000000001', 'plan', 'A', 'a', 'draft', '{}', id, name, 'parallel', true, now(),
        now() from organization
"""
DOCUMENT = """
insert into document_content (digest, size, state) values (repeat('a', 64), 1, 'not_scanned');
insert into document (id, agreement_id, subject_kind, subject_id, digest, size, media_type, name, organization_id,
    organization_name, account_id, added_by, created_at, updated_at)
    select gen_random_uuid(), a.id, 'agreement', a.id, repeat('a', 64), 1, 'text/plain', 'a.txt', o.id, o.name, o.id,
        'x', now(), now() from agreement a, organization o
"""


@pytest.fixture
def database(parts: Parts) -> Iterator[DatabaseAddress]:
    """A database with an agreement from before there were documents."""
    with own_database(parts, at=BEFORE, holding=AGREEMENT) as address:
        yield address


def test_an_agreement_of_before_takes_documents_and_keeps_itself_when_they_are_taken_back(
    database: DatabaseAddress,
) -> None:
    upgrade("agreements_api", database.owner_url)
    run(database.owner_url, DOCUMENT)
    downgrade("agreements_api", database.owner_url, BEFORE)
    assert run(database.owner_url, "select title from agreement") == [{"title": "A"}]
    upgrade("agreements_api", database.owner_url)
    assert run(database.owner_url, "select id from document") == []


@pytest.mark.parametrize(
    "change",
    [
        "update document set removed_at = now()",
        "update document set removal_reason = 'x'",
        "update document set subject_kind = 'house'",
        "update document_content set state = 'fine'",
        "update document_content set size = 0",
    ],
)
def test_half_a_fact_is_refused(database: DatabaseAddress, change: str) -> None:
    upgrade("agreements_api", database.owner_url)
    run(database.owner_url, DOCUMENT)
    with pytest.raises(asyncpg.CheckViolationError):
        run(database.owner_url, change)


def test_a_document_needs_a_content_that_is_stored(database: DatabaseAddress) -> None:
    upgrade("agreements_api", database.owner_url)
    contents, documents = DOCUMENT.split(";\n")
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="not stored"):
        run(database.owner_url, documents)
    run(database.owner_url, contents)
    run(database.owner_url, documents)
