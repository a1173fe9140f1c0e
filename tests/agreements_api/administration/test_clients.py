"""What is told of district systems."""

from agreements_api.policy import Role
from tests.agreements_api.administration.telling import Json, administered, by, history, steps, told
from tests.agreements_api.conftest import Caller, Registry


async def new_client(administrator: Caller) -> Json:
    answer = await administrator.post("/v1/clients", {"name": "Hệ thống (minh họa)", "scopes": ["tasks:read"]})
    assert answer.status_code == 201, answer.text
    client: Json = answer.json()
    return client


async def test_everything_that_becomes_of_a_system(registry: Registry) -> None:
    administrator, _, _ = await administered(registry)
    client = await new_client(administrator)
    path = f"/v1/clients/{client['id']}"
    await administrator.patch(path, {"scopes": ["tasks:read", "tasks:write"]}, **{"If-Match": '"v1"'})
    await administrator.post(f"{path}/rotate-secret", {"overlap_hours": 0}, **{"If-Match": '"v2"'})
    await administrator.patch(path, {"active": False}, **{"If-Match": '"v3"'})
    await administrator.patch(path, {"active": False}, **{"If-Match": '"v4"'})
    entries = await history(administrator, path)
    assert steps(entries) == [(4, "deactivate"), (3, "rotate_secret"), (2, "update"), (1, "create")]
    assert [told(entry) for entry in entries] == [
        {"active": (True, False)},
        {"secret": (None, None)},
        {"scopes": (["tasks:read"], ["tasks:read", "tasks:write"])},
        {"name": (None, "Hệ thống (minh họa)"), "scopes": (None, ["tasks:read"]), "active": (None, True)},
    ]
    assert {entry["actor"]["id"] for entry in entries} == {by(administrator)["id"]}


async def test_its_administrators_and_the_operator_read_it(registry: Registry) -> None:
    administrator, organization, _ = await administered(registry)
    path = f"/v1/clients/{(await new_client(administrator))['id']}/history"
    stranger, _, _ = await administered(registry)
    assert (await (await registry.caller(None)).get(path)).status_code == 200
    assert (await (await registry.caller(organization, Role.LEADER)).get(path)).status_code == 403
    assert (await stranger.get(path)).status_code == 404
    async with registry.database.read((await registry.caller(organization, Role.LEADER)).actor) as connection:
        assert await connection.fetchval("select count(*) from administration_log") == 0
