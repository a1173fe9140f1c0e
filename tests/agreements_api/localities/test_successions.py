"""Resolutions: what they end, begin, connect and move, and what they are refused for."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from agreements_api.localities.models import Unit, UnitLevel
from agreements_api.localities.successions import has_cycle
from agreements_api.policy import Role
from shared.auth import SYSTEM
from tests.agreements_api.conftest import Caller, Registry
from tests.agreements_api.localities.conftest import Atlas

Problem = Callable[[httpx.Response, int], dict[str, Any]]
EFFECTIVE = "2027-01-01"
EVE = "2026-12-31"


@pytest.fixture(scope="module")
def atlas(viewer: Caller) -> Atlas:
    """Without the reference data: each test makes the units that it is about."""
    return Atlas(viewer)


def resolution(*edges: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "kind": "merge",
        "effective_on": EFFECTIVE,
        "legal_basis": "Nghị quyết minh họa",
        "edges": list(edges),
        **more,
    }


def edge(old: Unit, new: Unit | str, **more: Any) -> dict[str, Any]:
    target = {"new_unit_ref": new} if isinstance(new, str) else {"new_unit_id": str(new.id)}
    return {"old_unit_id": str(old.id), **target, **more}


def dissolution(*old: Unit, **more: Any) -> dict[str, Any]:
    """Nobody is named to follow these."""
    return resolution(*({"old_unit_id": str(unit.id)} for unit in old), kind="dissolve", **more)


def both(field: str) -> list[str]:
    return [f"/edges/{index}/{field}" for index in range(2)]


def pointers(body: dict[str, Any]) -> list[str]:
    return [error["pointer"] for error in body["errors"]]


async def record(caller: Caller, body: dict[str, Any]) -> dict[str, Any]:
    answer = await caller.post("/v1/successions", body)
    assert answer.status_code == 201, answer.text
    recorded: dict[str, Any] = answer.json()
    return recorded


async def shown(atlas: Atlas, unit: Unit | str) -> dict[str, Any]:
    return await atlas.get(f"/v1/units/{unit if isinstance(unit, str) else unit.id}", on=EFFECTIVE)


async def province(registry: Registry, name: str = "Tỉnh Thử", **more: Any) -> Unit:
    return await registry.unit(name, level=UnitLevel.PROVINCE, **more)


async def commune(registry: Registry, parent: Unit, name: str = "Xã Thử", **more: Any) -> Unit:
    return await registry.unit(name, level=UnitLevel.COMMUNE, parent=parent, **more)


async def test_a_merger_ends_the_old_unit_on_the_eve_and_moves_its_children(
    registry: Registry, operator: Caller, atlas: Atlas
) -> None:
    old, new = await province(registry), await province(registry)
    child = await commune(registry, old)
    recorded = await record(operator, resolution(edge(old, new)))
    assert recorded["ended_unit_ids"] == [str(old.id)]
    assert recorded["moved_unit_ids"] == [str(child.id)]
    assert (await shown(atlas, old))["valid_to"] == EVE
    assert [unit["id"] for unit in await atlas.all(f"/v1/units/{old.id}/children", on=EVE)] == [str(child.id)]
    assert [unit["id"] for unit in await atlas.all(f"/v1/units/{new.id}/children", on=EFFECTIVE)] == [str(child.id)]
    assert await atlas.all(f"/v1/units/{new.id}/children", on=EVE) == []


async def test_a_rename_makes_a_new_unit_under_the_same_code_and_parent(
    registry: Registry, operator: Caller, atlas: Atlas
) -> None:
    above = await province(registry)
    old = await commune(registry, above, "Xã Cũ", code="99001")
    renamed = {"ref": "new", "level": "commune", "code": "99001", "name": "Phường Mới", "type": "Phường"}
    recorded = await record(operator, resolution(edge(old, "new"), kind="rename", new_units=[renamed]))
    (new_id,) = recorded["registered_unit_ids"]
    new = await shown(atlas, new_id)
    assert (new["name"], new["valid_from"], new["parent"]["id"]) == ("Phường Mới", EFFECTIVE, str(above.id))
    before = await atlas.all(code="99001", on=EVE)
    after = await atlas.all(code="99001", on=EFFECTIVE)
    assert [before[0]["name"], after[0]["name"]] == ["Xã Cũ", "Phường Mới"]
    assert [unit["id"] for unit in await atlas.all(q="phuong moi", on=EFFECTIVE)] == [new_id]


async def test_successors_are_followed_through_several_resolutions(
    registry: Registry, operator: Caller, atlas: Atlas
) -> None:
    first, second, third = [await province(registry) for _ in range(3)]
    await record(operator, resolution(edge(first, second)))
    await record(operator, resolution(edge(second, third), effective_on="2028-01-01"))
    assert [unit["id"] for unit in await atlas.successors({"id": first.id}, EFFECTIVE)] == [str(second.id)]
    assert [unit["id"] for unit in await atlas.successors({"id": first.id}, "2028-01-01")] == [str(third.id)]
    predecessors = await atlas.all(f"/v1/units/{third.id}/predecessors")
    assert {unit["id"] for unit in predecessors} == {str(first.id), str(second.id)}


async def test_a_unit_that_keeps_most_of_itself_lives_on(registry: Registry, operator: Caller, atlas: Atlas) -> None:
    above = await province(registry)
    old, neighbour = await commune(registry, above), await commune(registry, above)
    body = resolution(edge(old, neighbour, partial=True, is_default=False), kind="split")
    assert (await record(operator, body))["ended_unit_ids"] == []
    assert (await shown(atlas, old))["valid_to"] is None
    assert await atlas.successors({"id": old.id}, EFFECTIVE) == []


async def test_what_a_dissolved_unit_had_goes_to_others(registry: Registry, operator: Caller, atlas: Atlas) -> None:
    above = await province(registry)
    old, north, south = [await commune(registry, above) for _ in range(3)]
    edges = (edge(old, north, partial=True), edge(old, south, partial=True, is_default=False))
    recorded = await record(operator, resolution(*edges, kind="dissolve"))
    assert (recorded["kind"], recorded["ended_unit_ids"]) == ("dissolve", [str(old.id)])
    assert {unit["id"] for unit in await atlas.successors({"id": old.id}, EFFECTIVE)} == {str(north.id), str(south.id)}


async def test_a_unit_is_dissolved_with_nobody_named_to_follow_it(
    registry: Registry, operator: Caller, atlas: Atlas, problem: Problem
) -> None:
    above = await province(registry)
    old = await commune(registry, above)
    body = dissolution(old)
    recorded = await record(operator, body)
    assert (recorded["edges"], recorded["ended_unit_ids"]) == ([], [str(old.id)])
    assert (await shown(atlas, old))["valid_to"] == EVE
    assert [unit["id"] for unit in await atlas.successors({"id": old.id}, EFFECTIVE)] == [str(above.id)]
    assert await atlas.successors({"id": old.id}, EVE) == []
    # It is told by the same event as of a unit that others follow, and there is no succession to tell.
    (ended,) = await registry.outbox(old.id)
    assert ended["type"] == "vn.lienvung.unit.registered.v1"
    assert (ended["data"]["version"], ended["data"]["unit"]["valid_to"]) == (2, EVE)
    again = problem(await operator.post("/v1/successions", body), 422)
    assert pointers(again) == ["/edges/0/old_unit_id"]
    assert len(await registry.outbox(old.id)) == 1


async def test_the_same_key_dissolves_once(registry: Registry, operator: Caller) -> None:
    old = await commune(registry, await province(registry))
    headers, body = operator.unsafe(), dissolution(old)
    first, again = [await operator.http.post("/v1/successions", json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert len(await registry.outbox(old.id)) == 1


async def test_a_dissolved_unit_is_succeeded_by_where_its_parts_went_else_by_the_unit_above(
    registry: Registry, operator: Caller, atlas: Atlas
) -> None:
    above = await province(registry)
    old, neighbour, empty = [await registry.unit("Huyện Thử", parent=above) for _ in range(3)]
    moves, merged, into = await commune(registry, old), await commune(registry, old), await commune(registry, above)
    await record(
        operator,
        dissolution(old, empty)
        | {
            "edges": [*dissolution(old, empty)["edges"], edge(merged, into)],
            "moves": [{"unit_id": str(moves.id), "parent_id": str(neighbour.id)}],
        },
    )
    found = await atlas.successors({"id": old.id}, EFFECTIVE)
    assert {unit["id"]: (unit["is_default"], unit["partial"]) for unit in found} == {
        str(neighbour.id): (True, True),
        str(into.id): (True, True),
    }
    assert [unit["id"] for unit in await atlas.successors({"id": empty.id}, EFFECTIVE)] == [str(above.id)]


async def test_successors_of_a_dissolved_unit_are_followed_through_later_resolutions(
    registry: Registry, operator: Caller, atlas: Atlas
) -> None:
    above = await province(registry)
    district = await registry.unit("Huyện Thử", parent=above)
    first, old = await commune(registry, district), await commune(registry, district)
    other = await commune(registry, above)
    await record(
        operator, resolution(edge(first, old, partial=True), edge(first, other, partial=True, is_default=False))
    )
    await record(operator, dissolution(old, effective_on="2028-01-01"))
    await record(operator, dissolution(district, effective_on="2029-01-01"))
    for on, expected in (("2028-01-01", district), ("2029-01-01", above)):
        found = {unit["id"]: unit["is_default"] for unit in await atlas.successors({"id": first.id}, on)}
        assert found == {str(expected.id): True, str(other.id): False}


async def test_a_unit_that_is_to_be_dissolved_can_be_moved_until_then(
    registry: Registry, operator: Caller, atlas: Atlas, problem: Problem
) -> None:
    old, heir, third = [await province(registry) for _ in range(3)]
    child, sibling = await commune(registry, old), await commune(registry, old)
    await record(operator, dissolution(child, effective_on="2027-06-01"))
    await record(operator, resolution(edge(old, heir)))
    moves = [{"unit_id": str(unit.id), "parent_id": str(third.id)} for unit in (sibling, child)]
    divided = dissolution(heir, effective_on="2027-03-01", moves=moves[:1])
    refused = problem(await operator.post("/v1/successions", divided), 422)
    assert pointers(refused) == ["/moves"]
    await record(operator, divided | {"moves": moves})
    for on, parent in (("2027-01-01", heir), ("2027-05-31", third)):
        assert (await atlas.get(f"/v1/units/{child.id}", on=on))["parent"]["id"] == str(parent.id)
    assert [unit["id"] for unit in await atlas.successors({"id": child.id}, "2027-06-01")] == [str(third.id)]
    # It is nobody's child afterwards, and in nobody's way.
    fourth = await province(registry)
    moves = [{"unit_id": str(sibling.id), "parent_id": str(fourth.id)}]
    recorded = await record(operator, dissolution(third, effective_on="2027-09-01", moves=moves))
    assert recorded["moved_unit_ids"] == [str(sibling.id)]


async def test_a_child_that_has_ended_goes_nowhere_also_where_it_was_never_taken_out(
    registry: Registry, operator: Caller, atlas: Atlas
) -> None:
    old, above = await province(registry), await province(registry)
    gone, stays = await commune(registry, old), await commune(registry, old)
    async with registry.database.transaction(SYSTEM) as session:
        (await session.get_one(Unit, gone.id)).valid_to = date(2026, 6, 30)
    moves = [{"unit_id": str(stays.id), "parent_id": str(above.id)}]
    recorded = await record(operator, dissolution(old, moves=moves))
    assert recorded["moved_unit_ids"] == [str(stays.id)]
    assert [unit["id"] for unit in await atlas.successors({"id": old.id}, EFFECTIVE)] == [str(above.id)]


async def test_nobody_is_dissolved_whose_place_nobody_could_take(
    registry: Registry, operator: Caller, atlas: Atlas, problem: Problem
) -> None:
    alone, above = await province(registry), await province(registry)
    old, one, two = [await commune(registry, above) for _ in range(3)]
    district = await registry.unit("Huyện Thử", parent=above)
    await commune(registry, district)
    nobody = {"old_unit_id": str(old.id)}
    wrong: list[tuple[dict[str, Any], str, list[str]]] = [
        (dissolution(alone), "nobody_follows", ["/edges/0/old_unit_id"]),
        (dissolution(old, alone), "nobody_follows", ["/edges/1/old_unit_id"]),
        (dissolution(district), "child_without_parent", ["/moves"]),
        (
            dissolution(old, old),
            "duplicate",
            ["/edges/1", *both("new_unit_id"), *both("partial"), "/edges/1/is_default"],
        ),
        (
            dissolution(old) | {"edges": [nobody, edge(old, one, partial=True)]},
            "missing",
            ["/edges/0/new_unit_id", "/edges/0/partial", "/edges/1/is_default"],
        ),
        (dissolution(old) | {"edges": [nobody | {"partial": True}]}, "must_be_whole", ["/edges/0/partial"]),
        (dissolution(old) | {"edges": [nobody | {"is_default": False}]}, "must_be_default", ["/edges/0/is_default"]),
        (
            dissolution(old) | {"edges": [edge(old, one) | {"new_unit_ref": "x"}]},
            "exactly_one",
            ["/edges/0/new_unit_id"],
        ),
    ]
    wrong += [
        (dissolution(old) | {"kind": kind}, "exactly_one", ["/edges/0/new_unit_id"])
        for kind in ("rename", "upgrade", "merge", "split", "rearrangement")
    ]
    for body, code, expected in wrong:
        found = problem(await operator.post("/v1/successions", body), 422)
        assert (found["code"], found["errors"][0]["code"]) == ("invalid_succession", code), body
        assert pointers(found) == expected, body
    for unit in (alone, old, one, two, district):
        assert (await shown(atlas, unit))["valid_to"] is None


async def test_only_the_operator_dissolves(registry: Registry, problem: Problem) -> None:
    old = await commune(registry, await province(registry))
    administrator = await registry.caller(await registry.organization(), Role.ADMINISTRATOR, Role.LEADER)
    problem(await administrator.post("/v1/successions", dissolution(old)), 403)


async def test_a_split_says_where_the_children_go(
    registry: Registry, operator: Caller, atlas: Atlas, problem: Problem
) -> None:
    old = await province(registry)
    north, south = await commune(registry, old, "Xã Bắc"), await commune(registry, old, "Xã Nam")
    new_units = [
        {"ref": ref, "level": "province", "code": code, "name": f"Tỉnh {ref}", "type": "Tỉnh"}
        for ref, code in (("bắc", "97"), ("nam", "98"))
    ]
    edges = [edge(old, "bắc", partial=True), edge(old, "nam", partial=True, is_default=False)]
    body = resolution(*edges, kind="split", new_units=new_units)
    refused = problem(await operator.post("/v1/successions", body), 422)
    assert (refused["code"], pointers(refused)) == ("invalid_succession", ["/moves"])
    moves = [
        {"unit_id": str(north.id), "parent_ref": "bắc"},
        {"unit_id": str(south.id), "parent_ref": "nam"},
    ]
    recorded = await record(operator, body | {"moves": moves})
    assert set(recorded["moved_unit_ids"]) == {str(north.id), str(south.id)}
    parents = [(await atlas.get(f"/v1/units/{unit.id}", on=EFFECTIVE))["parent"]["name"] for unit in (north, south)]
    assert parents == ["Tỉnh bắc", "Tỉnh nam"]


async def test_every_change_is_published_with_its_version(registry: Registry, operator: Caller) -> None:
    old, new = await province(registry, "Tỉnh Một"), await province(registry, "Tỉnh Hai")
    child = await commune(registry, old)
    recorded = await record(operator, resolution(edge(old, new)))
    (ended,) = await registry.outbox(old.id)
    assert ended["type"] == "vn.lienvung.unit.registered.v1"
    assert (ended["data"]["version"], ended["data"]["unit"]["valid_to"]) == (2, EVE)
    (moved,) = await registry.outbox(child.id)
    assert moved["data"]["unit"]["province"]["name"] == "Tỉnh Hai"
    (succeeded,) = await registry.outbox(UUID(recorded["edges"][0]["id"]))
    assert succeeded["type"] == "vn.lienvung.unit.succeeded.v1"
    assert succeeded["data"]["succession"]["old_unit_id"] == str(old.id)
    assert succeeded["data"]["actor"]["id"] == str(operator.actor.id)
    assert await registry.outbox(new.id) == []


async def test_a_cycle_is_refused_and_leaves_nothing(
    registry: Registry, operator: Caller, atlas: Atlas, problem: Problem
) -> None:
    first, second, third = [await province(registry) for _ in range(3)]
    await record(operator, resolution(edge(first, second)))
    await record(operator, resolution(edge(second, third), effective_on="2028-01-01"))
    back = resolution(edge(third, first), effective_on="2029-01-01")
    assert problem(await operator.post("/v1/successions", back), 422)["code"] == "succession_cycle"
    assert (await shown(atlas, third))["valid_to"] is None
    assert await registry.outbox(third.id) == []


async def test_a_unit_cannot_succeed_itself(registry: Registry, operator: Caller, problem: Problem) -> None:
    unit = await province(registry)
    answer = await operator.post("/v1/successions", resolution(edge(unit, unit)))
    assert problem(answer, 422)["code"] == "succession_cycle"


@pytest.mark.parametrize(
    ("edges", "cycle"),
    [
        ([], False),
        ([(1, 2), (2, 3), (1, 3)], False),
        ([(1, 1)], True),
        ([(1, 2), (2, 3), (3, 1)], True),
        ([(1, 2), (3, 4), (4, 5), (5, 4)], True),
        ([(number, number + 1) for number in range(5_000)], False),
    ],
)
def test_cycles_are_found_in_any_graph(edges: list[tuple[int, int]], cycle: bool) -> None:
    assert has_cycle((UUID(int=old), UUID(int=new)) for old, new in edges) is cycle


async def test_what_fails_late_leaves_nothing_behind(
    registry: Registry, operator: Caller, atlas: Atlas, problem: Problem
) -> None:
    old, above = await province(registry), await province(registry)
    taken = await commune(registry, above, code="99002")
    new_units = [
        {"ref": "a", "level": "province", "code": "96", "name": "Tỉnh A", "type": "Tỉnh"},
        {"ref": "b", "level": "commune", "code": "99002", "name": "Xã B", "type": "Xã", "parent_ref": "a"},
    ]
    body = problem(await operator.post("/v1/successions", resolution(edge(old, "a"), new_units=new_units)), 422)
    assert pointers(body) == ["/new_units/1/code"]
    assert (await shown(atlas, old))["valid_to"] is None
    assert await atlas.all(code="96", on=EFFECTIVE) == []
    assert [unit["id"] for unit in await atlas.all(code="99002", on=EFFECTIVE)] == [str(taken.id)]


async def test_only_the_operator_records_a_resolution(registry: Registry, problem: Problem) -> None:
    old, new = await province(registry), await province(registry)
    administrator = await registry.caller(await registry.organization(), Role.ADMINISTRATOR, Role.LEADER)
    problem(await administrator.post("/v1/successions", resolution(edge(old, new))), 403)


async def test_the_same_key_records_once(registry: Registry, operator: Caller) -> None:
    old, new = await province(registry), await province(registry)
    headers = operator.unsafe()
    body = resolution(edge(old, new))
    first = await operator.http.post("/v1/successions", json=body, headers=headers)
    again = await operator.http.post("/v1/successions", json=body, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["idempotency-replayed"] == "true"
    assert len(await registry.outbox(old.id)) == 1


async def test_what_does_not_fit_is_named(registry: Registry, operator: Caller, problem: Problem) -> None:
    one, two, three = [await province(registry) for _ in range(3)]
    gone = await province(registry, valid_to=date(2020, 1, 1))
    below = await commune(registry, one)
    new = {"ref": "new", "level": "commune", "code": "99003", "name": "Xã Mới", "type": "Xã"}
    stranger = {"old_unit_id": str(uuid4()), "new_unit_id": str(two.id)}
    divided = ["/edges/0/partial", "/edges/1/partial", "/edges/1/is_default"]
    up = [{"unit_id": str(two.id), "parent_id": str(three.id)}]
    wrong: list[tuple[dict[str, Any], list[str]]] = [
        (resolution(stranger), ["/edges/0/old_unit_id"]),
        (resolution(edge(gone, two)), ["/edges/0/old_unit_id"]),
        (resolution(edge(one, gone)), ["/edges/0/new_unit_id"]),
        (resolution(edge(one, two), edge(two, three)), ["/edges/0/new_unit_id"]),
        (resolution(edge(one, two), edge(one, three)), divided),
        (
            resolution(edge(one, two), edge(one, two, partial=True)),
            ["/edges/1", "/edges/0/partial", "/edges/1/is_default"],
        ),
        (resolution(edge(one, two, is_default=False)), ["/edges/0/is_default"]),
        (resolution({"old_unit_id": str(one.id)}), ["/edges/0/new_unit_id"]),
        (resolution(edge(one, "nowhere")), ["/edges/0/new_unit_ref"]),
        (resolution(edge(one, two), new_units=[new]), ["/new_units/0/parent_id"]),
        (resolution(edge(one, two), new_units=[new | {"parent_id": str(below.id)}]), ["/new_units/0/parent_id"]),
        (resolution(edge(one, two), new_units=[new | {"parent_id": str(one.id)}]), ["/new_units/0/parent_id"]),
        (resolution(edge(one, two), new_units=[new | {"parent_ref": "x"}]), ["/new_units/0/parent_ref"]),
        (
            resolution(edge(one, two), moves=up),
            ["/moves/0/parent_id"],
        ),
        (resolution(edge(one, two), effective_on="1900-01-01"), ["/effective_on"]),
        (resolution(), ["/edges"]),
    ]
    for body, expected in wrong:
        found = problem(await operator.post("/v1/successions", body), 422)
        assert pointers(found) == expected, body
