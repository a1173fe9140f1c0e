"""What a succession makes of organisations is told as well, as done by the system."""

import pytest_asyncio

from agreements_api.policy import Role
from shared.auth import SYSTEM
from tests.agreements_api.administration.telling import history, steps, told
from tests.agreements_api.agreements.world import World
from tests.agreements_api.party_succession.reform import Reform, committee, people, whole


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def reform(world: World) -> Reform:
    return Reform(world)


async def test_who_is_founded_and_who_comes_under_another(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    province, _ = await reform.province()
    ward = await reform.commune(province)
    below = await world.registry.organization(superior=world.organizations[ends.key])
    agreement = await reform.agreement(ends, stays)
    await world.task(agreement, lead=ends.ubnd, coordinating=(stays.ubnd,))
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()

    founded = {
        name: (await reform.acting(name, Role.ADMINISTRATOR), f"/v1/organizations/{row['id']}")
        for name in (committee(ward), people(ward))
        for row in await world.rows("select id from organization where name = $1", name)
    }
    assert len(founded) == 2
    for name, (administrator, path) in founded.items():
        [entry] = await history(administrator, path)
        assert (entry["version"], entry["action"], entry["reconstructed"]) == (1, "found", False)
        assert entry["actor"] == {"id": str(SYSTEM.id), "kind": "system", "name": SYSTEM.name, "organization_id": None}
        said = told(entry)
        assert said["name"] == (None, name)
        assert said["unit_id"] == (None, str(ward.id))
        assert said["founded_after"][1].endswith(ends.key)
        assert "kind" in said

    administrator = reform.of(below.id, Role.ADMINISTRATOR)
    newest, first = await history(administrator, f"/v1/organizations/{below.id}")
    assert steps([newest, first]) == [(2, "place_under"), (1, "create")]
    [heir] = await world.rows("select id from organization where name = $1", committee(ward))
    assert told(newest) == {"superior_organization_id": (world.id(ends.key), str(heir["id"]))}
    assert newest["actor"]["kind"] == "system"
    # What stood above by then reads it no more, and what stands above by now does.
    assert (
        await reform.of(world.id(ends.key), Role.ADMINISTRATOR).get(f"/v1/organizations/{below.id}/history")
    ).status_code == 403
    assert await history(founded[committee(ward)][0], f"/v1/organizations/{below.id}")
