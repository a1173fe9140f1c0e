"""Units that are dissolved with nobody named to follow them: somebody answers provisionally, and a person decides."""

from datetime import timedelta
from uuid import UUID

from agreements_api.localities.models import OrganizationKind, Unit
from agreements_api.policy import Role
from shared import clock
from tests.agreements_api.agreements.test_signing_time import days_later
from tests.agreements_api.agreements.world import Json, Person, accepted, problem
from tests.agreements_api.party_succession.reform import LEGAL_BASIS, Reform, Town, part, people, whole

WORKLIST = "/v1/successions/worklist"


async def agreed(reform: Reform, town: Town) -> tuple[Json, Json, Town]:
    """An agreement with another town, and a task of it that the town's people's committee leads."""
    stays = await reform.town()
    agreement = await reform.agreement(town, stays)
    return agreement, await reform.world.task(agreement, lead=town.ubnd, coordinating=(stays.ubnd,)), stays


async def first_party(reader: Person, agreement: Json, **query: str) -> Json:
    """Who answers for the party that signed first."""
    answer = await reader.read(f"/v1/agreements/{agreement['id']}/responsible", **query)
    item: Json = answer["items"][0]
    return item


def reasons(item: Json) -> list[tuple[str, str]]:
    return [(one["answering"]["unit"]["id"], one["reason"]["code"]) for one in item["candidates"]]


async def neighbour(reform: Reform, province: Unit, name: str) -> Unit:
    return await reform.world.registry.unit(f"Huyện {name}", parent=province)


async def local(reform: Reform, parent: Unit) -> Town:
    """A commune with its bodies."""
    unit = await reform.commune(parent)
    key = unit.name.split()[-1]
    for name, body, kind in (
        (key, "Ban Thường vụ Đảng ủy", OrganizationKind.STANDING_COMMITTEE),
        (f"ubnd-{key}", "UBND", OrganizationKind.PEOPLES_COMMITTEE),
    ):
        registered = await reform.world.registry.organization(f"{body} phường {key}", unit=unit, kind=kind)
        reform.world.organizations[name] = registered
    return Town(unit, key)


async def test_the_body_above_answers_until_somebody_decides(reform: Reform) -> None:
    world = reform.world
    province, above = await reform.province()
    town = await reform.town((province, above))
    agreement, task, stays = await agreed(reform, town)
    recorded = await reform.dissolve_alone(town.unit)
    assert (recorded["edges"], recorded["ended_unit_ids"]) == ([], [str(town.unit.id)])
    reader = world.person(stays.key)
    for carried_out in (False, True):
        if carried_out:
            assert (await reform.carry_out()).decisions == 2
        item = await first_party(reader, agreement)
        assert (item["answers"]["organization_id"], item["provisional"]) == (world.id(above), True)
        assert reasons(item) == [(str(province.id), "above")]
        [step] = item["successions"]
        assert (step["kind"], step["legal_basis"]) == ("dissolve", LEGAL_BASIS)
        assert set(step["reason"]) == {"code", "vi", "en"}
        assert (await first_party(reader, agreement, on="2026-05-31"))["answers"]["unit"]["id"] == str(town.unit.id)

    lead = (await reader.read(f"/v1/tasks/{task['id']}"))["lead"]
    assert (lead["name"], lead["promised_by_name"]) == (people(province), f"UBND thị xã {town.key}")
    # Its task is work of the body above from now on, with its deadline; whoever was there reads on.
    worker = await reform.acting(people(province), Role.SPECIALIST)
    assert [one["id"] for one in (await worker.read("/v1/tasks", relation="lead"))["items"]] == [task["id"]]
    await worker.step(f"/v1/tasks/{task['id']}", "accept")
    old = world.specialist(town.ubnd)
    assert (await old.read(f"/v1/tasks/{task['id']}"))["allowed_actions"] == []
    assert "assign_task" in (await world.person(above).read(f"/v1/agreements/{agreement['id']}"))["allowed_actions"]
    event = next(
        event
        for event in await world.registry.outbox(UUID(task["id"]))
        if event["type"] == "vn.lienvung.task.reassigned.v1"
    )
    assert [one["provisional"] for one in event["data"]["responsibilities"]] == [True]
    cases = (await reader.read(WORKLIST, agreement_id=agreement["id"]))["items"]
    assert {(case["state"], case["proposed_unit_id"]) for case in cases} == {("open", str(province.id))}
    assert {case["allowed_actions"][0] for case in cases} == {"decide"}
    assert await reform.proven()


