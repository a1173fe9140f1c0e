"""What is told of organisations: their place, their focal points, whose accounts changed, what was handed over."""

from uuid import UUID, uuid4

import asyncpg
import pytest

from agreements_api.policy import Role
from shared.db import driver_connection
from tests.agreements_api.administration.telling import administered, by, history, new_user, steps, told
from tests.agreements_api.agreements.world import Json, World
from tests.agreements_api.assignments.people import assign, employee, hand_over
from tests.agreements_api.conftest import Registry


async def test_who_made_an_organisation_and_put_it_under_another(registry: Registry) -> None:
    operator, above, unit = await registry.caller(None), await registry.organization(), await registry.unit()
    body = {"name": "UBND (minh họa)", "kind": "peoples_committee", "unit_id": str(unit.id)}
    created = (await operator.post("/v1/organizations", body | {"contact": {"phone": "0203 1"}})).json()
    path = f"/v1/organizations/{created['id']}"
    await operator.patch(path, {"superior_organization_id": str(above.id)}, **{"If-Match": '"v1"'})
    await operator.patch(path, {"superior_organization_id": str(above.id)}, **{"If-Match": '"v2"'})
    second, first = await history(operator, path)
    assert (first["version"], first["action"], first["actor"]) == (1, "create", by(operator))
    assert told(first) == {
        "unit_id": (None, str(unit.id)),
        "name": (None, "UBND (minh họa)"),
        "kind": (None, "peoples_committee"),
        "contact_phone": (None, "0203 1"),
    }
    assert (second["version"], second["action"]) == (2, "update")
    assert told(second) == {"superior_organization_id": (None, str(above.id))}


async def test_every_focal_point_that_came_changed_and_went(registry: Registry) -> None:
    administrator, _, path = await administered(registry)
    first, second = [
        (await administrator.post(f"{path}/contacts", body)).json()
        for body in ({"name": "Văn phòng", "phone": "0203 1"}, {"name": "Giao thông", "field": "hạ tầng"})
    ]
    url = f"{path}/contacts/{second['id']}"
    await administrator.patch(url, {"position": 1, "phone": "0203 2"}, **{"If-Match": '"v1"'})
    await administrator.patch(url, {"phone": "0203 2"}, **{"If-Match": '"v2"'})
    await administrator.delete(f"{path}/contacts/{first['id']}", **{"If-Match": "*"})
    entries = await history(administrator, path)
    assert steps(entries) == [
        (5, "remove_contact"),
        (4, "change_contact"),
        (3, "add_contact"),
        (2, "add_contact"),
        (1, "create"),
    ]
    whole = {"name": None, "title": None, "phone": None, "email": None, "field": None, "account_id": None}
    office = whole | {"name": "Văn phòng", "phone": "0203 1"}
    assert [told(entry) for entry in entries[:4]] == [
        {f"contacts/{first['id']}": (office | {"position": 2}, None)},
        {f"contacts/{second['id']}/position": (2, 1), f"contacts/{second['id']}/phone": (None, "0203 2")},
        {f"contacts/{second['id']}": (None, whole | {"name": "Giao thông", "field": "hạ tầng", "position": 2})},
        {f"contacts/{first['id']}": (None, office | {"position": 1})},
    ]
    assert entries[0]["actor"] == by(administrator)


async def test_the_focal_point_in_the_organisation_itself(registry: Registry) -> None:
    administrator, _, path = await administered(registry)
    await administrator.patch(path, {"contact": {"name": "A", "title": "Phó phòng"}}, **{"If-Match": '"v1"'})
    await administrator.post(f"{path}/contacts", {"name": "B"})
    await administrator.patch(path, {"contact": None}, **{"If-Match": '"v3"'})
    gone, _, came, _ = await history(administrator, path)
    assert told(came) == {"contact_name": (None, "A"), "contact_title": (None, "Phó phòng")}
    # The next one stands in its place at once.
    assert told(gone) == {"contact_name": ("A", "B"), "contact_title": ("Phó phòng", None)}


