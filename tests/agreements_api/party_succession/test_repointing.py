"""What becomes of agreements and tasks when the units of their parties end."""

from datetime import timedelta
from uuid import UUID

import pytest

from agreements_api.localities.models import OrganizationKind
from agreements_api.policy import Role
from shared import clock
from tests.agreements_api.agreements.test_signing_time import days_later
from tests.agreements_api.agreements.world import REPORT, accepted, problem, signature
from tests.agreements_api.party_succession.reform import Reform, committee, people, whole


async def test_one_whole_successor_takes_the_place_with_its_tasks(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    ward = await reform.ward()
    agreement = await reform.agreement(ends, stays)
    path = f"/v1/agreements/{agreement['id']}"
    task = await world.task(agreement, lead=ends.ubnd, coordinating=(stays.ubnd,))
    await reform.dissolve(whole(ends.unit, ward))
    progress = await reform.carry_out()
    assert (progress.repointed, progress.tasks, progress.decisions) == (1, 1, 0)

    leader = await reform.acting(committee(ward))
    seen = await leader.read(path)
    [first, second] = seen["parties"]
    # The name it signed under stays; who answers stands beside it.
    assert first["organization_name"] == f"Ban Thường vụ Thị ủy {ends.key}"
    assert first["responsible_organization_name"] == committee(ward)
    assert second["responsible_organization_id"] is None
    assert seen["status"] == "in_force"

    worker = await reform.acting(people(ward), Role.SPECIALIST)
    reassigned = await worker.read(f"/v1/tasks/{task['id']}")
    lead = reassigned["lead"]
    assert (lead["name"], lead["unit_name"]) == (people(ward), ward.name)
    assert lead["promised_by_name"] == f"UBND thị xã {ends.key}"
    assert "accept" in reassigned["allowed_actions"]
    accepted_task = await worker.step(f"/v1/tasks/{task['id']}", "accept")
    assert accepted_task["status"] == "in_progress"

    assert (await reform.types(agreement["id"]))[-1] == "agreement.succeeded.v1"
    assert "task.reassigned.v1" in await reform.types(task["id"])
    history = (await leader.read(f"{path}/history"))["items"][0]
    assert history["action"] == "succeed"
    assert history["remark"] == "Kế thừa theo sắp xếp đơn vị hành chính có hiệu lực ngày 01/06/2026."
    assert await reform.proven()


async def test_whoever_was_there_before_reads_on_and_does_nothing(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    task = await world.task(agreement, lead=ends.ubnd, coordinating=(stays.ubnd,))
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()
    old = world.person(ends.ubnd, Role.SPECIALIST)
    seen = await old.read(f"/v1/tasks/{task['id']}")
    assert seen["allowed_actions"] == []
    problem(await old.act(f"/v1/tasks/{task['id']}", "accept"), 403)
    problem(await world.person(ends.key).act(f"/v1/agreements/{agreement['id']}", "suspend", {"reason": "x"}), 403)
    body = {"title": "Việc mới", "lead_organization_id": world.id(ends.ubnd)}
    problem(await world.person(ends.key).post(f"/v1/agreements/{agreement['id']}/tasks", body), 403)


async def test_what_is_completed_stays_with_whoever_completed_it(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    done, going_on = [await world.task(agreement, lead=ends.ubnd, coordinating=(stays.ubnd,)) for _ in range(2)]
    path = f"/v1/tasks/{done['id']}"
    worker = world.specialist(ends.ubnd)
    await worker.step(path, "accept")
    await worker.step(path, "submit")
    completed = await world.person(stays.ubnd).step(path, "confirm")
    assert completed["status"] == "completed"
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()
    after = await (await reform.acting(people(ward))).read(path)
    assert (after["version"], after["lead"]) == (completed["version"], completed["lead"])
    assert (await worker.read(f"/v1/tasks/{going_on['id']}"))["lead"]["name"] == people(ward)


async def test_carrying_out_again_changes_nothing(reform: Reform) -> None:
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()
    version = (await reform.world.person(stays.key).read(f"/v1/agreements/{agreement['id']}"))["version"]
    run = accepted(await reform.operator.post("/v1/successions/apply"), 202)
    progress = await reform.carry_out()
    assert (progress.repointed, progress.tasks, progress.founded) == (0, 0, 0)
    told = (await reform.operator.get(f"/v1/successions/runs/{run['id']}")).json()
    assert (told["state"], told["repointed"]) == ("finished", 0)
    assert (await reform.world.person(stays.key).read(f"/v1/agreements/{agreement['id']}"))["version"] == version


async def test_the_successor_signs_for_a_party_that_ended_before_it_signed(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    opened = await world.opened(parties=[{"organization_id": world.id(town.key)} for town in (ends, stays)])
    path = f"/v1/agreements/{opened['id']}"
    await world.person(stays.key).step(path, "sign", signature("stays"))
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()
    problem(await world.person(ends.key).act(path, "sign", signature("old")), 403)
    heir = await reform.acting(committee(ward))
    assert set((await heir.read(path))["allowed_actions"]) == {"sign", "decline"}
    signed = await heir.step(path, "sign", signature("ward"))
    assert signed["status"] == "in_force"
    [_, last] = (await heir.read(f"{path}/signatures"))["items"]
    assert last["organization_name"] == committee(ward)
    assert signed["parties"][0]["organization_name"] == f"Ban Thường vụ Thị ủy {ends.key}"
    assert (await heir.read(f"{path}/text/verification"))["valid"] is True
    assert await reform.proven()


async def test_one_body_that_answers_for_two_parties_signs_for_one_after_the_other(reform: Reform) -> None:
    world = reform.world
    one, other = await reform.town(), await reform.town()
    opened = await world.opened(parties=[{"organization_id": world.id(town.key)} for town in (one, other)])
    path = f"/v1/agreements/{opened['id']}"
    ward = await reform.ward()
    await reform.dissolve(whole(one.unit, ward), whole(other.unit, ward))
    await reform.carry_out()
    heir = await reform.acting(committee(ward))
    half = await heir.step(path, "sign", signature("one"))
    assert half["status"] == "open_for_signature"
    assert "sign" in half["allowed_actions"]
    assert (await heir.step(path, "sign", signature("other")))["status"] == "in_force"


async def test_one_body_that_answers_for_two_confirms_for_both(reform: Reform) -> None:
    world = reform.world
    lead, one, other = [await reform.town() for _ in range(3)]
    agreement = await reform.agreement(lead, one, other)
    task = await world.task(agreement, lead=lead.ubnd, coordinating=(one.ubnd, other.ubnd))
    path = f"/v1/tasks/{task['id']}"
    await world.specialist(lead.ubnd).step(path, "accept")
    await world.specialist(lead.ubnd).step(path, "submit")
    ward = await reform.ward()
    await reform.dissolve(whole(one.unit, ward), whole(other.unit, ward))
    await reform.carry_out()
    heir = await reform.acting(people(ward))
    assert "confirm" in (await heir.read(path))["allowed_actions"]
    assert (await heir.step(path, "confirm"))["status"] == "completed"
    assert await reform.proven()


async def test_a_task_is_completed_where_the_last_to_confirm_became_one_with_who_has(reform: Reform) -> None:
    """Each organisation confirms once; who has done so has done it for whoever it takes in."""
    world = reform.world
    lead, ends, ward_town = [await reform.town() for _ in range(3)]
    agreement = await reform.agreement(lead, ends, ward_town)
    task = await world.task(agreement, lead=lead.ubnd, coordinating=(ends.ubnd, ward_town.ubnd))
    path = f"/v1/tasks/{task['id']}"
    await world.specialist(lead.ubnd).step(path, "accept")
    await world.specialist(lead.ubnd).step(path, "submit")
    await world.person(ward_town.ubnd).step(path, "confirm")
    await reform.dissolve(whole(ends.unit, ward_town.unit))
    await reform.carry_out()
    after = await world.person(lead.ubnd).read(path)
    assert after["status"] == "completed"
    assert (await reform.types(task["id"]))[-2:] == ["task.reassigned.v1", "task.completed.v1"]
    actions = [entry["action"] for entry in (await world.person(lead.ubnd).read(f"{path}/history"))["items"]]
    assert actions[:2] == ["complete", "succeed"]
    assert await reform.proven()


async def test_the_custodian_of_a_draft_and_of_an_agreement_is_followed(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    parties = [{"organization_id": world.id(town.key)} for town in (ends, stays)]
    body = {"instrument": "plan", "title": "Kế hoạch", "fields": [], "parties": parties, "demonstration": True}
    body["clauses"] = [{"text": "Điều một"}]
    drafter = world.specialist(ends.key)
    draft = accepted(await drafter.post("/v1/agreements", body), 201)
    path = f"/v1/agreements/{draft['id']}"
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()
    problem(await drafter.change(path, {"title": "Kế hoạch khác"}), 403)
    heir = await reform.acting(committee(ward))
    seen = await heir.read(path)
    assert seen["custodian_name"] == committee(ward)
    # What was never opened is seen by its custodian alone, as before.
    assert (await world.person(stays.key).get(path)).status_code == 404
    items = (await heir.read(f"{path}/responsible", on="2026-05-31"))["items"]
    custodian = next(item for item in items if item["relation"] == "custodian")
    assert custodian["promised_by"]["name"] == f"Ban Thường vụ Thị ủy {ends.key}"
    assert (await heir.step(path, "open"))["status"] == "open_for_signature"
    assert (await heir.step(path, "sign", signature("heir")))["status"] == "open_for_signature"


async def test_nobody_sees_a_draft_by_succession_that_was_never_opened(reform: Reform) -> None:
    world = reform.world
    ends = await reform.town()
    draft = await world.draft(parties=[{"organization_id": world.id(key)} for key in ("dongtrieu", ends.key)])
    path = f"/v1/agreements/{draft['id']}"
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()
    heir = await reform.acting(committee(ward))
    for person in (world.person(ends.key), heir):
        problem(await person.get(path), 404)
    # Who signs for the party is known all the same, to whoever opens the draft.
    [_, party] = (await world.person("dongtrieu").step(path, "open"))["parties"]
    assert party["responsible_organization_name"] == committee(ward)
    assert (await heir.step(path, "sign", signature("heir")))["status"] == "open_for_signature"


async def test_a_deleted_draft_has_no_succession(reform: Reform) -> None:
    world = reform.world
    ends = await reform.town()
    draft = await world.draft(parties=[{"organization_id": world.id(key)} for key in ("dongtrieu", ends.key)])
    path = f"/v1/agreements/{draft['id']}"
    seen = await world.person("dongtrieu").get(path)
    deleted = await world.person("dongtrieu").delete(path, **{"If-Match": seen.headers["etag"]})
    assert deleted.status_code == 204
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    assert (await reform.carry_out()).repointed == 0
    assert (await reform.types(draft["id"]))[-1] == "agreement.discarded.v1"
    problem(await world.person("dongtrieu").get(path), 404)


async def test_whoever_takes_the_place_of_the_body_above_watches(reform: Reform) -> None:
    world = reform.world
    old, new = await reform.province(), await reform.province()
    town, stays = await reform.town(old), await reform.town()
    agreement = await reform.agreement(town, stays)
    path = f"/v1/agreements/{agreement['id']}"
    assert (await world.person(new[1]).get(path)).status_code == 404
    await reform.dissolve(whole(old[0], new[0]))
    await reform.carry_out()
    assert (await world.person(new[1]).read(path))["id"] == agreement["id"]
    assert (await world.person(old[1]).read(path))["allowed_actions"] == []
    placed = accepted(await world.person(town.key).get(f"/v1/organizations/{world.id(town.key)}"), 200)
    assert placed["superior_organization_id"] == world.id(new[1])
    assert await reform.proven()


async def test_a_founded_organisation_comes_under_the_province_and_says_what_it_is(reform: Reform) -> None:
    world = reform.world
    province = await reform.province()
    ends, stays = await reform.town(province), await reform.town()
    await world.rows(
        "update organization set contact_name = 'Đầu mối (minh họa)', contact_phone = '0203' where id = $1::uuid",
        UUID(world.id(ends.key)),
    )
    await reform.agreement(ends, stays)
    ward = await reform.commune(province[0])
    await reform.dissolve(whole(ends.unit, ward))
    progress = await reform.carry_out()
    assert progress.founded == 1
    heir = await reform.acting(committee(ward))
    shown = await heir.read(f"/v1/organizations/{heir.organization}")
    assert (shown["by_succession"], shown["unit"]["id"]) == (True, str(ward.id))
    assert shown["superior_organization_id"] == world.id(province[1])
    assert shown["contact"]["name"] == "Đầu mối (minh họa)"
    [told] = await world.registry.outbox(UUID(heir.organization))
    assert told["data"]["organization"]["unit"]["province"]["id"] == str(province[0].id)


async def test_a_registered_organisation_of_the_kind_is_taken_and_none_founded(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    await reform.agreement(ends, stays)
    ward = await reform.ward()
    known = await world.registry.organization(
        "Đảng ủy phường đã đăng ký", unit=ward, kind=OrganizationKind.STANDING_COMMITTEE
    )
    await reform.dissolve(whole(ends.unit, ward))
    assert (await reform.carry_out()).founded == 0
    assert await world.rows("select from agreement_party where responsible_organization_id = $1", known.id)


async def test_whoever_has_the_name_already_takes_the_place_whatever_it_is_registered_as(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    await reform.agreement(ends, stays)
    ward = await reform.ward()
    known = await world.registry.organization(committee(ward), unit=ward, kind=OrganizationKind.OTHER)
    await reform.dissolve(whole(ends.unit, ward))
    assert (await reform.carry_out()).founded == 0
    assert await world.rows("select from agreement_party where responsible_organization_id = $1", known.id)


async def test_a_succession_of_a_later_day_waits_for_it(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    path = f"/v1/agreements/{agreement['id']}"
    ward = await reform.ward()
    day = clock.today() + timedelta(days=10)
    recorded = await reform.dissolve(whole(ends.unit, ward), effective_on=day.isoformat())
    assert (await reform.carry_out()).agreements == 0
    told = (await reform.operator.get(f"/v1/successions/runs/{recorded['run_id']}")).json()
    assert told["state"] == "waiting"
    reader = world.person(stays.key)
    before = (await reader.read(f"{path}/responsible"))["items"][0]
    assert before["answers"]["organization_id"] == world.id(ends.key)
    then = (await reader.read(f"{path}/responsible", on=day.isoformat()))["items"][0]
    assert (then["answers"]["unit"]["id"], then["provisional"]) == (str(ward.id), False)
    async with days_later(world, 10):
        assert (await reform.carry_out()).repointed == 1
        assert await reform.acting(committee(ward))


async def test_a_second_reform_is_followed_from_where_the_first_led(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    path = f"/v1/agreements/{agreement['id']}"
    task = await world.task(agreement, lead=ends.ubnd, coordinating=(stays.ubnd,))
    parent = (await reform.province())[0]
    first, second = await reform.commune(parent), await reform.commune(parent)
    await reform.dissolve(whole(ends.unit, first))
    await reform.carry_out()
    await reform.dissolve(whole(first, second), effective_on="2026-08-01")
    await reform.carry_out()
    reader = world.person(stays.key)
    items = (await reader.read(f"{path}/responsible"))["items"]
    for item in (items[0], next(one for one in items if one["relation"] == "lead")):
        assert [one["effective_on"] for one in item["successions"]] == ["2026-06-01", "2026-08-01"]
        assert item["answers"]["unit"]["id"] == str(second.id)
    for on, unit in (("2026-05-31", ends.unit), ("2026-06-01", first), ("2026-07-31", first), ("2026-08-01", second)):
        item = (await reader.read(f"{path}/responsible", on=on))["items"][0]
        assert item["answers"]["unit"]["id"] == str(unit.id), on
    lead = (await reader.read(f"/v1/tasks/{task['id']}"))["lead"]
    assert (lead["name"], lead["promised_by_name"]) == (people(second), f"UBND thị xã {ends.key}")
    # Whoever was there in between reads on as well.
    assert (await (await reform.acting(committee(first))).read(path))["allowed_actions"] == []
    assert await reform.proven()


async def test_answers_are_the_same_before_and_after_carrying_out(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    await world.task(agreement, lead=ends.ubnd, coordinating=(stays.ubnd,))
    path = f"/v1/agreements/{agreement['id']}/responsible"
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))

    def units(answer: dict[str, object]) -> list[object]:
        items: list[dict[str, dict[str, dict[str, str]]]] = answer["items"]  # type: ignore[assignment]
        return [(item["relation"], item["promised_by"], item["answers"]["unit"]["id"]) for item in items]

    days = ("2020-01-01", "2026-05-31", "2026-06-01", "2030-01-01")
    before = [units(await world.person(stays.key).read(path, on=day)) for day in days]
    await reform.carry_out()
    assert [units(await world.person(stays.key).read(path, on=day)) for day in days] == before


async def test_reports_and_lists_follow(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    task = await world.task(agreement, lead=ends.ubnd, coordinating=(stays.ubnd,))
    path = f"/v1/tasks/{task['id']}"
    await world.specialist(ends.ubnd).step(path, "accept")
    await world.specialist(ends.ubnd).step(path, "reports", REPORT)
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()
    worker = await reform.acting(people(ward), Role.SPECIALIST)
    await worker.step(path, "reports", REPORT | {"percent": 60})
    reports = (await worker.read(f"{path}/reports"))["items"]
    assert [one["organization_id"] for one in reports] == [worker.organization, world.id(ends.ubnd)]
    mine = (await worker.read("/v1/tasks", relation="lead"))["items"]
    assert [one["id"] for one in mine] == [task["id"]]
    committee_ = await reform.acting(committee(ward))
    for query in ({"party": committee_.organization}, {"locality": str(ward.id)}, {"party": world.id(ends.key)}):
        found = (await world.person(stays.key).read("/v1/agreements", **query))["items"]
        assert [one["id"] for one in found] == [agreement["id"]]


async def test_an_amendment_is_signed_by_whoever_answers_now(reform: Reform) -> None:
    world = reform.world
    ends, stays = await reform.town(), await reform.town()
    agreement = await reform.agreement(ends, stays)
    path = f"/v1/agreements/{agreement['id']}"
    ward = await reform.ward()
    await reform.dissolve(whole(ends.unit, ward))
    await reform.carry_out()
    heir = await reform.acting(committee(ward))
    amendment = await heir.step(path, "amend", {"clauses": [{"operation": "add", "text": "Điều thêm"}]})
    assert {party["organization_name"] for party in amendment["parties"]} == {
        committee(ward),
        f"Ban Thường vụ Thị ủy {stays.key}",
    }
    amending = f"/v1/agreements/{amendment['id']}"
    await heir.step(amending, "open")
    await heir.step(amending, "sign", signature("heir"))
    done = await world.person(stays.key).step(amending, "sign", signature("stays"))
    assert done["status"] == "in_force"
    assert len((await heir.read(path))["parties"]) == 2


@pytest.mark.parametrize("key", ["operator", "viewer"])
async def test_only_the_operator_has_everything_carried_out(reform: Reform, key: str) -> None:
    caller = reform.operator if key == "operator" else reform.world.person("dongtrieu", Role.VIEWER)
    answer = await caller.post("/v1/successions/apply")
    assert answer.status_code == (202 if key == "operator" else 403)
    if key == "operator":
        assert answer.headers["location"] == f"/v1/successions/runs/{answer.json()['id']}"
        await reform.carry_out()
    else:
        run = accepted(await reform.operator.post("/v1/successions/apply"), 202)
        problem(await caller.get(f"/v1/successions/runs/{run['id']}"), 403)
        await reform.carry_out()
