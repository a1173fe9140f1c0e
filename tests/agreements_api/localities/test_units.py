"""Units of both eras: the reform of 01/07/2025 as it was, dated look-up, search, order and pages."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from agreements_api.config import Settings
from agreements_api.localities.loader import Loaded, load_units, unit_id
from agreements_api.localities.models import Organization
from agreements_api.policy import Role
from shared.auth import SYSTEM
from shared.text import vietnamese_sort_key
from tests.agreements_api.conftest import Caller, Registry
from tests.agreements_api.localities.conftest import AFTER_REFORM, BEFORE_REFORM, Atlas

Problem = Callable[[httpx.Response, int], dict[str, Any]]
# Đông Triều, Chí Linh, Kinh Môn, Sơn Động, Lục Nam: the five localities of Conclusion 352.
FIVE = ("205", "290", "292", "220", "218")


async def test_the_reference_data_is_loaded_whole(loaded: Loaded) -> None:
    # Every unit but the 97 provinces lies under another; the communes of Đông Triều under two, one after the other.
    assert (loaded.units, loaded.successions) == (14_150, 10_666)
    assert loaded.parents == 14_150 - 97 + 19


async def test_loading_again_adds_nothing_and_changes_nothing(app: FastAPI, loaded: Loaded) -> None:
    async with app.state.database.read(SYSTEM) as connection:
        query = "select md5(string_agg(t::text, '' order by id)) from {} t"
        tables = ("unit", "unit_parent", "unit_succession")
        before = [await connection.fetchval(query.format(table)) for table in tables]
        assert await load_units(app.state.database) == Loaded(0, 0, 0)
        assert [await connection.fetchval(query.format(table)) for table in tables] == before


async def test_what_is_loaded_is_known_since_then(app: FastAPI, loaded: Loaded) -> None:
    async with app.state.database.read(SYSTEM) as connection:
        instants = await connection.fetchrow("""
            select (select count(*) from unit where (valid_to is null) <> (end_recorded_at is null)) as units,
                (select count(*) from unit_parent where (valid_to is null) <> (end_recorded_at is null)) as ends,
                (select count(*) from unit_parent where recorded_at is null)
                    + (select count(*) from unit_succession where recorded_at is null) as unknown,
                (select count(distinct t) from (
                    select recorded_at as t from unit_succession union all select recorded_at from unit_parent
                    union all select end_recorded_at from unit_parent where valid_to is not null) x) as instants""")
    assert tuple(instants) == (0, 0, 0, 1)


@pytest.mark.parametrize(
    ("on", "provinces", "districts", "communes"),
    [(BEFORE_REFORM, 63, 696, 10_035), (AFTER_REFORM, 34, 0, 3_321)],
)
async def test_each_era_has_its_own_units(
    viewer: Caller, loaded: Loaded, on: str, provinces: int, districts: int, communes: int
) -> None:
    found = [
        (await viewer.get("/v1/units", level=level, on=str(on), limit=1, count=True)).json()["total"]
        for level in ("province", "district", "commune")
    ]
    assert found == [provinces, districts, communes]


async def test_a_code_means_a_unit_only_with_a_date(atlas: Atlas) -> None:
    assert (await atlas.one("province", "24", BEFORE_REFORM))["name"] == "Tỉnh Bắc Giang"
    assert (await atlas.one("province", "24", AFTER_REFORM))["name"] == "Tỉnh Bắc Ninh"


async def test_five_localities_are_succeeded_by_thirty_four_communes_and_wards(atlas: Atlas) -> None:
    found: list[dict[str, Any]] = []
    for code in FIVE:
        locality = await atlas.one("district", code, "2024-10-18")
        found += await atlas.successors(locality, AFTER_REFORM, default=True)
    assert len({unit["id"] for unit in found}) == len(found) == 34
    assert {unit["level"] for unit in found} == {"commune"}
    provinces = {unit["province"]["name"] for unit in found}
    assert provinces == {"Tỉnh Quảng Ninh", "Thành phố Hải Phòng", "Tỉnh Bắc Ninh"}


async def test_a_part_that_went_elsewhere_is_a_successor_but_not_by_default(atlas: Atlas) -> None:
    chi_linh = await atlas.one("district", "290", "2024-10-18")
    successors = await atlas.successors(chi_linh, AFTER_REFORM)
    assert {unit["name"] for unit in successors if unit["partial"]} == {"Phường Bắc An Phụ"}
    assert "Phường Bắc An Phụ" not in {
        unit["name"] for unit in await atlas.successors(chi_linh, AFTER_REFORM, default=True)
    }


async def test_dong_trieu_became_a_city_on_the_first_of_november_2024(atlas: Atlas) -> None:
    town = await atlas.one("district", "205", "2024-10-31")
    city = await atlas.one("district", "205", "2024-11-01")
    assert (town["name"], city["name"]) == ("Thị xã Đông Triều", "Thành phố Đông Triều")
    assert await atlas.successors(town, "2024-10-31") == []
    (successor,) = await atlas.successors(town, "2024-11-01")
    assert (successor["id"], successor["effective_on"]) == (city["id"], "2024-11-01")
    (predecessor,) = await atlas.all(f"/v1/units/{city['id']}/predecessors")
    assert predecessor["id"] == town["id"]


async def test_the_communes_of_dong_trieu_lay_under_the_town_and_then_under_the_city(atlas: Atlas) -> None:
    town = await atlas.one("district", "205", "2024-10-31")
    city = await atlas.one("district", "205", "2024-11-01")
    before = await atlas.all(f"/v1/units/{town['id']}/children", on="2024-10-31")
    after = await atlas.all(f"/v1/units/{city['id']}/children", on="2024-11-01")
    assert len(before) == 19
    assert [unit["id"] for unit in before] == [unit["id"] for unit in after]
    assert {unit["parent"]["id"] for unit in before} == {town["id"]}
    assert {unit["parent"]["id"] for unit in after} == {city["id"]}
    assert await atlas.all(f"/v1/units/{town['id']}/children", on="2024-11-01") == []


async def test_a_divided_commune_has_several_successors_and_one_of_them_by_default(atlas: Atlas, app: FastAPI) -> None:
    async with app.state.database.read(SYSTEM) as connection:
        divided = await connection.fetchval(
            "select old_unit_id from unit_succession where partial group by 1 having count(*) > 1 order by 1 limit 1"
        )
    unit = {"id": str(divided)}
    successors = await atlas.successors(unit, AFTER_REFORM)
    assert len(successors) > 1
    assert all(successor["partial"] for successor in successors)
    (default,) = await atlas.successors(unit, AFTER_REFORM, default=True)
    assert [successor for successor in successors if successor["is_default"]] == [default]


async def test_hai_duong_went_into_hai_phong(atlas: Atlas) -> None:
    hai_duong = await atlas.one("province", "30", BEFORE_REFORM)
    (successor,) = await atlas.successors(hai_duong, AFTER_REFORM)
    assert successor["name"] == "Thành phố Hải Phòng"
    assert not successor["partial"]


async def test_a_unit_in_force_has_no_successor_yet(atlas: Atlas) -> None:
    assert await atlas.successors(await atlas.one("province", "22", AFTER_REFORM), "2026-01-01") == []


@pytest.mark.parametrize("words", ["dong trieu", "Đông Triều", "ĐÔNG  TRIỀU"])
async def test_search_does_not_mind_diacritics(atlas: Atlas, words: str) -> None:
    found = await atlas.all(q=words, level="district", on="2024-12-01")
    assert [unit["name"] for unit in found] == ["Thành phố Đông Triều"]


async def test_a_percent_sign_is_only_a_character(atlas: Atlas) -> None:
    assert await atlas.all(q="%", on=str(AFTER_REFORM)) == []


async def test_units_come_in_the_order_of_the_vietnamese_alphabet_over_all_pages(atlas: Atlas) -> None:
    provinces = await atlas.all(level="province", on=str(AFTER_REFORM), limit=10)
    names = [unit["name"] for unit in provinces]
    assert len(set(names)) == 34
    assert names == sorted(names, key=vietnamese_sort_key)


async def test_filters_repeat_and_narrow(atlas: Atlas) -> None:
    quang_ninh = await atlas.one("province", "22", AFTER_REFORM)
    wards = await atlas.all(parent=quang_ninh["id"], type=["Phường", "Đặc khu"], on=str(AFTER_REFORM))
    assert {unit["type"] for unit in wards} == {"Phường", "Đặc khu"}
    assert {unit["parent"]["id"] for unit in wards} == {quang_ninh["id"]}


async def test_the_province_of_a_unit_is_that_of_the_date(atlas: Atlas, viewer: Caller) -> None:
    chi_linh = await atlas.one("district", "290", BEFORE_REFORM)
    # It was dissolved since: without a date it is shown as it last was.
    now = (await viewer.get(f"/v1/units/{chi_linh['id']}")).json()
    assert now["province"]["name"] == "Tỉnh Hải Dương"
    assert now["valid_to"] == "2025-06-30"


async def test_identifiers_are_the_same_in_every_installation(atlas: Atlas) -> None:
    city = await atlas.one("district", "205", "2024-11-01")
    assert city["id"] == str(unit_id("district", "205", AFTER_REFORM.replace(2024, 11, 1)))


async def test_an_unchanged_unit_is_not_sent_again(atlas: Atlas, viewer: Caller) -> None:
    path = f"/v1/units/{(await atlas.one('province', '22', AFTER_REFORM))['id']}"
    tag = (await viewer.get(path)).headers["etag"]
    again = await viewer.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("cursor", ["x", "AAAA", "eyJpZCI6MX0"])
async def test_a_forged_cursor_is_refused(viewer: Caller, problem: Problem, cursor: str) -> None:
    assert problem(await viewer.get("/v1/units", cursor=cursor), 400)["code"] == "invalid_cursor"


async def test_a_cursor_of_another_list_is_refused(atlas: Atlas, viewer: Caller, problem: Problem) -> None:
    page = (await viewer.get("/v1/units", level="province", on=str(AFTER_REFORM), limit=1)).json()
    quang_ninh = await atlas.one("province", "22", AFTER_REFORM)
    answer = await viewer.get(f"/v1/units/{quang_ninh['id']}/children", cursor=page["next_cursor"])
    assert problem(answer, 400)["code"] == "invalid_cursor"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"on": "2024-02-30"}, "/query/on"),
        ({"on": "0001-01-01"}, "/query/on"),
        ({"on": "9999-01-01"}, "/query/on"),
        ({"level": "galaxy"}, "/query/level/0"),
        ({"code": "DROP"}, "/query/code/0"),
        ({"parent": "x"}, "/query/parent"),
        ({"limit": "201"}, "/query/limit"),
        ({"q": "a\0b"}, "/query/q"),
    ],
)
async def test_a_wrong_parameter_is_named(
    viewer: Caller, problem: Problem, query: dict[str, Any], pointer: str
) -> None:
    body = problem(await viewer.get("/v1/units", **query), 422)
    assert [error["pointer"] for error in body["errors"]] == [pointer]


async def test_a_unit_that_never_was_is_not_found(viewer: Caller, problem: Problem) -> None:
    for path in ("", "/successors", "/predecessors", "/children"):
        assert problem(await viewer.get(f"/v1/units/{uuid4()}{path}"), 404)["code"] == "not_found"


async def test_a_client_reads_units_only_with_the_scope(
    registry: Registry, agency: Organization, problem: Problem
) -> None:
    assert (await registry.as_client(agency, "localities:read").get("/v1/units")).status_code == 200
    problem(await registry.as_client(agency, "agreements:read").get("/v1/units"), 403)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.SPECIALIST, Role.LEADER, Role.ADMINISTRATOR])
async def test_everyone_who_works_for_an_organisation_reads_units(
    registry: Registry, agency: Organization, role: Role
) -> None:
    caller = await registry.caller(agency, role)
    assert (await caller.get("/v1/units", limit=1)).status_code == 200


async def test_lists_are_served_by_an_index(settings: Settings, loaded: Loaded) -> None:
    someone = "00000000-0000-0000-0000-000000000001"
    statements = {
        "unit_level_order": "select * from unit where level = 'commune' order by sort_key, id limit 50",
        "unit_order": "select * from unit order by sort_key, id limit 50",
        "unit_search": "select * from unit where folded like '%dong trieu%'",
        "unit_parent_of": f"select * from unit_parent where parent_id = '{someone}'",
        "unit_succession_to": f"select * from unit_succession where new_unit_id = '{someone}'",
        "organization_order": "select * from organization order by sort_key, id limit 50",
    }
    connection = await asyncpg.connect(settings.migration_database_url)
    try:
        await connection.execute("analyze; set enable_seqscan = off")
        for index, statement in statements.items():
            plan = "\n".join(row[0] for row in await connection.fetch(f"explain {statement}"))
            assert index in plan
            assert "Sort" not in plan
    finally:
        await connection.close()
