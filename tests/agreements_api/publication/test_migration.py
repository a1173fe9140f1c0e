"""The tables of publication and of open points on what the foundation left."""

from collections.abc import Iterator

import pytest

from lienvung.postgres import DatabaseAddress
from shared.db.migrate import downgrade, upgrade
from tests.agreements_api.migrating import own_database, run
from tests.parts import Parts

FOUNDATION = """
insert into unit (id, level, code, name, type, folded, sort_key)
    values ('00000000-0000-0000-0000-00000000000a', 'district', '205', 'Thị xã', 'Thị xã', 'thi xa', 'a');
insert into organization (id, unit_id, name, kind, folded, sort_key)
    select '00000000-0000-0000-0000-00000000000b', id, 'UBND', 'peoples_committee', 'ubnd', 'u' from unit;
insert into agreement (id, instrument, title, folded, status, fields, custodian_organization_id, custodian_name,
    signing_order, frozen_text, text_digest, in_force_on, parent_agreement_id, demonstration, note, created_at,
    updated_at)
    select a.id, 'plan', 'Kế hoạch', 'ke hoach', a.status, '{}', o.id, o.name, 'parallel', frozen, frozen, day, above,
        true, 'ghi chú', now(), now()
    from organization o, (values
        ('00000000-0000-0000-0000-000000000001'::uuid, 'in_force', '{}', date '2024-10-18', null::uuid),
        ('00000000-0000-0000-0000-000000000002', 'draft', null, null, '00000000-0000-0000-0000-000000000001')
    ) as a(id, status, frozen, day, above);
insert into agreement_member (agreement_id, organization_id, source_id, relation)
    select a.id, o.id, a.id, 'custodian' from agreement a, organization o;
insert into task (id, agreement_id, title, folded, status, lead_organization_id, parties, demonstration, created_at,
    updated_at)
    select '00000000-0000-0000-0000-00000000000c', a.id, 'Việc', 'viec', 'not_started', o.id,
        '{"lead": {"name": "UBND"}, "coordinating": [], "monitoring": []}', true, now(), now()
    from agreement a, organization o where a.status = 'in_force'
"""


@pytest.fixture
def foundation(parts: Parts) -> Iterator[DatabaseAddress]:
    """A database as the foundation left it, with an agreement in force, a draft below it and a task."""
    with own_database(parts, at="0002", holding=FOUNDATION) as address:
        yield address


def test_nothing_is_public_and_everything_can_be_published(foundation: DatabaseAddress) -> None:
    upgrade("agreements_api", foundation.owner_url)
    for window in ("public_agreement", "public_task", "public_text", "public_tombstone"):
        assert run(foundation.url, f"select * from {window}") == []
    # Even if somebody wrote it there past all rules, a draft has no public face.
    run(foundation.owner_url, "insert into publication select id, 1, now(), null, now() from agreement")
    shown = run(foundation.url, "select title, status from public_agreement")
    assert shown == [{"title": "Kế hoạch", "status": "in_force"}]
    assert run(foundation.url, "select title from public_task") == []


def test_the_chain_of_what_was_there_is_walked(foundation: DatabaseAddress) -> None:
    upgrade("agreements_api", foundation.owner_url)
    [link] = run(foundation.owner_url, "select relation, child_id::text, parent_id::text from agreement_link")
    assert link["relation"] == "carries_out"
    assert (link["child_id"][-1], link["parent_id"][-1]) == ("2", "1")


def test_a_change_of_what_is_public_is_noted_at_the_commit(foundation: DatabaseAddress) -> None:
    upgrade("agreements_api", foundation.owner_url)
    past = "2026-01-01T00:00:00Z"
    run(
        foundation.owner_url,
        f"insert into publication select id, 1, '{past}', null, '{past}' from agreement where status = 'in_force'",
    )
    task = "update task set version = version + 1, updated_at = now()"
    noted = f"select modified_at > '{past}' as noted from publication"
    run(foundation.owner_url, task)
    assert run(foundation.owner_url, noted) == [{"noted": False}]
    run(foundation.owner_url, "insert into publication_task select id, agreement_id, now() from task")
    run(foundation.owner_url, task)
    assert run(foundation.owner_url, noted) == [{"noted": True}]


def test_what_was_public_already_is_found_by_its_localities(foundation: DatabaseAddress) -> None:
    """And what was taken back is not."""
    upgrade("agreements_api", foundation.owner_url, "0019")
    run(
        foundation.owner_url,
        "insert into agreement_party (id, agreement_id, ordinal, organization_id, organization_name, role,"
        " required) select gen_random_uuid(), a.id, 1, o.id, o.name, 'signatory', true"
        " from agreement a, organization o",
    )
    run(
        foundation.owner_url,
        "insert into publication select id, 1, now(), case when status = 'draft' then now() end, now() from agreement",
    )
    upgrade("agreements_api", foundation.owner_url)
    shown = "select removed_at is null as public, unit_ids::text[] from public_change order by 1"
    assert run(foundation.owner_url, shown) == [
        {"public": False, "unit_ids": []},
        {"public": True, "unit_ids": ["00000000-0000-0000-0000-00000000000a"]},
    ]


def test_it_can_be_taken_back(foundation: DatabaseAddress) -> None:
    upgrade("agreements_api", foundation.owner_url)
    run(foundation.owner_url, "insert into publication select id, 1, now(), null, now() from agreement")
    downgrade("agreements_api", foundation.owner_url, "0005")
    assert run(foundation.owner_url, "select count(*) as agreements from agreement") == [{"agreements": 2}]
    run(foundation.owner_url, "update task set version = version + 1")
    upgrade("agreements_api", foundation.owner_url)
    assert run(foundation.url, "select * from public_agreement") == []
