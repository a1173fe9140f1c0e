"""Segments: each said by its own locality, kept with their history, handed over and withdrawn."""

from datetime import timedelta
from uuid import uuid4

import pytest

from agreements_api.corridors.schemas import CorridorChangePublic, CorridorGeoJson
from agreements_api.corridors.service import MAX_SEGMENTS
from agreements_api.policy import Role
from shared import clock
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.corridors.lines import LINE, SEGMENT, SOURCE, corridor, patch, segment

REASON = {"reason": "Điều chỉnh hướng tuyến (minh họa)"}


@pytest.fixture
async def drawn(world: World, plan: Json) -> Json:
    return await corridor(world, plan)


async def test_a_locality_adds_its_own_segment(world: World, drawn: Json) -> None:
    first = await segment(world, drawn, "chilinh")
    assert (first["organization_id"], first["position"], first["version"]) == (world.id("chilinh"), 10, 1)
    assert first["organization_name"] == "Ban Thường vụ Thành ủy Chí Linh"
    assert {name: first[name] for name in SEGMENT if name not in ("funding",)} == {
        name: value for name, value in SEGMENT.items() if name not in ("funding",)
    }
    assert first["funding"] == SEGMENT["funding"]
    assert first["allowed_actions"] == ["update"]
    second = await segment(world, drawn, "kinhmon")
    between = await segment(world, drawn, "chilinh", position=15)
    listed = (await world.person("lucnam").read(f"{drawn['path']}/segments"))["items"]
    assert [one["id"] for one in listed] == [first["id"], between["id"], second["id"]]
    page = await world.person("lucnam").read(f"{drawn['path']}/segments", limit=2)
    rest = await world.person("lucnam").read(f"{drawn['path']}/segments", limit=2, cursor=page["next_cursor"])
    assert ([one["position"] for one in rest["items"]], rest["next_cursor"]) == ([20], None)


async def test_only_the_owner_changes_its_segment_and_others_read(world: World, drawn: Json) -> None:
    path = (await segment(world, drawn, "chilinh"))["path"]
    for person in (world.person("dongtrieu"), world.person("kinhmon"), world.person("haiduong")):
        problem(await patch(person, path, {"percent": 10}), 403)
        await person.read(path)
    problem(await patch(world.person("chilinh", Role.VIEWER), path, {"percent": 10}), 403)
    problem(await patch(world.person("elsewhere"), path, {"percent": 10}), 404)
    changed = accepted(await patch(world.specialist("chilinh"), path, {"percent": 10}), 200)
    assert (changed["percent"], changed["version"]) == (10, 2)
    system = accepted(await patch(world.client("chilinh", "corridors:write"), path, {"percent": 20}), 200)
    assert system["percent"] == 20
    problem(await patch(world.client("kinhmon", "corridors:write"), path, {"percent": 30}), 403)
    problem(await patch(world.client("chilinh", "agreements:read"), path, {"percent": 30}), 403)


async def test_the_custodian_adds_anothers_segment_without_its_plans(world: World, drawn: Json) -> None:
    custodian = world.specialist("dongtrieu")
    runs = {"organization_id": world.id("chilinh"), "name": "Đoạn của Chí Linh (minh họa)", "length_m": 100}
    plans = {"funding": {"status": "none"}, "planned_finish": "2028-01-01", "percent": 5}
    refused = problem(await custodian.post(f"{drawn['path']}/segments", runs | plans), 422)
    assert pointers(refused) == ["/funding", "/planned_finish", "/percent"]
    added = accepted(await custodian.post(f"{drawn['path']}/segments", runs), 201)
    assert (added["organization_id"], added["allowed_actions"]) == (world.id("chilinh"), [])
    problem(await world.specialist("kinhmon").post(f"{drawn['path']}/segments", runs), 403)


async def test_an_organisation_outside_the_agreement_owns_nothing_of_it(world: World, drawn: Json) -> None:
    body = {"organization_id": world.id("elsewhere"), "name": "Đoạn (minh họa)"}
    answer = await world.specialist("dongtrieu").post(f"{drawn['path']}/segments", body)
    assert pointers(problem(answer, 422)) == ["/organization_id"]