async def test_it_says_whose_account_changed_and_no_more(registry: Registry) -> None:
    administrator, _, path = await administered(registry)
    created = await new_user(administrator, email="nguoi@demo.lienvung.example")
    await administrator.patch(f"/v1/users/{created['id']}", {"active": False}, **{"If-Match": '"v1"'})
    entries = await history(administrator, path)
    assert steps(entries) == [(3, "change_people"), (2, "change_people"), (1, "create")]
    assert [told(entry) for entry in entries[:2]] == [{"people": (None, created["id"])}] * 2


async def test_a_hand_over_is_told_of_the_organisation_and_of_who_leaves(world: World, plan: Json) -> None:
    key = "ubnd-dongtrieu"
    administrator, leaving, colleague = [
        await employee(world, key, role) for role in (Role.ADMINISTRATOR, Role.SPECIALIST, Role.SPECIALIST)
    ]
    path, ids = f"/v1/organizations/{world.id(key)}", (str(leaving.actor.id), str(colleague.actor.id))
    await assign(world.person(key), f"/v1/tasks/{(await world.task(plan))['id']}", leaving)
    contact = (await administrator.post(f"{path}/contacts", {"account_id": ids[0], "phone": "0203 1"})).json()
    await hand_over(administrator, leaving, ids[1], deactivate=True)
    newest = (await history(administrator, path))[0]
    point = f"contacts/{contact['id']}"
    moved = {
        "work": ids,
        f"{point}/name": (leaving.actor.name, colleague.actor.name),
        f"{point}/account_id": ids,
        f"{point}/phone": ("0203 1", None),
    }
    said = told(newest)
    assert (newest["action"], newest["actor"], said.pop("people")) == ("hand_over", by(administrator), (None, ids[0]))
    assert said.pop(f"{point}/email")[1].endswith("@demo.lienvung.example")
    assert said == moved
    entries = await history(administrator, f"/v1/users/{ids[0]}")
    assert steps(entries) == [(2, "deactivate"), (1, "hand_over"), (1, "create")]
    assert told(entries[0]) == {"active": (True, False)}
    assert moved.items() <= told(entries[1]).items()
    # Nothing is left, so that a second time is no news.
    await hand_over(administrator, leaving, ids[1])
    assert len(await history(administrator, f"/v1/users/{ids[0]}")) == 3


async def test_administrators_of_the_bodies_above_read_it(registry: Registry) -> None:
    top, highest, _ = await administered(registry)
    middle, between, _ = await administered(registry, superior=highest)
    administrator, organization, path = await administered(registry, superior=between)
    for caller in (administrator, middle, top, await registry.caller(None)):
        assert steps(await history(caller, path)) == [(1, "create")]
    beside, _, _ = await administered(registry, superior=highest)
    refused = (beside, await registry.caller(organization, Role.LEADER), await registry.caller(highest, Role.LEADER))
    for caller in refused:
        assert (await caller.get(f"{path}/history")).status_code == 403
        async with registry.database.transaction(caller.actor) as session:
            connection = await session.connection()
            seen = await connection.exec_driver_sql(
                "select count(*) from administration_log where subject_id = $1", (organization.id,)
            )
            assert seen.scalar_one() == 0
    assert (await top.get(f"/v1/organizations/{uuid4()}/history")).status_code == 404
    below = await registry.organization(superior=organization)
    assert (await middle.get(f"/v1/organizations/{below.id}/history")).status_code == 200


@pytest.mark.parametrize("role", [Role.ADMINISTRATOR, Role.OPERATOR])
async def test_nobody_writes_in_another_ones_name(registry: Registry, role: Role) -> None:
    caller, organization, _ = await administered(registry)
    if role is Role.OPERATOR:
        caller = await registry.caller(None)
    statement = (
        "insert into administration_log (id, organization_id, subject_kind, subject_id, version, action, actor_id,"
        " actor_kind, actor_name, changes, occurred_at)"
        " values (gen_random_uuid(), $1, 'organization', $1, 2, 'update', $2, 'user', 'x', '[]', now())"
    )

    async def write(actor_id: UUID) -> None:
        async with registry.database.transaction(caller.actor) as session:
            await (await driver_connection(session)).execute(statement, organization.id, actor_id)

    await write(caller.actor.id)
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        await write(uuid4())
