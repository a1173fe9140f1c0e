"""The migration of signing on what the foundation left: nothing that was signed is lost or reads differently."""

from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from lienvung.postgres import DatabaseAddress
from shared.db.migrate import downgrade, upgrade
from tests.agreements_api.migrating import own_database
from tests.parts import Parts, in_thread

PACKAGE = "agreements_api"
FOUNDATION = """
insert into unit (id, level, code, name, type, folded, sort_key)
    values ('00000000-0000-7000-8000-000000000001', 'district', '1', 'Thị xã Đông Triều', 'Thị xã', 'x', 'x');
insert into organization (id, unit_id, name, kind, folded, sort_key, created_at, updated_at)
    values ('00000000-0000-7000-8000-000000000002', '00000000-0000-7000-8000-000000000001', 'Thị ủy Đông Triều',
        'standing_committee', 'x', 'x', now(), now());
insert into agreement (id, instrument, title, folded, status, fields, custodian_organization_id, custodian_name,
        signing_order, term_to, demonstration, created_at, updated_at)
    values ('00000000-0000-7000-8000-00000000000a', 'plan', 'Kế hoạch', 'x', 'draft', '{}',
        '00000000-0000-7000-8000-000000000002', 'Thị ủy Đông Triều', 'parallel', '2030-12-31', true, now(), now());
insert into agreement_party (id, agreement_id, ordinal, organization_id, organization_name, role, required, signed_at)
    values ('00000000-0000-7000-8000-00000000000b', '00000000-0000-7000-8000-00000000000a', 1,
        '00000000-0000-7000-8000-000000000002', 'Thị ủy Đông Triều (tên khi ký)', 'signatory', true, now());
insert into agreement_clause (id, agreement_id, ordinal, text)
    values ('00000000-0000-7000-8000-00000000000c', '00000000-0000-7000-8000-00000000000a', 1, 'Điều một');
update agreement set status = 'in_force', frozen_text = '{}', text_digest = 'd', opened_at = now();
insert into signature (id, agreement_id, party_id, organization_id, account_id, signatory_name, signatory_title,
        delegation, text_digest, signed_at, voided_at)
    select gen_random_uuid(), '00000000-0000-7000-8000-00000000000a', party, '00000000-0000-7000-8000-000000000002',
        gen_random_uuid(), 'A', 'Bí thư', delegation, 'd', now(), voided
    from (values ('00000000-0000-7000-8000-00000000000b'::uuid, null, null::timestamptz),
                 ('00000000-0000-7000-8000-00000000000b'::uuid, 'Thừa ủy quyền', null),
                 (gen_random_uuid(), null, now())) as s(party, delegation, voided);
"""


@pytest.fixture
def database(parts: Parts) -> Iterator[DatabaseAddress]:
    """A database as the foundation left it."""
    with own_database(parts, at="0002") as address:
        run(address, FOUNDATION)
        yield address


def run(address: DatabaseAddress, statement: str) -> list[Any]:
    async def work() -> list[Any]:
        connection = await asyncpg.connect(address.owner_url)
        try:
            if ";" in statement:
                await connection.execute(statement)
                return []
            return [tuple(row) for row in await connection.fetch(statement)]
        finally:
            await connection.close()

    return in_thread(work)


def test_what_was_signed_before_stays_as_it_was(database: DatabaseAddress) -> None:
    kept = "select frozen_text, text_digest, status, term_to from agreement"
    before = run(database, kept)
    upgrade(PACKAGE, database.owner_url, "0004")
    assert run(database, kept) == before
    assert run(database, "select text_format, original_term_to = term_to, sign_by from agreement") == [
        ("jcs", True, None)
    ]
    told = "select organization_name, role, authority, delegation, void_reason from signature order by void_reason, 4"
    assert run(database, told) == [
        ("Thị ủy Đông Triều", "signatory", "own", None, "declined"),
        ("Thị ủy Đông Triều (tên khi ký)", "signatory", None, "Thừa ủy quyền", None),
        ("Thị ủy Đông Triều (tên khi ký)", "signatory", "own", None, None),
    ]
    with pytest.raises(asyncpg.RaiseError):
        run(database, "update agreement_clause set text = 'khác'")


def test_it_can_be_taken_back_as_long_as_nothing_rests_on_it(database: DatabaseAddress) -> None:
    upgrade(PACKAGE, database.owner_url, "0004")
    downgrade(PACKAGE, database.owner_url, "0003")
    with pytest.raises(asyncpg.RaiseError):
        run(database, "update agreement_clause set text = 'khác'")
    upgrade(PACKAGE, database.owner_url, "0004")
    run(database, "alter table agreement_party disable trigger user; update agreement_party set role = 'approver';")
    with pytest.raises(RuntimeError, match="cannot be taken back"):
        downgrade(PACKAGE, database.owner_url, "0003")


def test_who_came_in_after_an_amendment_sees_it_from_now_on(database: DatabaseAddress) -> None:
    """And still sees it where the migration is taken back, like whoever was there before."""
    upgrade(PACKAGE, database.owner_url, "0023")
    run(
        database,
        """
        insert into agreement (id, instrument, title, folded, status, fields, custodian_organization_id, custodian_name,
                signing_order, demonstration, created_at, updated_at, amends_agreement_id, amendment_kind, frozen_text,
                text_digest, opened_at, in_force_on)
            select ('00000000-0000-7000-8000-0000000000' || n)::uuid, 'plan', 'Sửa đổi', 'x', v.status, '{}',
                custodian_organization_id, custodian_name, 'parallel', true, now(), now(), id, 'amendment', frozen,
                frozen, case when frozen is not null then now() end,
                case when frozen is not null then date '2026-01-01' end
            from agreement, (values ('a1', 'in_force', '{}'), ('a2', 'draft', null)) as v(n, status, frozen);
        insert into agreement_member (agreement_id, organization_id, source_id, relation)
            values ('00000000-0000-7000-8000-00000000000a', '00000000-0000-7000-8000-000000000002', gen_random_uuid(),
                'lead');
        """,
    )
    seen = "select right(agreement_id::text, 2) from agreement_access order by 1"
    assert run(database, seen) == [("0a",)]
    upgrade(PACKAGE, database.owner_url)
    assert run(database, seen) == [("0a",), ("a1",)]
    downgrade(PACKAGE, database.owner_url, "0023")
    assert run(database, seen) == [("0a",), ("a1",)]