async def test_a_founded_body_of_the_province_keeps_the_focal_point_and_comes_under_nobody(reform: Reform) -> None:
    province, above = await reform.province()
    town = await reform.town((province, above))
    await reform.world.rows(
        "update organization set contact_name = 'Bà Minh Họa' where id = $1", UUID(reform.world.id(town.ubnd))
    )
    await agreed(reform, town)
    await reform.dissolve_alone(town.unit)
    await reform.carry_out()
    [row] = await reform.world.rows(
        "select superior_organization_id, contact_name, by_succession from organization where name = $1",
        people(province),
    )
    assert tuple(row) == (None, "Bà Minh Họa", True)


async def test_of_a_unit_whose_parts_went_elsewhere_the_one_that_got_most_of_them_is_proposed(reform: Reform) -> None:
    province = await reform.province()
    town, (unit, _) = await reform.town(province), province
    north, south = await neighbour(reform, unit, "Bắc"), await neighbour(reform, unit, "Nam")
    parts = [await reform.commune(town.unit, f"Phường {name}") for name in ("Ba", "Hai", "Một")]
    agreement, _, stays = await agreed(reform, town)
    await reform.dissolve_alone(
        town.unit, moves=[(one, to) for one, to in zip(parts, (south, north, south), strict=True)]
    )
    await reform.carry_out()
    item = await first_party(reform.world.person(stays.key), agreement)
    assert (item["answers"]["unit"]["id"], item["provisional"]) == (str(south.id), True)
    # What lay in it could have the matter as well, after the units above.
    assert reasons(item) == [
        (str(south.id), "subunits"),
        (str(north.id), "subunits"),
        (str(unit.id), "above"),
        *((str(one.id), "subunit") for one in parts),
    ]
    assert [one["parts"] for one in item["candidates"][:2]] == [2, 1]


async def test_one_unit_that_all_parts_went_to_is_proposed_only(reform: Reform) -> None:
    province = await reform.province()
    town = await reform.town(province)
    parts = [await reform.commune(town.unit) for _ in range(2)]
    agreement, _, stays = await agreed(reform, town)
    await reform.dissolve_alone(town.unit, moves=[(one, province[0]) for one in parts])
    await reform.carry_out()
    item = await first_party(reform.world.person(stays.key), agreement)
    assert (item["answers"]["unit"]["id"], item["provisional"]) == (str(province[0].id), True)
    assert reasons(item)[0] == (str(province[0].id), "subunits")
    assert {code for _, code in reasons(item)[1:]} == {"subunit"}


async def test_parts_that_end_with_it_lead_to_whoever_follows_them(reform: Reform) -> None:
    """As with the districts of 2025."""
    province = await reform.province()
    town = await reform.town(province)
    first, second, third = [await reform.commune(town.unit) for _ in range(3)]
    one, two = [await reform.commune(province[0]) for _ in range(2)]
    agreement, _, stays = await agreed(reform, town)
    await reform.dissolve_alone(town.unit, edges=[whole(first, one), whole(second, two), whole(third, two)])
    await reform.carry_out()
    item = await first_party(reform.world.person(stays.key), agreement)
    assert (item["answers"]["unit"]["id"], item["provisional"]) == (str(two.id), True)
    assert reasons(item) == [
        (str(two.id), "subunits"),
        (str(one.id), "subunits"),
        (str(province[0].id), "above"),
    ]
    assert {one["kind"] for one in item["successions"]} == {"dissolve"}


async def test_where_no_part_leads_to_anybody_the_body_above_answers(reform: Reform) -> None:
    province = await reform.province()
    town = await reform.town(province)
    ward = await local(reform, town.unit)
    agreement, _, stays = await agreed(reform, town)
    below, _, other = await agreed(reform, ward)
    await reform.dissolve_alone(town.unit, ward.unit)
    await reform.carry_out()
    for of, reader in ((agreement, stays), (below, other)):
        item = await first_party(reform.world.person(reader.key), of)
        assert (item["answers"]["unit"]["id"], item["provisional"]) == (str(province[0].id), True)
        assert reasons(item) == [(str(province[0].id), "above")]