async def test_a_patch_changes_what_it_names_and_merges_the_funding(world: World, drawn: Json) -> None:
    path, owner = (await segment(world, drawn, "chilinh"))["path"], world.specialist("chilinh")
    funding = {"funding": {"status": "allocated", "source": None}}
    changed = accepted(await patch(owner, path, funding | {"road_class": None}, '"v1"'), 200)
    assert changed["funding"] == SEGMENT["funding"] | {"status": "allocated", "source": None}
    assert (changed["road_class"], changed["width_m"]) == (None, 12.0)
    assert accepted(await patch(owner, path, funding), 200)["version"] == 2
    cleared = accepted(await patch(owner, path, {"funding": None}), 200)
    assert cleared["funding"] == {"plan_period": None, "source": None, "amount": None, "status": "none"}
    problem(await patch(owner, path, {"percent": 1}, '"v1"'), 412)
    problem(await owner.patch(path, {"percent": 1}), 428)


async def test_a_finish_makes_it_whole(world: World, drawn: Json) -> None:
    path, owner = (await segment(world, drawn, "chilinh"))["path"], world.specialist("chilinh")
    changed = accepted(await patch(owner, path, {"actual_start": "2026-02-01", "actual_finish": "2026-11-01"}), 200)
    assert (changed["percent"], changed["actual_finish"]) == (100, "2026-11-01")
    assert pointers(problem(await patch(owner, path, {"percent": 90}), 422)) == ["/percent"]
    back = accepted(await patch(owner, path, {"actual_finish": None, "percent": 90}), 200)
    assert (back["percent"], back["actual_finish"]) == (90, None)


TOMORROW = (clock.today() + timedelta(days=1)).isoformat()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"name": None}, "/name"),
        ({"position": 0}, "/position"),
        ({"length_m": 1.5}, "/length_m"),
        ({"length_m": -1}, "/length_m"),
        ({"road_class": "class_vii"}, "/road_class"),
        ({"width_m": 0}, "/width_m"),
        ({"width_m": "12"}, "/width_m"),
        ({"percent": 101}, "/percent"),
        ({"planned_finish": "2020-01-01"}, "/planned_finish"),
        ({"planned_finish": "31/12/2026"}, "/planned_finish"),
        ({"actual_start": TOMORROW}, "/actual_start"),
        ({"actual_finish": TOMORROW}, "/actual_finish"),
        ({"actual_start": "2026-10-01", "actual_finish": "2026-09-30"}, "/actual_finish"),
        ({"actual_finish": "2026-11-01", "percent": 99}, "/percent"),
        ({"funding": {"plan_period": None}}, "/funding/plan_period"),
        ({"funding": {"plan_period": "1900-1905"}}, "/funding/plan_period"),
        ({"funding": {"amount": 0}}, "/funding/amount"),
        ({"funding": {"status": "promised"}}, "/funding/status"),
        ({"geometry": LINE}, "/geometry_source"),
        ({"geometry_source": SOURCE}, "/geometry_source"),
        ({"geometry": {"type": "Point", "coordinates": [106, 21]}, "geometry_source": SOURCE}, "/geometry/type"),
        (
            {"geometry": {"type": "LineString", "coordinates": [[106, 21], [21, 106]]}, "geometry_source": SOURCE},
            "/geometry/coordinates/1/0",
        ),
        ({"geometry": LINE | {"crs": {}}, "geometry_source": SOURCE}, "/geometry/crs"),
        ({"organization_id": str(uuid4())}, "/organization_id"),
    ],
)
async def test_what_cannot_be_so_is_named(world: World, drawn: Json, change: Json, pointer: str) -> None:
    path = (await segment(world, drawn, "chilinh"))["path"]
    assert pointers(problem(await patch(world.specialist("chilinh"), path, change), 422)) == [pointer]
    seen = await world.specialist("chilinh").read(path)
    assert seen["version"] == 1


