"""What is over keeps the names of its day; what can still be done about it is for whoever has the places by now."""

from uuid import UUID

from agreements_api.localities.models import Unit
from agreements_api.policy import Role
from agreements_api.recurrence.occurrences import make_due
from tests.agreements_api.agreements.test_signing_time import days_later
from tests.agreements_api.agreements.world import REPORT, Json, Person, World, accepted, problem
from tests.agreements_api.documents.files import attached, pdf, send
from tests.agreements_api.party_succession.reform import Reform, Town, committee, most, part, people, whole

ASKED = {"message": "Đề nghị giải trình (minh họa)."}
REASON = {"reason": "Kết quả chưa đạt (minh họa)"}


async def test_the_old_parties_of_a_completed_task_read_it_and_their_heirs_act(reform: Reform) -> None:
    world = reform.world
    lead, one, watches = [await reform.town() for _ in range(3)]
    task, path = await completed(reform, lead, one, monitoring=(watches.ubnd,))
    question = accepted(await world.person(watches.ubnd).post(f"{path}/explanations", asked(world, lead)), 201)
    said = accepted(await world.person(one.ubnd).post(f"{path}/comments", {"text": "Ý kiến (minh họa)"}), 201)
    wards = {town.key: await reform.ward() for town in (lead, one, watches)}
    await reform.dissolve(*(whole(town.unit, wards[town.key]) for town in (lead, one, watches)))
    await reform.carry_out()

    old = {town.key: world.person(town.ubnd) for town in (lead, one, watches)}
    heir = {key: await reform.acting(people(ward)) for key, ward in wards.items()}
    for person in old.values():
        seen = await person.read(path)
        assert (seen["allowed_actions"], seen["lead"]["name"]) == ([], f"UBND thị xã {lead.key}")
        problem(await person.act(path, "reopen", REASON), 403)
        problem(await person.post(f"{path}/comments", {"text": "x"}), 403)
        problem(await person.post(f"{path}/explanations", asked(world, lead)), 403)
        problem(await send(person, ("task", task["id"]), pdf()), 403)
    where = f"{path}/comments/{said['id']}"
    assert (await old[one.key].read(where))["allowed_actions"] == []
    problem(await old[one.key].change(where, {"text": "x"}), 403)
    place = f"{path}/explanations/{question['id']}"
    assert (await old[lead.key].read(place))["allowed_actions"] == []
    problem(await old[lead.key].act(place, "answer", {"answer": "x"}), 403)
    assert (await heir[lead.key].read(place))["allowed_actions"] == ["answer"]
    assert (await heir[lead.key].read(place))["organization_id"] == heir[lead.key].organization
    await heir[lead.key].step(place, "answer", {"answer": "Đã làm (minh họa)"})
    for person in heir.values():
        accepted(await person.post(f"{path}/comments", {"text": "Ý kiến (minh họa)"}), 201)
    await attached(heir[lead.key], ("task", task["id"]))
    assert (await heir[watches.key].read(path))["allowed_actions"] == ["reopen"]
    assert await reform.proven()


async def test_whoever_has_the_place_that_would_be_asked_does_not_ask_itself(reform: Reform) -> None:
    lead, one, watches = [await reform.town() for _ in range(3)]
    _, path = await completed(reform, lead, one, monitoring=(watches.ubnd,))
    ward = await reform.ward()
    await reform.dissolve(whole(lead.unit, ward), whole(watches.unit, ward))
    await reform.carry_out()
    heir = await reform.acting(people(ward))
    refused = problem(await heir.post(f"{path}/explanations", asked(reform.world, lead)), 422)
    assert [(error["pointer"], error["code"]) for error in refused["errors"]] == [("/organization_id", "ones_own")]
    accepted(await heir.post(f"{path}/explanations", asked(reform.world, one)), 201)