async def test_where_the_unit_above_ended_the_same_day_whoever_follows_that_answers(reform: Reform) -> None:
    province = await reform.province()
    town, heir = await reform.town(province), await reform.town(province)
    ward = await local(reform, town.unit)
    agreement, _, stays = await agreed(reform, ward)
    await reform.dissolve_alone(ward.unit, edges=[whole(town.unit, heir.unit)])
    await reform.carry_out()
    item = await first_party(reform.world.person(stays.key), agreement)
    assert (item["answers"]["organization_id"], item["provisional"]) == (reform.world.id(heir.key), True)
    assert reasons(item) == [(str(heir.unit.id), "above")]


async def test_where_the_unit_above_is_dissolved_later_the_way_goes_on_from_there(reform: Reform) -> None:
    province = await reform.province()
    town = await reform.town(province)
    ward = await local(reform, town.unit)
    agreement, task, stays = await agreed(reform, ward)
    await reform.dissolve_alone(ward.unit)
    await reform.carry_out()
    await reform.dissolve_alone(town.unit, effective_on="2026-08-01")
    await reform.carry_out()
    reader = reform.world.person(stays.key)
    item = await first_party(reader, agreement)
    assert [(one["effective_on"], one["provisional"]) for one in item["successions"]] == [
        ("2026-06-01", True),
        ("2026-08-01", True),
    ]
    assert item["answers"]["organization_id"] == reform.world.id(province[1])
    assert (await first_party(reader, agreement, on="2026-07-01"))["answers"]["organization_id"] == (
        reform.world.id(town.key)
    )
    assert (await reader.read(f"/v1/tasks/{task['id']}"))["lead"]["unit_id"] == str(province[0].id)
    assert await reform.proven()


async def test_what_it_gave_away_before_it_ended_leads_nowhere(reform: Reform) -> None:
    province = await reform.province()
    town, got_a_part = await reform.town(province), await reform.town(province)
    agreement, _, stays = await agreed(reform, town)
    await reform.dissolve(part(town.unit, got_a_part.unit), effective_on="2026-01-01")
    await reform.dissolve_alone(town.unit)
    item = await first_party(reform.world.person(stays.key), agreement)
    assert reasons(item) == [(str(province[0].id), "above")]


async def test_whoever_went_whole_to_a_unit_that_was_dissolved_the_same_day_goes_with_it(reform: Reform) -> None:
    province = await reform.province()
    town, gone = await reform.town(), await reform.town(province)
    agreement, _, stays = await agreed(reform, town)
    await reform.dissolve(whole(town.unit, gone.unit))
    await reform.dissolve_alone(gone.unit)
    item = await first_party(reform.world.person(stays.key), agreement)
    assert (item["answers"]["unit"]["id"], item["provisional"]) == (str(province[0].id), True)


async def test_one_decision_gives_everything_to_one_of_those_that_lay_in_it(reform: Reform) -> None:
    province = await reform.province()
    town = await reform.town(province)
    first, second = [await reform.commune(town.unit) for _ in range(2)]
    agreement, task, stays = await agreed(reform, town)
    await reform.dissolve_alone(town.unit, moves=[(first, province[0]), (second, province[0])])
    await reform.carry_out()
    leader = reform.world.person(stays.key)
    [case, *_] = (await leader.read(WORKLIST, agreement_id=agreement["id"]))["items"]
    decided = await leader.step(
        f"{WORKLIST}/{case['id']}", "decide", {"unit_id": str(second.id), "whole_unit": True, "reason": "Giáp ranh"}
    )
    assert (decided["state"], decided["answers"]["unit"]["id"]) == ("decided", str(second.id))
    item = await first_party(leader, agreement)
    assert (item["answers"]["unit"]["id"], item["provisional"], item["candidates"]) == (str(second.id), False, [])
    assert (await leader.read(f"/v1/tasks/{task['id']}"))["lead"]["name"] == people(second)
    assert (await leader.read(WORKLIST, agreement_id=agreement["id"]))["items"] == []
    assert await reform.proven()