async def test_a_position_holds_one_segment(world: World, drawn: Json) -> None:
    first = await segment(world, drawn, "chilinh")
    other = await segment(world, drawn, "kinhmon")
    taken = {"name": "Đoạn", "position": first["position"]}
    answer = await world.specialist("kinhmon").post(f"{drawn['path']}/segments", taken)
    assert pointers(problem(answer, 422)) == ["/position"]
    moved = await patch(world.specialist("kinhmon"), other["path"], {"position": first["position"]})
    assert pointers(problem(moved, 422)) == ["/position"]


async def test_a_segment_that_was_withdrawn_stays_on_record(world: World, drawn: Json) -> None:
    first = await segment(world, drawn, "chilinh")
    owner = world.person("chilinh")
    assert (await owner.read(first["path"]))["allowed_actions"] == ["update", "hand_over", "withdraw"]
    problem(await world.specialist("chilinh").act(first["path"], "withdraw", REASON), 403)
    assert pointers(problem(await owner.act(first["path"], "withdraw", {}), 422)) == ["/reason"]
    withdrawn = await owner.step(first["path"], "withdraw", REASON)
    assert (withdrawn["withdrawn_at"] is not None, withdrawn["allowed_actions"]) == (True, [])
    assert (await owner.read(f"{drawn['path']}/segments"))["items"] == []
    assert (await owner.read(first["path"]))["name"] == first["name"]
    problem(await patch(owner, first["path"], {"percent": 10}), 409, "invalid_transition")
    problem(await owner.act(first["path"], "withdraw", REASON), 409, "invalid_transition")
    again = await segment(world, drawn, "kinhmon", position=first["position"])
    assert again["position"] == first["position"]
    assert (await owner.read(f"{drawn['path']}/history"))["items"][1]["remark"] == REASON["reason"]


async def test_whoever_takes_its_owners_place_is_given_the_segment(world: World, drawn: Json) -> None:
    first = await segment(world, drawn, "chilinh")
    to = {"organization_id": world.id("kinhmon"), "reason": "Sắp xếp đơn vị (minh họa)"}
    problem(await world.person("kinhmon").act(first["path"], "hand-over", to), 403)
    problem(await world.specialist("chilinh").act(first["path"], "hand-over", to), 403)
    for owner, code in ((world.id("elsewhere"), "no_member"), (world.id("chilinh"), "same_owner")):
        refused = problem(
            await world.person("dongtrieu").act(first["path"], "hand-over", to | {"organization_id": owner}), 422
        )
        assert [(one["pointer"], one["code"]) for one in refused["errors"]] == [("/organization_id", code)]
    given = await world.person("dongtrieu").step(first["path"], "hand-over", to)
    assert given["organization_id"] == world.id("kinhmon")
    problem(await patch(world.specialist("chilinh"), first["path"], {"percent": 10}), 403)
    accepted(await patch(world.specialist("kinhmon"), first["path"], {"percent": 10}), 200)
    back = await world.person("kinhmon").step(first["path"], "hand-over", to | {"organization_id": world.id("chilinh")})
    assert (back["organization_id"], back["percent"]) == (world.id("chilinh"), 10)