async def test_a_task_that_is_reopened_goes_on_with_whoever_has_its_places(reform: Reform) -> None:
    world = reform.world
    lead, one, watches = [await reform.town() for _ in range(3)]
    _, path = await completed(reform, lead, one, monitoring=(watches.ubnd,))
    ward, other = [await reform.ward() for _ in range(2)]
    await reform.dissolve(whole(lead.unit, ward), whole(one.unit, other))
    await reform.carry_out()
    after = await world.person("dongtrieu").step(path, "reopen", REASON)
    [coordinating] = after["coordinating"]
    assert (after["lead"]["name"], coordinating["name"]) == (people(ward), people(other))
    assert after["lead"]["promised_by_name"] == f"UBND thị xã {lead.key}"
    assert after["monitoring"][0]["name"] == f"UBND thị xã {watches.key}"
    worker = await reform.acting(people(ward), Role.SPECIALIST)
    assert "report" in (await worker.read(path))["allowed_actions"]
    await worker.step(path, "reports", REPORT)
    await worker.step(path, "submit")
    assert (await world.specialist(lead.ubnd).read(path))["allowed_actions"] == []
    done = await (await reform.acting(people(other))).step(path, "confirm")
    assert done["status"] == "completed"
    assert await reform.proven()


async def test_whoever_is_decided_for_has_what_is_over_as_well(reform: Reform) -> None:
    world = reform.world
    lead, one = [await reform.town() for _ in range(2)]
    task, path = await completed(reform, lead, one)
    # What is still open is what somebody has to decide about.
    await world.task(agreement_of(task), lead=lead.ubnd, coordinating=(one.ubnd,))
    parent = (await reform.province())[0]
    first, second = await reform.commune(parent), await reform.commune(parent)
    await reform.dissolve(most(lead.unit, first), part(lead.unit, second))
    await reform.carry_out()
    provisional = await reform.acting(people(first))
    accepted(await provisional.post(f"{path}/comments", {"text": "Ý kiến (minh họa)"}), 201)
    await decide(world.person("dongtrieu"), task["agreement_id"], second)
    problem(await provisional.post(f"{path}/comments", {"text": "x"}), 403)
    assert (await provisional.read(path))["allowed_actions"] == []
    heir = await reform.acting(people(second))
    accepted(await heir.post(f"{path}/comments", {"text": "Ý kiến (minh họa)"}), 201)
    after = await world.person("dongtrieu").step(path, "reopen", REASON)
    assert after["lead"]["name"] == people(second)


async def test_a_task_goes_on_with_the_heirs_of_all_its_parties_of_one_kind(reform: Reform) -> None:
    world = reform.world
    lead, one, other = [await reform.town() for _ in range(3)]
    _, path = await completed(reform, lead, one, other)
    wards = [await reform.ward() for _ in range(2)]
    await reform.dissolve(whole(one.unit, wards[0]), whole(other.unit, wards[1]))
    await reform.carry_out()
    after = await world.person("dongtrieu").step(path, "reopen", REASON)
    assert [party["name"] for party in after["coordinating"]] == [people(ward) for ward in wards]


async def test_an_old_body_with_a_new_task_has_not_come_back_to_what_is_over(reform: Reform) -> None:
    world = reform.world
    lead, one, other = [await reform.town() for _ in range(3)]
    task, path = await completed(reform, lead, one, other)
    question = accepted(await world.person(one.ubnd).post(f"{path}/explanations", asked(world, lead)), 201)
    wards = [await reform.ward() for _ in range(3)]
    await reform.dissolve(*(whole(town.unit, ward) for town, ward in zip((lead, one, other), wards, strict=True)))
    await reform.carry_out()
    # Somebody still names them, and that is left alone.
    await world.task(agreement_of(task), lead=lead.ubnd, coordinating=(one.ubnd, other.ubnd))
    heir = await reform.acting(people(wards[0]))
    place = f"{path}/explanations/{question['id']}"
    assert (await world.person(lead.ubnd).read(place))["allowed_actions"] == []
    assert (await heir.read(place))["allowed_actions"] == ["answer"]
    after = await world.person("dongtrieu").step(path, "reopen", REASON)
    parties = [after["lead"], *after["coordinating"]]
    assert [party["name"] for party in parties] == [people(ward) for ward in wards]


