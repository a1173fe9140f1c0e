"""Lists of imports are read from their indexes, whoever else has imported whatever."""

import json
from typing import Any

import pytest

from agreements_api.imports.repository import ERRORS, LIST
from tests.agreements_api.agreements.world import World

_FILL = """
insert into import_job (id, version, organization_id, kind, file_name, size_bytes, digest, dry_run, again,
    demonstration, status, requested_by, requested_by_kind, requested_by_name, roles, created_at, updated_at)
select gen_random_uuid(), 1, o.id, 'agreements', 'x', 1, encode(sha256(n::text::bytea), 'hex'), true, false, true,
    case n % 50 when 0 then 'queued' else 'cancelled' end, o.id, 'user', 'x', '[]', now(), now()
from generate_series(1, 4000) n join organization o on o.name = case n % 20
    when 0 then 'Ban Thường vụ Thị ủy Đông Triều' else 'Ban Thường vụ Tỉnh ủy Hà Giang' end
"""
_ERRORS = """
insert into import_error (import_id, ordinal, organization_id, severity, row_number, cell, code, detail)
select j.id, n, j.organization_id, 'error', n, 'A' || n, 'missing', '{}'
from (select * from import_job limit 40) j, generate_series(1, 200) n
"""


def nodes(plan: Any) -> list[dict[str, Any]]:
    return [plan, *(node for part in plan.get("Plans", ()) for node in nodes(part))]


@pytest.mark.parametrize("part", ["list", "errors", "queue"])
async def test_a_page_is_read_from_an_index(world: World, part: str) -> None:
    if not await world.rows("select 1 from import_job limit 1"):
        for statement in (_FILL, _ERRORS, "analyze import_job", "analyze import_error"):
            await world.rows(statement)
    organization = world.organizations["dongtrieu"].id
    [job] = await world.rows("select import_id from import_error limit 1")
    statement, values, index = {
        "list": (LIST, [organization, None, None, None, 51], "import_job_of"),
        "errors": (ERRORS, [organization, job["import_id"], 0, None, 51], "import_error_pkey"),
        "queue": (
            "select id from import_job where status in ('queued', 'checking', 'writing')"
            " and free_at <= clock_timestamp() order by free_at for update skip locked limit 1",
            [],
            "import_job_waiting",
        ),
    }[part]
    [row] = await world.rows(f"explain (format json) {statement}", *values)
    found = nodes(json.loads(row[0])[0]["Plan"])
    assert index in {node.get("Index Name") for node in found}
    assert not [node for node in found if node["Node Type"] in ("Seq Scan", "Sort")]