async def test_every_change_is_kept_and_told(world: World, plan: Json, drawn: Json) -> None:
    first = await segment(world, drawn, "chilinh", geometry=LINE, geometry_source=SOURCE)
    owner = world.specialist("chilinh")
    await patch(owner, first["path"], {"percent": 40})
    longer = LINE | {"coordinates": [*LINE["coordinates"], [106.4, 21.1, 8.5]]}
    await patch(owner, first["path"], {"geometry": longer})
    items = (await world.person("lucnam").read(f"{drawn['path']}/history"))["items"]
    assert [(one["action"], one["version"]) for one in items] == [
        ("update_segment", 3),
        ("update_segment", 2),
        ("add_segment", 1),
        ("create_corridor", 1),
    ]
    # What PostgreSQL builds is what the documentation says.
    for one in items:
        assert CorridorChangePublic.model_validate(one).model_fields_set == set(CorridorChangePublic.model_fields)
    assert items[1]["changes"] == [{"field": "percent", "from": 0, "to": 40}]
    assert (items[1]["actor"]["name"], items[1]["segment_id"]) == (owner.actor.name, first["id"])
    [drawn_anew] = items[0]["changes"]
    assert (drawn_anew["field"], drawn_anew["from"] != drawn_anew["to"]) == ("geometry", True)
    page = await owner.read(f"{drawn['path']}/history", limit=3)
    rest = await owner.read(f"{drawn['path']}/history", limit=3, cursor=page["next_cursor"])
    assert [one["action"] for one in rest["items"]] == ["create_corridor"]
    states = await world.rows(
        "select state->'geometry' is not null as drawn, state->>'percent' as percent from corridor_history"
        " where segment_id = $1::text::uuid order by version",
        first["id"],
    )
    assert [(row["drawn"], row["percent"]) for row in states] == [(True, "0"), (False, "40"), (True, "40")]
    events = await world.registry.outbox(first["id"])
    assert [event["type"] for event in events] == ["vn.lienvung.segment.changed.v1"] * 3
    assert [event["data"]["version"] for event in events] == [1, 2, 3]
    assert {event["partitionkey"] for event in events} == {plan["id"]}
    assert events[1]["data"]["segment"]["percent"] == 40
    assert "geometry" not in events[0]["data"]["segment"]
    assert world.id("lucnam") in events[0]["data"]["members"]


async def test_lines_are_read_as_a_feature_collection_that_names_its_sources(world: World, drawn: Json) -> None:
    answer = await world.person("lucnam").get(f"{drawn['path']}/geojson")
    assert answer.json() == {"type": "FeatureCollection", "features": []}
    await segment(world, drawn, "kinhmon")
    parts = {
        "type": "MultiLineString",
        "coordinates": [[[106, 21], [106.1, 21]], [[106.2, 21.123456789, 5], [107, 21]]],
    }
    first = await segment(world, drawn, "chilinh", geometry=parts, geometry_source=SOURCE)
    assert (first["geometry_positions"], first["geometry_source"]) == (4, SOURCE)
    answer = await world.person("lucnam").get(f"{drawn['path']}/geojson")
    assert answer.headers["content-type"] == "application/geo+json"
    CorridorGeoJson.model_validate(answer.json())
    [feature] = answer.json()["features"]
    assert (feature["type"], feature["id"]) == ("Feature", first["id"])
    assert feature["geometry"]["coordinates"] == [[[106, 21], [106.1, 21]], [[106.2, 21.1234568], [107, 21]]]
    assert feature["properties"] == {
        "name": first["name"],
        "version": 1,
        "position": 20,
        "organization_id": world.id("chilinh"),
        "organization_name": first["organization_name"],
        "road_class": "class_iii",
        "percent": 0,
        "demonstration": True,
        "source": SOURCE,
    }
    tag = {"If-None-Match": answer.headers["etag"]}
    assert (await world.person("lucnam").get(f"{drawn['path']}/geojson", headers=tag)).status_code == 304
    erased = accepted(await patch(world.specialist("chilinh"), first["path"], {"geometry": None}), 200)
    assert (erased["geometry_positions"], erased["geometry_source"]) == (0, None)
    assert (await world.person("lucnam").get(f"{drawn['path']}/geojson", headers=tag)).json()["features"] == []


async def test_a_corridor_has_room_for_so_many_positions_and_segments(world: World, plan: Json) -> None:
    drawn = await corridor(world, plan)
    for _ in range(MAX_SEGMENTS - 1):
        await segment(world, drawn, "chilinh")
    await world.rows(
        "update corridor_segment set geometry_positions = 101, geometry = '{}', geometry_source = 'x'"
        " where corridor_id = $1::text::uuid",
        drawn["id"],
    )
    line = {"type": "LineString", "coordinates": [[106, 21]] * 3}
    body = {"name": "Đoạn", "geometry": line, "geometry_source": SOURCE}
    answer = await world.specialist("chilinh").post(f"{drawn['path']}/segments", body)
    assert pointers(problem(answer, 422)) == ["/geometry"]
    await segment(world, drawn, "chilinh")
    answer = await world.specialist("chilinh").post(f"{drawn['path']}/segments", {"name": "Đoạn"})
    assert problem(answer, 422)["errors"][0]["code"] == "too_many"