async def test_what_an_old_body_with_a_new_task_once_raised_and_reported_is_for_its_heir(reform: Reform) -> None:
    world = reform.world
    lead, one = [await reform.town() for _ in range(2)]
    task = await world.task(await reform.agreement(lead, one), lead=lead.ubnd, coordinating=(one.ubnd,))
    path, old = f"/v1/tasks/{task['id']}", world.person(lead.ubnd)
    obstacle = accepted(await old.post(f"{path}/obstacles", {"text": "Vướng (minh họa)"}), 201)
    await old.step(path, "accept")
    await old.step(path, "reports", REPORT)
    report = (await old.read(f"{path}/reports"))["items"][0]["id"]
    ward = await reform.ward()
    await reform.dissolve(whole(lead.unit, ward))
    await reform.carry_out()
    await world.task(agreement_of(task), lead=lead.ubnd, coordinating=(one.ubnd,))
    heir = await reform.acting(people(ward))
    accepted(await heir.change(f"/v1/obstacles/{obstacle['id']}", {"text": "Vướng mặt bằng (minh họa)"}), 200)
    await attached(heir, ("report", report))


async def test_what_is_over_is_for_the_heir_of_whoever_raised_it_also_where_nothing_else_came_to_him(
    reform: Reform,
) -> None:
    world = reform.world
    lead, one = [await reform.town() for _ in range(2)]
    _, path = await completed(reform, lead, one)
    await world.person("dongtrieu").step(path, "reopen", REASON)
    obstacle = accepted(await world.person(one.ubnd).post(f"{path}/obstacles", {"text": "Vướng (minh họa)"}), 201)
    await world.person("dongtrieu").step(path, "cancel", REASON)
    ward = await reform.ward()
    await reform.dissolve(whole(one.unit, ward))
    await reform.carry_out()
    heir = await reform.acting(people(ward))
    accepted(await heir.change(f"/v1/obstacles/{obstacle['id']}", {"text": "Vướng mặt bằng (minh họa)"}), 200)


async def test_whoever_is_decided_for_has_what_was_completed_provisionally(reform: Reform) -> None:
    world = reform.world
    lead, one = [await reform.town() for _ in range(2)]
    task = await world.task(await reform.agreement(lead, one), lead=lead.ubnd, coordinating=(one.ubnd,))
    path, parent = f"/v1/tasks/{task['id']}", (await reform.province())[0]
    first, second = await reform.commune(parent), await reform.commune(parent)
    await reform.dissolve(most(lead.unit, first), part(lead.unit, second))
    await reform.carry_out()
    provisional = await reform.acting(people(first))
    for verb, body in (("accept", None), ("reports", REPORT), ("submit", None)):
        await provisional.step(path, verb, body)
    await world.person(one.ubnd).step(path, "confirm")
    await decide(world.person("dongtrieu"), task["agreement_id"], second)
    problem(await provisional.post(f"{path}/comments", {"text": "x"}), 403)
    assert (await provisional.read(path))["lead"]["name"] == people(first)
    heir = await reform.acting(people(second))
    accepted(await heir.post(f"{path}/comments", {"text": "Ý kiến (minh họa)"}), 201)
    after = await world.person("dongtrieu").step(path, "reopen", REASON)
    assert (after["lead"]["name"], after["lead"]["promised_by_name"]) == (people(second), f"UBND thị xã {lead.key}")


