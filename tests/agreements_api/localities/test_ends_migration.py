"""The migration by which units can end without heirs: since when things are known, and when it is taken back."""

from collections.abc import Iterator

import asyncpg
import pytest

from lienvung.postgres import DatabaseAddress
from shared.db.migrate import downgrade, upgrade
from tests.agreements_api.agreements.test_signing_migration import run
from tests.agreements_api.migrating import own_database
from tests.parts import Parts

PACKAGE = "agreements_api"
BEFORE = "0030"
# Made at 2026-10-01T02:00:00.123Z, as identifiers of version 7 tell; those of the reference data tell nothing.
_MADE = "01a0f530-a17b-7000-8000-00000000000"
_LOADED = "00000000-0000-5000-8000-00000000000"
RECORDED = f"""
insert into unit (id, level, code, name, type, folded, sort_key, valid_to) values
    ('{_LOADED}1', 'commune', '1', 'Xã Cũ', 'Xã', 'x', 'x', '2026-09-30'),
    ('{_LOADED}2', 'commune', '2', 'Xã Mới', 'Xã', 'x', 'x', null),
    ('{_LOADED}3', 'commune', '3', 'Xã Xưa', 'Xã', 'x', 'x', '2025-06-30'),
    ('{_LOADED}4', 'province', '4', 'Tỉnh Một', 'Tỉnh', 'x', 'x', null),
    ('{_LOADED}5', 'province', '5', 'Tỉnh Hai', 'Tỉnh', 'x', 'x', null);
insert into unit_succession (id, old_unit_id, new_unit_id, effective_on, partial, is_default, kind) values
    ('{_MADE}1', '{_LOADED}1', '{_LOADED}2', '2026-10-01', false, true, 'merge'),
    ('{_MADE}2', '{_LOADED}2', '{_LOADED}4', '2026-10-01', true, false, 'split'),
    ('{_LOADED}1', '{_LOADED}3', '{_LOADED}2', '2025-07-01', false, true, 'merge');
insert into unit_parent (id, unit_id, parent_id, valid_from, valid_to) values
    ('{_LOADED}1', '{_LOADED}1', '{_LOADED}4', null, '2026-09-30'),
    ('{_LOADED}2', '{_LOADED}2', '{_LOADED}4', null, '2026-09-30'),
    ('{_MADE}3', '{_LOADED}2', '{_LOADED}5', '2026-10-01', null),
    ('{_LOADED}3', '{_LOADED}3', '{_LOADED}4', null, '2025-06-30');
insert into succession_run (id, effective_on, unit_ids, requested_by, requested_by_name, created_at) values
    ('{_MADE}4', '2026-10-01', array['{_LOADED}1']::uuid[], '{_MADE}5', 'x', '2026-10-01T02:00:01Z');
"""
_AT = "to_char({} at time zone 'UTC', 'MM-DD HH24:MI:SS.MS')"
RUN, MADE = "10-01 02:00:01.000", "10-01 02:00:00.123"


@pytest.fixture
def database(parts: Parts) -> Iterator[DatabaseAddress]:
    """A database as it was before."""
    with own_database(parts, at=BEFORE) as address:
        yield address


def test_what_a_resolution_recorded_is_known_since_then_and_what_was_loaded_always(database: DatabaseAddress) -> None:
    run(database, RECORDED)
    upgrade(PACKAGE, database.owner_url)
    assert run(database, f"select {_AT.format('end_recorded_at')} from unit order by id") == [
        (RUN,),
        (None,),
        (None,),
        (None,),
        (None,),
    ]
    edges = f"select {_AT.format('recorded_at')} from unit_succession order by old_unit_id"
    assert run(database, edges) == [(RUN,), (MADE,), (None,)]
    links = f"""select {_AT.format("recorded_at")}, {_AT.format("end_recorded_at")}
        from unit_parent order by unit_id, valid_from nulls first"""
    assert run(database, links) == [(None, RUN), (None, MADE), (MADE, None), (None, None)]


def test_it_is_taken_back_until_a_unit_was_dissolved_with_nobody_to_follow(database: DatabaseAddress) -> None:
    upgrade(PACKAGE, database.owner_url)
    downgrade(PACKAGE, database.owner_url, BEFORE)
    with pytest.raises(asyncpg.UndefinedColumnError):
        run(database, "select dissolved_by from unit")
    run(database, RECORDED)
    upgrade(PACKAGE, database.owner_url)
    with pytest.raises(asyncpg.CheckViolationError):
        run(database, "update unit set dissolved_by = 'Nghị quyết minh họa' where valid_to is null")
    run(database, "update unit set dissolved_by = 'Nghị quyết minh họa' where valid_to is not null")
    with pytest.raises(RuntimeError, match="cannot be taken back"):
        downgrade(PACKAGE, database.owner_url, BEFORE)
