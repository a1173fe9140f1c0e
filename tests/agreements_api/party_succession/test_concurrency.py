"""Successions that meet something else at the same moment, and workers that are stopped in the middle."""

import asyncio
from typing import Any

import pytest

from agreements_api.party_succession import queue_repository
from tests.agreements_api.agreements.world import Json, problem, signature
from tests.agreements_api.party_succession.reform import Reform, committee, people, whole
from tests.agreements_api.party_succession.test_deciding import divided

ROUNDS = 6


async def test_a_signature_and_a_succession_both_come_through(reform: Reform) -> None:
    """Whichever is first: the old leader signs before his unit's place is taken, or the new one after it."""
    world = reform.world
    for _ in range(ROUNDS):
        ends, stays = await reform.town(), await reform.town()
        opened = await world.opened(parties=[{"organization_id": world.id(town.key)} for town in (ends, stays)])
        path = f"/v1/agreements/{opened['id']}"
        ward = await reform.ward()
        await reform.dissolve(whole(ends.unit, ward))
        other, own, progress = await asyncio.gather(
            world.person(stays.key).act_blindly(path, "sign", signature("stays")),
            world.person(ends.key).act_blindly(path, "sign", signature("ends")),
            reform.carry_out(),
        )
        assert (other.status_code, progress.repointed) == (200, 1)
        assert own.status_code in (200, 403)
        heir = await reform.acting(committee(ward))
        if own.status_code == 403:
            await heir.step(path, "sign", signature("ward"))
        after = await heir.read(path)
        assert after["status"] == "in_force"
        assert after["parties"][0]["responsible_organization_id"] == heir.organization
        assert (await reform.types(opened["id"])).count("agreement.in_force.v1") == 1
        assert (await heir.read(f"{path}/text/verification"))["valid"] is True
    assert await reform.proven()


async def test_a_confirmation_and_a_succession_both_come_through(reform: Reform) -> None:
    world = reform.world
    for _ in range(ROUNDS):
        lead, ends = await reform.town(), await reform.town()
        agreement = await reform.agreement(lead, ends)
        task = await world.task(agreement, lead=lead.ubnd, coordinating=(ends.ubnd,))
        path = f"/v1/tasks/{task['id']}"
        await world.specialist(lead.ubnd).step(path, "accept")
        await world.specialist(lead.ubnd).step(path, "submit")
        ward = await reform.ward()
        await reform.dissolve(whole(ends.unit, ward))
        confirmed, _ = await asyncio.gather(world.person(ends.ubnd).act_blindly(path, "confirm"), reform.carry_out())
        after = await world.person(lead.ubnd).read(path)
        if confirmed.status_code == 200:
            # Completed under the name of whoever confirmed.
            assert (after["status"], after["coordinating"][0]["organization_id"]) == ("completed", world.id(ends.ubnd))
        else:
            problem(confirmed, 403)
            assert (await (await reform.acting(people(ward))).step(path, "confirm"))["status"] == "completed"
        assert (await reform.types(task["id"])).count("task.completed.v1") == 1
    assert await reform.proven()


async def test_of_a_registration_and_a_founding_of_one_name_one_holds_and_the_other_goes_by_it(reform: Reform) -> None:
    world = reform.world
    for _ in range(ROUNDS):
        ends, stays = await reform.town(), await reform.town()
        await reform.agreement(ends, stays)
        ward = await reform.ward()
        await reform.dissolve(whole(ends.unit, ward))
        body = {"unit_id": str(ward.id), "name": committee(ward), "kind": "standing_committee"}
        registered, progress = await asyncio.gather(reform.operator.post("/v1/organizations", body), reform.carry_out())
        if registered.status_code != 201:
            [error] = problem(registered, 422)["errors"]
            assert (error["pointer"], error["code"]) == ("/name", "taken")
        assert progress.founded == (0 if registered.status_code == 201 else 1)
        [row] = await world.rows("select id from organization where name = $1", committee(ward))
        assert await world.rows("select from agreement_party where responsible_organization_id = $1", row["id"])