async def test_the_only_candidate_is_still_for_a_person_to_confirm(reform: Reform) -> None:
    province = await reform.province()
    town = await reform.town(province)
    agreement, _, stays = await agreed(reform, town)
    await reform.dissolve_alone(town.unit)
    await reform.carry_out()
    leader = reform.world.person(stays.key)
    [case, *_] = (await leader.read(WORKLIST, agreement_id=agreement["id"]))["items"]
    answer = await leader.act(f"{WORKLIST}/{case['id']}", "decide", {"unit_id": str(stays.unit.id)})
    problem(answer, 422, "not_a_candidate")
    await leader.step(f"{WORKLIST}/{case['id']}", "decide", {"unit_id": str(province[0].id), "whole_unit": True})
    item = await first_party(leader, agreement)
    assert (item["answers"]["organization_id"], item["provisional"]) == (reform.world.id(province[1]), False)


async def test_it_acts_until_the_day_comes(reform: Reform) -> None:
    province = await reform.province()
    town = await reform.town(province)
    agreement, task, stays = await agreed(reform, town)
    day = clock.today() + timedelta(days=10)
    recorded = await reform.dissolve_alone(town.unit, effective_on=day.isoformat())
    assert (await reform.carry_out()).agreements == 0
    await reform.world.specialist(town.ubnd).step(f"/v1/tasks/{task['id']}", "accept")
    reader = reform.world.person(stays.key)
    assert (await first_party(reader, agreement))["answers"]["organization_id"] == reform.world.id(town.key)
    then = await first_party(reader, agreement, on=day.isoformat())
    assert (then["answers"]["organization_id"], then["provisional"]) == (reform.world.id(province[1]), True)
    async with days_later(reform.world, 10):
        assert (await reform.carry_out()).repointed == 1
        run = (await reform.operator.get(f"/v1/successions/runs/{recorded['run_id']}")).json()
        assert (run["state"], run["units"], run["decisions"]) == ("finished", 1, 2)


async def test_what_its_bodies_sign_later_follows_when_all_is_carried_out(reform: Reform) -> None:
    province = await reform.province()
    town = await reform.town(province)
    await reform.dissolve_alone(town.unit)
    await reform.carry_out()
    agreement, _, stays = await agreed(reform, town)
    accepted(await reform.operator.post("/v1/successions/apply"), 202)
    await reform.carry_out()
    party = (await reform.world.person(stays.key).read(f"/v1/agreements/{agreement['id']}"))["parties"][0]
    assert party["responsible_organization_id"] == reform.world.id(province[1])


async def test_whoever_lay_in_it_comes_under_the_body_of_where_it_lies_by_now(reform: Reform) -> None:
    world = reform.world
    gone, most_of_it, other = [await reform.province() for _ in range(3)]
    towns = [await reform.town(gone) for _ in range(3)]
    moves = [(town.unit, to[0]) for town, to in zip(towns, (most_of_it, most_of_it, other), strict=True)]
    agreement = await reform.agreement(towns[0], towns[2])
    await reform.dissolve_alone(gone[0], moves=moves)
    await reform.carry_out()
    superior = "select superior_organization_id::text as above from organization where id = $1"
    for town, (_, above) in zip(towns, (most_of_it, most_of_it, other), strict=True):
        for key in (town.key, town.ubnd):
            assert (await world.rows(superior, UUID(world.id(key))))[0]["above"] == world.id(above)
    members = "select organization_id::text from agreement_member where agreement_id = $1 and relation = 'superior'"
    watching = {row["organization_id"] for row in await world.rows(members, UUID(agreement["id"]))}
    assert {world.id(most_of_it[1]), world.id(other[1])} <= watching
    assert world.id(gone[1]) not in watching


async def test_a_body_above_that_is_dissolved_has_its_place_where_its_parts_went(reform: Reform) -> None:
    world = reform.world
    (gone, above), (heir, heir_key) = await reform.province(), await reform.province()
    town = await reform.town((gone, above))
    agreement, _, _ = await agreed(reform, town)
    await reform.dissolve_alone(gone, moves=[(town.unit, heir)])
    await reform.carry_out()
    members = "select organization_id::text from agreement_member where agreement_id = $1 and relation = 'superior'"
    watching = {row["organization_id"] for row in await world.rows(members, UUID(agreement["id"]))}
    assert world.id(heir_key) in watching
    assert world.id(above) not in watching
    [row] = await world.rows(
        "select place_in_agreement($1, $2)::text as place", UUID(agreement["id"]), UUID(world.id(above))
    )
    assert row["place"] == world.id(heir_key)
    [row] = await world.rows(
        "select superior_organization_id::text as above from organization where id = $1", UUID(world.id(town.key))
    )
    assert row["above"] == world.id(heir_key)
