"""How PostgreSQL finds corridors, segments and their history among those of a whole country."""

from typing import Any
from uuid import UUID

import asyncpg
import pytest_asyncio

from agreements_api.corridors import past_repository, repository
from shared import clock
from tests.agreements_api.agreements.world import Json, World
from tests.agreements_api.corridors.lines import corridor, segment

_MANY = """
with others as (
    insert into corridor select gen_random_uuid(), 1, c.agreement_id, null, '{}', c.name, c.folded, null, null, null,
        true, now(), now() from corridor c, generate_series(1, 4000) where c.id = $1 returning id, agreement_id
), parts as (
    insert into corridor_segment (id, version, corridor_id, agreement_id, organization_id, position, name,
        funding_status, percent, geometry_positions, created_at, updated_at)
    select gen_random_uuid(), 1, o.id, o.agreement_id, $2, i, 'x', 'none', 0, 0, now(), now()
    from others o, generate_series(1, 5) i returning id, corridor_id, agreement_id
)
insert into corridor_history (id, corridor_id, segment_id, subject_id, agreement_id, version, action, actor_id,
    actor_kind, actor_name, changes, state, occurred_at)
select gen_random_uuid(), p.corridor_id, p.id, p.id, p.agreement_id, 1, 'add_segment', $2, 'user', 'x', '[]', '{}',
    now()
from parts p
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def drawn(world: World) -> Json:
    """A corridor of an agreement of its own, among four thousand of another one."""
    crowded = await corridor(world, await world.plan())
    drawn = await corridor(world, await world.plan())
    await segment(world, drawn, "chilinh")
    await world.rows(_MANY, UUID(crowded["id"]), world.organizations["kinhmon"].id)
    for table in ("corridor", "corridor_segment", "corridor_history", "agreement", "agreement_access"):
        await world.rows(f"analyze {table}")
    return drawn


async def explain(world: World, statement: str, *values: Any) -> str:
    connection = await asyncpg.connect(world.address.url)
    try:
        await connection.execute("select set_config('lienvung.organization_id', $1, false)", world.id("lucnam"))
        return "\n".join(row[0] for row in await connection.fetch(f"explain (costs off) {statement}", *values))
    finally:
        await connection.close()


async def test_corridors_of_an_agreement_are_found_by_it(world: World, drawn: Json) -> None:
    values = (world.organizations["lucnam"].id, UUID(drawn["agreement_id"]), None, None, None, 51)
    plan = await explain(world, repository.CORRIDORS, *values)
    assert "corridor_of" in plan
    assert "Seq Scan on corridor " not in plan


async def test_all_corridors_come_in_the_order_of_their_index(world: World, drawn: Json) -> None:
    plan = await explain(world, repository.CORRIDORS, world.organizations["lucnam"].id, None, None, None, None, 51)
    assert "Seq Scan on corridor " not in plan
    assert "Sort" not in plan


async def test_segments_and_history_are_found_by_their_corridor(world: World, drawn: Json) -> None:
    values = (world.organizations["lucnam"].id, UUID(drawn["id"]), None, 51)
    segments = await explain(world, repository.SEGMENTS, *values)
    assert "corridor_segment_place" in segments
    assert "Seq Scan on corridor_segment" not in segments
    history = await explain(world, repository.HISTORY, *values, None)
    assert "corridor_history_of" in history
    assert "Seq Scan on corridor_history" not in history


async def test_the_past_is_found_by_agreement_and_corridor(world: World, drawn: Json) -> None:
    organization, now = world.organizations["lucnam"].id, clock.now()
    values: tuple[Any, ...] = (organization, UUID(drawn["agreement_id"]), now, None, None, 51)
    corridors = await explain(world, past_repository.CORRIDORS, *values)
    segments = await explain(world, past_repository.SEGMENTS, organization, UUID(drawn["id"]), now, None, 51)
    for plan in (corridors, segments):
        assert "corridor_history_subject_id_version_key" in plan
        for table in ("corridor c", "corridor_segment p", "corridor_history h", "history h"):
            assert f"Seq Scan on {table}" not in plan, plan