async def test_what_earlier_releases_left_with_old_bodies_is_handed_over_when_all_is_carried_out(
    reform: Reform,
) -> None:
    world = reform.world
    lead, one = [await reform.town() for _ in range(2)]
    task, path = await completed(reform, lead, one)
    ward = await reform.ward()
    await reform.dissolve(whole(lead.unit, ward))
    await reform.carry_out()
    heir = await reform.acting(people(ward))
    # As they left it: the old body in the task, and both of them readers of the agreement.
    await world.rows("delete from agreement_member where source_id = $1 and relation = 'lead'", UUID(task["id"]))
    for organization, source, relation in (
        (world.id(lead.ubnd), task["id"], "lead"),
        (heir.organization, task["agreement_id"], "former"),
    ):
        await world.rows(
            "insert into agreement_member (agreement_id, organization_id, source_id, relation) values ($1, $2, $3, $4)"
            " on conflict do nothing",
            *(UUID(task["agreement_id"]), UUID(organization), UUID(source), relation),
        )
    old = world.person(lead.ubnd)
    accepted(await old.post(f"{path}/comments", {"text": "Ý kiến (minh họa)"}), 201)
    accepted(await reform.operator.post("/v1/successions/apply"), 202)
    await reform.carry_out()
    problem(await old.post(f"{path}/comments", {"text": "x"}), 403)
    assert (await old.read(path))["lead"]["name"] == f"UBND thị xã {lead.key}"
    accepted(await heir.post(f"{path}/comments", {"text": "Ý kiến (minh họa)"}), 201)


async def test_what_is_over_is_found_by_the_name_of_its_day_and_by_whoever_has_it(reform: Reform) -> None:
    world = reform.world
    lead, one = [await reform.town() for _ in range(2)]
    task, _ = await completed(reform, lead, one)
    ward = await reform.ward()
    await reform.dissolve(whole(lead.unit, ward))
    await reform.carry_out()
    reader, heir = world.person(one.ubnd), await reform.acting(people(ward))
    for organization in (world.id(lead.ubnd), heir.organization):
        for relation in ("lead", None):
            query = {"organization": organization} | ({"relation": relation} if relation else {})
            found = (await reader.read("/v1/tasks", agreement_id=task["agreement_id"], **query))["items"]
            assert [item["id"] for item in found] == [task["id"]]
        query = {"organization": organization, "relation": "coordinating"}
        assert (await reader.read("/v1/tasks", agreement_id=task["agreement_id"], **query))["items"] == []
    found = (await reader.read("/v1/tasks", agreement_id=task["agreement_id"], locality=str(lead.unit.id)))["items"]
    assert [item["id"] for item in found] == [task["id"]]


async def test_what_comes_again_is_given_to_whoever_has_the_places_by_then(reform: Reform) -> None:
    world = reform.world
    lead, one, other = [await reform.town() for _ in range(3)]
    task, _ = await completed(reform, lead, one, other, repeated=True)
    ward, merged = [await reform.ward() for _ in range(2)]
    await reform.dissolve(whole(lead.unit, ward), whole(one.unit, merged), whole(other.unit, merged))
    await reform.carry_out()
    async with days_later(world, 400):
        await make_due(world.registry.database, 50)
    heir = await reform.acting(people(ward))
    # One body has the places of two, as in a task that is open.
    items = (await heir.read("/v1/tasks", agreement_id=task["agreement_id"], status="not_started"))["items"]
    assert [(item["lead"]["name"], [one["name"] for one in item["coordinating"]]) for item in items] == [
        (people(ward), [people(merged)] * 2)
    ]
    assert items[0]["previous_occurrence_id"] == task["id"]


async def test_what_was_raised_is_for_the_heir_to_change_and_what_was_attached_to_remove(reform: Reform) -> None:
    world = reform.world
    lead, one = [await reform.town() for _ in range(2)]
    agreement = await reform.agreement(lead, one)
    task = await world.task(agreement, lead=lead.ubnd, coordinating=(one.ubnd,))
    path = f"/v1/tasks/{task['id']}"
    obstacle = accepted(await world.person(lead.ubnd).post(f"{path}/obstacles", {"text": "Vướng (minh họa)"}), 201)
    await world.person(lead.ubnd).step(path, "accept")
    await world.person(lead.ubnd).step(path, "reports", REPORT)
    report = (await world.person(lead.ubnd).read(f"{path}/reports"))["items"][0]["id"]
    document = await attached(world.person(lead.ubnd), ("task", task["id"]))
    ward = await reform.ward()
    await reform.dissolve(whole(lead.unit, ward))
    await reform.carry_out()
    old, heir = world.person(lead.ubnd), await reform.acting(people(ward))
    place, file = f"/v1/obstacles/{obstacle['id']}", f"/v1/documents/{document['id']}"
    assert (await old.read(place))["allowed_actions"] == []
    problem(await old.change(place, {"text": "x"}), 403)
    assert "update" in (await heir.read(place))["allowed_actions"]
    accepted(await heir.change(place, {"text": "Vướng mặt bằng (minh họa)"}), 200)
    assert "remove" not in (await old.read(file))["allowed_actions"]
    problem(await old.http.delete(file, headers=old.unsafe(**{"If-Match": "*"})), 403)
    assert "remove" not in (await world.person(one.ubnd).read(file))["allowed_actions"]
    assert "remove" in (await heir.read(file))["allowed_actions"]
    assert (await heir.delete(file, **{"If-Match": "*"})).status_code == 204
    # What the lead reported then can be given more evidence by whoever leads in its place.
    await attached(heir, ("report", report))


