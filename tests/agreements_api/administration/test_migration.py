"""The log begins with what is there, and is not thrown away once it tells of what somebody did."""

from collections.abc import Iterator

import orjson
import pytest

from lienvung.postgres import DatabaseAddress
from shared.db.migrate import downgrade, upgrade
from tests.agreements_api.migrating import own_database, run
from tests.parts import Parts

BEFORE = "0029"
THERE = """
insert into unit (id, level, code, name, type, folded, sort_key)
    values ('00000000-0000-0000-0000-00000000000a', 'district', '205', 'Thị xã', 'Thị xã', 'thi xa', 'a');
insert into organization (id, version, unit_id, name, kind, folded, sort_key, updated_at)
    values ('00000000-0000-0000-0000-00000000000b', 3, '00000000-0000-0000-0000-00000000000a', 'UBND',
        'peoples_committee', 'ubnd', 'ubnd', '2026-11-01 00:00Z');
insert into organization_contact (id, organization_id, position, name, phone, created_at, updated_at)
    values ('00000000-0000-0000-0000-0000000000c1', '00000000-0000-0000-0000-00000000000b', 1, 'Văn phòng', '0203 1',
        now(), now());
insert into account (id, version, organization_id, username, password_hash, name, roles, updated_at)
    values ('00000000-0000-0000-0000-0000000000d1', 2, '00000000-0000-0000-0000-00000000000b', 'mot', 'x', 'Một',
        '{specialist,leader}', '2026-11-02 00:00Z'),
        ('00000000-0000-0000-0000-0000000000d2', 1, null, 'hai', 'x', 'Hai', '{operator}', '2026-11-02 00:00Z');
insert into api_client (id, organization_id, name, scopes)
    values ('00000000-0000-0000-0000-0000000000e1', '00000000-0000-0000-0000-00000000000b', 'Hệ thống', '{tasks:read}')
"""


@pytest.fixture
def database(parts: Parts) -> Iterator[DatabaseAddress]:
    """A database of this test's own, from before the log."""
    with own_database(parts, at=BEFORE, holding=THERE) as address:
        yield address


def test_whatever_is_there_has_one_entry_of_what_it_is(database: DatabaseAddress) -> None:
    upgrade("agreements_api", database.owner_url)
    rows = run(
        database.owner_url,
        "select subject_kind, version, action, actor_kind, reconstructed, changes::text as changes,"
        " occurred_at = '2026-11-02 00:00Z' as then, organization_id is null as nobodys"
        " from administration_log order by subject_kind, subject_id",
    )
    assert {(row["action"], row["actor_kind"], row["reconstructed"]) for row in rows} == {
        ("begin_history", "system", True)
    }
    said = [
        (row["subject_kind"], row["version"], {one["field"]: one["to"] for one in orjson.loads(row["changes"])})
        for row in rows
    ]
    assert said == [
        ("client", 1, {"name": "Hệ thống", "scopes": ["tasks:read"], "active": True}),
        (
            "organization",
            3,
            {
                "unit_id": "00000000-0000-0000-0000-00000000000a",
                "name": "UBND",
                "kind": "peoples_committee",
                "contacts/00000000-0000-0000-0000-0000000000c1": {
                    "position": 1,
                    "name": "Văn phòng",
                    "title": None,
                    "phone": "0203 1",
                    "email": None,
                    "field": None,
                    "account_id": None,
                },
            },
        ),
        (
            "user",
            2,
            {"username": "mot", "name": "Một", "roles": ["specialist", "leader"], "language": "vi", "active": True},
        ),
        ("user", 1, {"username": "hai", "name": "Hai", "roles": ["operator"], "language": "vi", "active": True}),
    ]
    assert [(row["then"], row["nobodys"]) for row in rows[2:]] == [(True, False), (True, True)]


def test_it_is_taken_back_until_it_tells_of_what_somebody_did(database: DatabaseAddress) -> None:
    upgrade("agreements_api", database.owner_url)
    downgrade("agreements_api", database.owner_url, BEFORE)
    upgrade("agreements_api", database.owner_url)
    run(
        database.owner_url,
        "insert into administration_log (id, organization_id, subject_kind, subject_id, version, action, actor_id,"
        " actor_kind, actor_name, changes, occurred_at)"
        " select gen_random_uuid(), organization_id, subject_kind, subject_id, 2, 'update', gen_random_uuid(), 'user',"
        " 'x', '[]', now() from administration_log where subject_kind = 'client'",
    )
    with pytest.raises(RuntimeError, match="administered"):
        downgrade("agreements_api", database.owner_url, BEFORE)
