"""Who answers for the promises of Conclusion 352, before and after 1 July 2025, on the reference data of the units."""

from datetime import date

import httpx
import pytest
import pytest_asyncio

from agreements_api.localities.loader import load_units, unit_id
from agreements_api.localities.models import Organization, OrganizationKind, Unit
from agreements_api.policy import Role
from lienvung.postgres import DatabaseAddress
from shared.auth import SYSTEM
from tests.agreements_api.agreements.world import BODIES, PARTIES, Json, Person, World, pointers, problem
from tests.agreements_api.conftest import Registry

BEFORE, AFTER = "2024-10-18", "2025-07-02"
# Codes of the district or province of each body on 18/10/2024.
CODES = {
    "Tỉnh Quảng Ninh": ("province", "22"),
    "Tỉnh Hải Dương": ("province", "30"),
    "Tỉnh Bắc Giang": ("province", "24"),
    "Thị xã Đông Triều": ("district", "205"),
    "Thành phố Chí Linh": ("district", "290"),
    "Thị xã Kinh Môn": ("district", "292"),
    "Huyện Sơn Động": ("district", "220"),
    "Huyện Lục Nam": ("district", "218"),
    "Tỉnh Hà Giang": ("province", "02"),
}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(registry: Registry, http: httpx.AsyncClient, agreements_database: DatabaseAddress) -> World:
    """The bodies of the case, each of its unit of 2024."""
    await load_units(registry.database)
    organizations: dict[str, Organization] = {}
    async with registry.database.transaction(SYSTEM) as session:
        units = {name: await session.get_one(Unit, unit_id(level, code, None)) for name, (level, code) in CODES.items()}
    for key, unit, _, name, above in BODIES:
        kind = OrganizationKind.PEOPLES_COMMITTEE if key.startswith("ubnd") else OrganizationKind.STANDING_COMMITTEE
        superior = organizations[above] if above else None
        organizations[key] = await registry.organization(name, unit=units[unit], superior=superior, kind=kind)
    return World(registry, http, agreements_database, organizations)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def plan(world: World) -> Json:
    plan = await world.plan()
    await world.task(plan)
    return plan


def reader(world: World) -> Person:
    return world.person("dongtrieu", Role.VIEWER)


async def responsible(world: World, plan: Json, on: str) -> list[Json]:
    body = await reader(world).read(f"/v1/agreements/{plan['id']}/responsible", on=on)
    assert body["on"] == on
    items: list[Json] = body["items"]
    return items


async def test_before_the_reform_whoever_promised_answers(world: World, plan: Json) -> None:
    items = await responsible(world, plan, BEFORE)
    assert [item["relation"] for item in items] == ["party"] * 5 + ["custodian", "lead", "coordinating", "coordinating"]
    for item in items:
        assert item["answers"]["organization_id"] == item["promised_by"]["organization_id"]
        assert (item["provisional"], item["candidates"]) == (False, [])


async def test_after_the_reform_34_communes_and_wards_can_answer_for_the_five(world: World, plan: Json) -> None:
    parties = [item for item in await responsible(world, plan, AFTER) if item["relation"] == "party"]
    assert [item["promised_by"]["name"] for item in parties] == [world.organizations[key].name for key in PARTIES]
    assert all(item["provisional"] for item in parties)
    candidates = [candidate for item in parties for candidate in item["candidates"]]
    # Where most of a commune went; a 35th took in only a part of one.
    units = {one["answering"]["unit"]["id"] for one in candidates if one["parts"]}
    assert len(units) == 34
    communes = [one for one in candidates if one["reason"]["code"] == "communes"]
    assert len({one["answering"]["unit"]["id"] for one in communes}) == 35
    for item in parties:
        assert item["answers"] == item["candidates"][0]["answering"]
        assert item["successions"][-1]["effective_on"] == "2025-07-01"
        parts = [candidate["parts"] for candidate in item["candidates"]]
        assert parts == sorted(parts, reverse=True)


async def test_the_province_comes_after_the_communes_that_could_answer(world: World, plan: Json) -> None:
    parties = [item for item in await responsible(world, plan, AFTER) if item["relation"] == "party"]
    last = [item["candidates"][-1] for item in parties]
    assert {one["reason"]["code"] for one in last} == {"province"}
    # Đông Triều, Chí Linh, Kinh Môn, Sơn Động, Lục Nam.
    assert [one["answering"]["unit"]["name"] for one in last] == [
        "Tỉnh Quảng Ninh",
        "Thành phố Hải Phòng",
        "Thành phố Hải Phòng",
        "Tỉnh Bắc Ninh",
        "Tỉnh Bắc Ninh",
    ]