async def test_a_file_of_the_agreement_is_for_whoever_is_decided_for(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    files = [
        f"/v1/documents/{(await attached(world.person(ends.key), ('agreement', agreement['id']), pdf(text)))['id']}"
        for text in ("một", "hai")
    ]
    parent = (await reform.province())[0]
    first, second = await reform.commune(parent), await reform.commune(parent)
    await reform.dissolve(most(ends.unit, first), part(ends.unit, second))
    await reform.carry_out()
    provisional = await reform.acting(committee(first))
    assert (await provisional.delete(files[0], **{"If-Match": "*"})).status_code == 204
    await decide(world.person("dongtrieu"), agreement["id"], second)
    chosen = await reform.acting(committee(second))
    problem(await provisional.delete(files[1], **{"If-Match": "*"}), 403)
    assert (await chosen.delete(files[1], **{"If-Match": "*"})).status_code == 204


async def test_a_draft_that_waits_for_signatures_is_declined_by_whoever_answers(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    parties = [{"organization_id": world.id(town.key)} for town in (ends, stays)]
    opened = await world.opened(parties=parties)
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()
    path = f"/v1/agreements/{opened['id']}"
    problem(await world.person(ends.key).act(path, "decline", {"reason": "x"}), 403)
    await (await reform.acting(committee(ward))).step(path, "decline", {"reason": "Chưa thống nhất (minh họa)"})


async def completed(
    reform: Reform, lead: Town, *others: Town, monitoring: tuple[str, ...] = (), repeated: bool = False
) -> tuple[Json, str]:
    """A task of an agreement between these that is completed, and its path."""
    world = reform.world
    agreement = await reform.agreement(lead, *others)
    coordinating = tuple(town.ubnd for town in others)
    task = await world.task(agreement, lead=lead.ubnd, coordinating=coordinating, monitoring=monitoring)
    path, worker = f"/v1/tasks/{task['id']}", world.specialist(lead.ubnd)
    if repeated:
        person = world.person("dongtrieu")
        seen = await person.get(path)
        rule = {"frequency": "quarterly"}
        headers = person.unsafe(**{"If-Match": seen.headers["etag"]})
        accepted(await world.http.put(f"{path}/recurrence", json=rule, headers=headers), 200)
    for verb, body in (("accept", None), ("reports", REPORT), ("submit", None)):
        await worker.step(path, verb, body)
    for key in coordinating:
        task = await world.person(key).step(path, "confirm")
    assert task["status"] == "completed"
    return task, path


def agreement_of(task: Json) -> Json:
    """As far as another task of the same clause needs it."""
    return {"id": task["agreement_id"], "clauses": [None, {"id": task["clause_id"]}]}


def asked(world: World, town: Town) -> Json:
    return ASKED | {"organization_id": world.id(town.ubnd)}


async def decide(leader: Person, agreement_id: str, unit: Unit) -> None:
    body = {"unit_id": str(unit.id), "reason": "Theo địa bàn (minh họa).", "whole_unit": True}
    [case, *_] = (await leader.read("/v1/successions/worklist", agreement_id=agreement_id))["items"]
    await leader.step(f"/v1/successions/worklist/{case['id']}", "decide", body)
