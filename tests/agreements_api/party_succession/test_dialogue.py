"""Whoever takes the place of a party answers what the party was asked, and has its window."""

from agreements_api.agreements.lifecycle import end_what_is_over
from tests.agreements_api.agreements.test_signing_time import days_later
from tests.agreements_api.agreements.world import accepted, problem
from tests.agreements_api.party_succession.reform import Reform, people, whole

ASKED = {"message": "Đề nghị báo cáo (minh họa)."}


async def test_the_heir_of_a_party_has_its_window_and_lets_it_lapse(reform: Reform) -> None:
    world = reform.world
    lead, one, other = [await reform.town() for _ in range(3)]
    agreement = await reform.agreement(lead, one, other)
    task = await world.task(agreement, lead=lead.ubnd, coordinating=(one.ubnd, other.ubnd))
    path = f"/v1/tasks/{task['id']}"
    await world.specialist(lead.ubnd).step(path, "accept")
    submitted = await world.specialist(lead.ubnd).step(path, "submit")
    ward = await reform.ward()
    await reform.dissolve(whole(one.unit, ward), whole(other.unit, ward))
    await reform.carry_out()
    heir = await reform.acting(people(ward))
    after = await heir.read(path)
    assert [party["respond_by"] for party in after["coordinating"]] == [
        party["respond_by"] for party in submitted["coordinating"]
    ]
    async with days_later(world, 10):
        await end_what_is_over(world.registry.database, 50)
        done = await heir.read(path)
    assert done["status"] == "completed"
    # One organisation answers for two parties, and lets one window pass for both.
    rows = (await heir.read(f"{path}/confirmations"))["items"]
    assert [(row["decision"], row["organization_name"]) for row in rows] == [("lapsed", people(ward))]
    assert all(party["lapsed_at"] for party in done["coordinating"])
    assert await reform.proven()


async def test_the_heir_of_a_party_refuses_in_its_place(reform: Reform) -> None:
    world = reform.world
    lead, one = [await reform.town() for _ in range(2)]
    agreement = await reform.agreement(lead, one)
    task = await world.task(agreement, lead=lead.ubnd, coordinating=(one.ubnd,))
    path = f"/v1/tasks/{task['id']}"
    await world.specialist(lead.ubnd).step(path, "accept")
    await world.specialist(lead.ubnd).step(path, "submit")
    ward = await reform.ward()
    await reform.dissolve(whole(one.unit, ward))
    await reform.carry_out()
    heir = await reform.acting(people(ward))
    problem(await world.person(one.ubnd).act(path, "refuse", {"reason": "x"}), 403)
    assert (await heir.step(path, "refuse", {"reason": "Chưa thống nhất (minh họa)"}))["status"] == "in_progress"
    [obstacle] = (await heir.read("/v1/obstacles", task_id=task["id"]))["items"]
    assert obstacle["raised_by_organization_name"] == people(ward)


async def test_the_heir_answers_what_a_party_was_asked_before(reform: Reform) -> None:
    world = reform.world
    lead, stays = [await reform.town() for _ in range(2)]
    agreement = await reform.agreement(lead, stays)
    task = await world.task(agreement, lead=lead.ubnd, coordinating=(stays.ubnd,))
    path = f"/v1/tasks/{task['id']}"
    urging = accepted(await world.person(stays.ubnd).post(f"{path}/urgings", ASKED), 201)
    obstacle = accepted(await world.person(lead.ubnd).post(f"{path}/obstacles", {"text": "Vướng (minh họa)"}), 201)
    ward = await reform.ward()
    await reform.dissolve(whole(lead.unit, ward))
    await reform.carry_out()
    heir = await reform.acting(people(ward))
    where = f"{path}/urgings/{urging['id']}"
    seen = await heir.read(where)
    assert (seen["organization_id"], seen["organization_name"]) == (heir.organization, people(ward))
    assert seen["promised_by_organization_id"] == urging["organization_id"]
    problem(await world.person(lead.ubnd).act(where, "answer", {"answer": "x"}), 403)
    waiting = (await heir.read("/v1/urgings", organization=heir.organization, status="open"))["items"]
    assert [item["id"] for item in waiting] == [urging["id"]]
    assert (await heir.step(where, "answer", {"answer": "Đang làm (minh họa)"}))["status"] == "answered"
    # The obstacle is in the hands of who leads the task by now, and who raised it does nothing any more.
    place = f"/v1/obstacles/{obstacle['id']}"
    assert (await heir.read(place))["organization_name"] == people(ward)
    problem(await world.person(lead.ubnd).act(place, "resolve", {"resolution": "x"}), 403)
    assert (await heir.step(place, "resolve", {"resolution": "Xong (minh họa)"}))["status"] == "resolved"