async def test_every_succession_on_the_way_is_named(world: World, plan: Json) -> None:
    """Đông Triều was upgraded to a city in 2024, and the city was dissolved in 2025."""
    dongtrieu = (await responsible(world, plan, AFTER))[0]
    assert [(one["old_unit"]["name"], one["effective_on"], one["kind"]) for one in dongtrieu["successions"]] == [
        ("Thị xã Đông Triều", "2024-11-01", "upgrade"),
        ("Thành phố Đông Triều", "2025-07-01", "rearrangement"),
    ]
    assert [one["provisional"] for one in dongtrieu["successions"]] == [False, True]
    between = (await responsible(world, plan, "2025-01-15"))[0]
    assert (between["answers"]["unit"]["name"], between["provisional"]) == ("Thành phố Đông Triều", False)


async def test_a_province_that_goes_on_in_a_record_of_its_own_answers_itself(world: World, registry: Registry) -> None:
    """Quảng Ninh was not changed by the reform; the reference data has a new row for it all the same."""
    agreement = await world.draft(parties=[{"organization_id": world.id(key)} for key in ("quangninh", "bacgiang")])
    path = f"/v1/agreements/{agreement['id']}/responsible"
    [item, *_] = (await world.specialist("dongtrieu").read(path, on=AFTER))["items"]
    assert item["answers"]["organization_id"] == world.id("quangninh")
    assert not item["provisional"]


async def test_a_tasks_lead_and_its_coordinating_parties_are_followed_as_well(world: World, plan: Json) -> None:
    lead = next(item for item in await responsible(world, plan, AFTER) if item["relation"] == "lead")
    assert lead["promised_by"]["name"] == "UBND thị xã Đông Triều"
    assert lead["provisional"]
    assert lead["answers"]["unit"]["level"] == "commune"


async def test_the_code_24_is_bac_giang_before_and_bac_ninh_after(world: World, registry: Registry, plan: Json) -> None:
    """A province that merged whole is followed by itself, and by the organisation of its kind."""
    async with registry.database.transaction(SYSTEM) as session:
        bac_ninh = await session.get_one(Unit, unit_id("province", "24", date(2025, 7, 1)))
    assert bac_ninh.name.endswith("Bắc Ninh")
    heir = await registry.organization(
        "Ban Thường vụ Tỉnh ủy Bắc Ninh", unit=bac_ninh, kind=OrganizationKind.STANDING_COMMITTEE
    )
    parties = [{"organization_id": world.id(key)} for key in ("bacgiang", "quangninh")]
    agreement = await world.draft(parties=parties)
    path = f"/v1/agreements/{agreement['id']}/responsible"
    before = (await world.specialist("dongtrieu").read(path, on=BEFORE))["items"]
    assert [item["answers"]["name"] for item in before if item["relation"] == "party"] == [
        "Ban Thường vụ Tỉnh ủy Bắc Giang",
        "Ban Thường vụ Tỉnh ủy Quảng Ninh",
    ]
    after = (await world.specialist("dongtrieu").read(path, on=AFTER))["items"]
    assert after[0]["promised_by"]["name"] == "Ban Thường vụ Tỉnh ủy Bắc Giang"
    assert (after[0]["answers"]["organization_id"], after[0]["provisional"]) == (str(heir.id), False)
    assert after[0]["answers"]["unit"]["id"] == str(bac_ninh.id)


async def test_by_what_was_known_when_it_was_signed_the_answers_are_the_same(world: World, plan: Json) -> None:
    path = f"/v1/agreements/{plan['id']}/responsible"
    for on in (BEFORE, AFTER):
        told, known = [
            [
                (item["promised_by"], item["successions"], [one["answering"]["unit"] for one in item["candidates"]])
                for item in (await reader(world).read(path, on=on, **query))["items"]
                if item["task_id"] is None
            ]
            for query in ({}, {"as_of": plan["updated_at"]})
        ]
        assert told == known
        assert len(known) == 6


async def test_today_is_asked_about_unless_a_day_is_given(world: World, plan: Json) -> None:
    body = await reader(world).read(f"/v1/agreements/{plan['id']}/responsible")
    assert body["items"][0]["provisional"]


async def test_a_stranger_is_told_nothing(world: World, plan: Json) -> None:
    problem(await world.person("elsewhere").get(f"/v1/agreements/{plan['id']}/responsible"), 404)


@pytest.mark.parametrize("on", ["hôm nay", "2025-02-30", "99999-01-01"])
async def test_a_day_that_is_none_is_named(world: World, plan: Json, on: str) -> None:
    answer = await reader(world).get(f"/v1/agreements/{plan['id']}/responsible", on=on)
    assert pointers(problem(answer, 422)) == ["/query/on"]
