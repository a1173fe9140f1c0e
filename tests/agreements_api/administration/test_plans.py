"""How PostgreSQL finds what was done to one record among a whole country's."""

import asyncpg
import pytest

from agreements_api.administration import repository
from agreements_api.policy import Role
from tests.agreements_api.agreements.world import World

_MANY = """
insert into administration_log (id, organization_id, subject_kind, subject_id, version, action, actor_id, actor_kind,
    actor_name, changes, occurred_at)
select gen_random_uuid(), $1, 'user', gen_random_uuid(), 1, 'create', gen_random_uuid(), 'user', 'x', '[]', now()
from generate_series(1, 20000)
"""


@pytest.mark.parametrize("before", [None, 7])
async def test_a_history_is_found_by_its_record(world: World, before: int | None) -> None:
    organization = world.organizations["ubnd-dongtrieu"].id
    await world.rows(_MANY, organization)
    await world.rows("analyze administration_log")
    connection = await asyncpg.connect(world.address.url)
    try:
        await connection.execute(
            "select set_config('lienvung.organization_id', $1, false), set_config('lienvung.roles', $2, false)",
            str(organization),
            Role.ADMINISTRATOR,
        )
        rows = await connection.fetch(
            f"explain (costs off) {repository.LIST}", organization, "organization", before, 51
        )
    finally:
        await connection.close()
    plan = "\n".join(row[0] for row in rows)
    assert "administration_log_of" in plan
    assert "Sort" not in plan