async def test_a_task_that_is_assigned_meanwhile_is_followed_or_refused(reform: Reform) -> None:
    world = reform.world
    for _ in range(ROUNDS):
        ends, stays = await reform.town(), await reform.town()
        agreement = await reform.agreement(ends, stays)
        ward = await reform.ward()
        await reform.dissolve(whole(ends.unit, ward))
        body = {"title": "Việc mới", "lead_organization_id": world.id(ends.ubnd)}
        assigned, _ = await asyncio.gather(
            world.person(ends.key).post(f"/v1/agreements/{agreement['id']}/tasks", body), reform.carry_out()
        )
        if assigned.status_code == 201:
            after = await world.person(stays.key).read(f"/v1/tasks/{assigned.json()['id']}")
            assert after["lead"]["name"] == people(ward)
        else:
            problem(assigned, 403)
    assert await reform.proven()


async def test_of_two_decisions_at_once_one_holds(reform: Reform) -> None:
    for _ in range(ROUNDS):
        given = await divided(reform)
        one, other = reform.world.person(given.stays.key), reform.world.person("dongtrieu")
        path = await given.of_party(one)
        version = {"If-Match": '"v1"'}
        answers = await asyncio.gather(
            one.post(f"{path}/decide", given.choosing(given.first), **version),
            other.post(f"{path}/decide", given.choosing(given.second), **version),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 412]
        chosen = given.first if answers[0].status_code == 200 else given.second
        party = (await one.read(given.path))["parties"][0]
        assert party["responsible_organization_name"] == committee(chosen)
    assert await reform.proven()


async def many(reform: Reform, number: int) -> list[Json]:
    """Agreements of one town with another, and the town's end."""
    ends, stays = await reform.town(), await reform.town()
    agreements = [await reform.agreement(ends, stays) for _ in range(number)]
    for agreement in agreements:
        await reform.world.task(agreement, lead=ends.ubnd, coordinating=(stays.ubnd,))
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    return agreements


async def succeeded(reform: Reform, agreements: list[Json]) -> list[int]:
    return [(await reform.types(one["id"])).count("agreement.succeeded.v1") for one in agreements]


async def test_several_workers_at_once_do_everything_once(reform: Reform) -> None:
    agreements = await many(reform, 10)
    done = await asyncio.gather(*(reform.carry_out(batch=1) for _ in range(3)))
    # A worker leaves what others hold to them.
    last = await reform.carry_out()
    assert sum(one.repointed for one in (*done, last)) == 10
    assert await succeeded(reform, agreements) == [1] * 10
    assert await reform.proven()


async def test_what_was_stopped_goes_on_where_it_was(reform: Reform) -> None:
    agreements = await many(reform, 7)
    first = await reform.carry_out(batch=2, limit=3)
    assert first.agreements == 3
    assert sorted(await succeeded(reform, agreements)) == [0] * 4 + [1] * 3
    rest = await reform.carry_out()
    assert rest.agreements == 4
    assert await succeeded(reform, agreements) == [1] * 7


async def test_a_worker_that_dies_in_the_middle_leaves_nothing_half_done(
    reform: Reform, monkeypatch: pytest.MonkeyPatch
) -> None:
    agreements = await many(reform, 6)
    finish, calls = queue_repository.finish_steps, 0

    async def dying(*args: Any, **kwargs: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise ConnectionResetError
        await finish(*args, **kwargs)

    monkeypatch.setattr(queue_repository, "finish_steps", dying)
    with pytest.raises(ConnectionResetError):
        await reform.carry_out(batch=2)
    monkeypatch.undo()
    partly = await succeeded(reform, agreements)
    assert 0 < sum(partly) < 6
    assert await reform.proven()
    await reform.carry_out()
    assert await succeeded(reform, agreements) == [1] * 6
    path = f"/v1/agreements/{agreements[0]['id']}"
    name = (await reform.world.person("dongtrieu").read(path))["parties"][0]["responsible_organization_name"]
    assert "assign_task" in (await (await reform.acting(name)).read(path))["allowed_actions"]
    assert await reform.proven()
