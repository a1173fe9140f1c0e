"""Delegated administration on what the foundation left: contacts become lists, drafts are somebody's work."""

from collections.abc import Iterator

import asyncpg
import pytest

from lienvung.postgres import DatabaseAddress
from shared.db.migrate import downgrade, upgrade
from tests.agreements_api.migrating import own_database, run
from tests.parts import Parts

FOUNDATION = """
insert into unit (id, level, code, name, type, folded, sort_key)
    values ('00000000-0000-0000-0000-00000000000a', 'district', '205', 'Thị xã', 'Thị xã', 'thi xa', 'a');
insert into organization (id, unit_id, name, kind, folded, sort_key, contact_name, contact_phone)
    select o.id, u.id, o.name, 'peoples_committee', o.name, o.name, o.contact, o.phone
    from unit u, (values ('00000000-0000-0000-0000-00000000000b'::uuid, 'UBND', 'Văn phòng', '0203 1'),
                         ('00000000-0000-0000-0000-00000000000c', 'Sở', null, null)) as o(id, name, contact, phone);
insert into account (id, organization_id, username, password_hash, name, roles)
    values ('00000000-0000-0000-0000-0000000000d1', '00000000-0000-0000-0000-00000000000b', 'mot', 'x', 'Một',
            '{specialist}'),
           ('00000000-0000-0000-0000-0000000000d2', '00000000-0000-0000-0000-00000000000c', 'hai', 'x', 'Hai',
            '{specialist}');
insert into agreement (id, instrument, title, folded, status, fields, custodian_organization_id, custodian_name,
    signing_order, frozen_text, text_digest, in_force_on, demonstration, created_at, updated_at)
    select a.id, 'plan', a.title, a.title, a.status, '{}', o.id, o.name, 'parallel', frozen, frozen, day, true, now(),
        now()
    from organization o, (values
        ('00000000-0000-0000-0000-000000000001'::uuid, 'in_force', 'A', '{}', date '2024-10-18'),
        ('00000000-0000-0000-0000-000000000002', 'draft', 'B', null, null),
        ('00000000-0000-0000-0000-000000000003', 'draft', 'C', null, null)
    ) as a(id, status, title, frozen, day)
    where o.name = 'UBND';
insert into agreement_member (agreement_id, organization_id, source_id, relation)
    select a.id, a.custodian_organization_id, a.id, 'custodian' from agreement a;
insert into history (id, subject_id, agreement_id, subject_kind, version, action, actor_id, actor_kind, actor_name,
    changes, occurred_at)
    select gen_random_uuid(), a.id, a.id, 'agreement', 1, 'draft', w.account, 'user', 'x', '[]', w.at
    from agreement a join (values ('A', '00000000-0000-0000-0000-0000000000d1'::uuid, timestamptz '2026-11-01 00:00Z'),
                                  ('B', '00000000-0000-0000-0000-0000000000d1', '2026-11-02 00:00Z'),
                                  ('C', '00000000-0000-0000-0000-0000000000d2', '2026-11-03 00:00Z'))
        as w(title, account, at) on w.title = a.title
"""


@pytest.fixture
def foundation(parts: Parts) -> Iterator[DatabaseAddress]:
    """A database as the foundation left it: two bodies, one with a contact; an agreement in force and two drafts."""
    with own_database(parts, at="0002", holding=FOUNDATION) as address:
        yield address


def test_the_present_contact_stays_as_the_first(foundation: DatabaseAddress) -> None:
    upgrade("agreements_api", foundation.owner_url)
    contacts = run(
        foundation.owner_url,
        "select o.name as body, c.position, c.name, c.phone, c.email, c.version"
        " from organization_contact c join organization o on o.id = c.organization_id",
    )
    assert contacts == [
        {"body": "UBND", "position": 1, "name": "Văn phòng", "phone": "0203 1", "email": None, "version": 1}
    ]
    kept = run(foundation.owner_url, "select contact_name, contact_phone from organization where name = 'UBND'")
    assert kept == [{"contact_name": "Văn phòng", "contact_phone": "0203 1"}]


def test_a_draft_is_handled_by_the_colleague_who_drafted_it(foundation: DatabaseAddress) -> None:
    """What is in force is nobody's draft any more, and who drafted for another body does not work there."""
    upgrade("agreements_api", foundation.owner_url)
    for table in ("work_assignment", "work_assignment_log"):
        rows = run(
            foundation.owner_url,
            f"select c.username, a.title, w.id::text as id from {table} w join account c on c.id = w.account_id"
            " join agreement a on a.id = w.agreement_id",
        )
        assert [(row["username"], row["title"]) for row in rows] == [("mot", "B")]
        # An identifier of version 7, of the moment at which it was drafted.
        assert rows[0]["id"].startswith("01a1998e-4400-7")


def test_everybody_who_had_a_password_keeps_it(foundation: DatabaseAddress) -> None:
    upgrade("agreements_api", foundation.owner_url)
    accounts = run(foundation.owner_url, "select distinct password_hash, invitation_digest from account")
    assert accounts == [{"password_hash": "x", "invitation_digest": None}]


def test_it_can_be_taken_back_with_an_invitation_out(foundation: DatabaseAddress) -> None:
    upgrade("agreements_api", foundation.owner_url)
    run(
        foundation.owner_url,
        "update account set password_hash = null, invitation_digest = 'x', invitation_expires_at = now()"
        " where username = 'hai'",
    )
    downgrade("agreements_api", foundation.owner_url, "0008")
    accounts = run(foundation.owner_url, "select username, password_hash from account order by username")
    # Matched by no password.
    assert accounts == [{"username": "hai", "password_hash": "!"}, {"username": "mot", "password_hash": "x"}]
    upgrade("agreements_api", foundation.owner_url)
    assert len(run(foundation.owner_url, "select id from organization_contact")) == 1


def test_nobody_is_told_half_of_an_invitation(foundation: DatabaseAddress) -> None:
    upgrade("agreements_api", foundation.owner_url)
    with pytest.raises(asyncpg.CheckViolationError):
        run(foundation.owner_url, "update account set invitation_digest = 'x' where username = 'hai'")
