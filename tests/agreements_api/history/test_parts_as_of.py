"""Reading what lies beside a task as it was at an instant: milestones, dependencies, extensions."""

from uuid import UUID

import orjson
import pytest

from agreements_api.policy import Role
from tests.agreements_api.agreements.world import Json, World, accepted, problem
from tests.agreements_api.history.looking import Looking, now
from tests.agreements_api.history.test_as_of import LONG_AGO

EVERY = {"If-Match": "*"}


async def test_milestones_are_what_they_were(world: World) -> None:
    path = await world.under_way()
    planner, reader = world.specialist("dongtrieu"), world.person("haiduong", Role.VIEWER)
    milestones = f"{path}/milestones"
    looking = Looking(reader, milestones)
    await looking.look()
    first, second = [
        accepted(await planner.post(milestones, {"title": title, "due_on": "2026-12-01"}, **EVERY), 201)
        for title in ("Thống nhất danh sách", "Ký biên bản")
    ]
    one = f"{milestones}/{first['id']}"
    await looking.look(one)
    accepted(await planner.patch(one, {"title": "Thống nhất khu vực", "due_on": None}, **EVERY), 200)
    await looking.look(one)
    accepted(await planner.patch(f"{milestones}/{second['id']}", {"position": 1, "done": True}, **EVERY), 200)
    accepted(await planner.patch(one, {"position": 2}, **EVERY), 200)
    await looking.look(one)
    assert (await planner.delete(one, **EVERY)).status_code == 204
    await looking.look()
    assert await looking.again() == 8
    problem(await reader.get(one, as_of=now()), 404)
    problem(await reader.get(one, as_of=LONG_AGO), 404)


async def test_milestones_of_the_past_come_in_pages_and_have_entity_tags(world: World) -> None:
    path = await world.under_way()
    planner = world.specialist("dongtrieu")
    made = [
        accepted(await planner.post(f"{path}/milestones", {"title": f"Mốc {number}"}, **EVERY), 201)
        for number in range(5)
    ]
    instant = now()
    for milestone in made:
        await planner.delete(f"{path}/milestones/{milestone['id']}", **EVERY)
    found: list[str] = []
    following: Json = {}
    while True:
        page = await planner.read(f"{path}/milestones", as_of=instant, limit=2, **following)
        found += [item["title"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        following = {"cursor": page["next_cursor"]}
    assert found == [milestone["title"] for milestone in made]
    one = f"{path}/milestones/{made[0]['id']}"
    first = await planner.get(one, as_of=instant)
    again = await planner.get(one, as_of=instant, headers={"If-None-Match": first.headers["etag"]})
    assert (first.status_code, again.status_code) == (200, 304)


async def test_dependencies_are_what_they_were_with_their_neighbours(world: World) -> None:
    plan = await world.plan()
    waiting = await world.under_way(plan, title="Việc sau")
    ahead = await world.task(plan, title="Việc trước", coordinating=(), due_on="2026-12-10")
    ahead_path, planner = f"/v1/tasks/{ahead['id']}", world.specialist("dongtrieu")
    reader = world.person("haiduong", Role.VIEWER)
    dependencies, behind = f"{waiting}/dependencies", f"{ahead_path}/dependencies"
    looking, other = Looking(reader, dependencies), Looking(reader, behind, direction="successors")

    async def look() -> None:
        await looking.look()
        await other.look()

    async def depend(lag: int) -> Json:
        body = {"depends_on_task_id": ahead["id"], "lag_working_days": lag}
        return accepted(await planner.post(dependencies, body, **EVERY), 201)

    await look()
    first = await depend(5)
    await look()
    accepted(await world.person("dongtrieu").change(ahead_path, {"title": "Việc trước, đổi tên"}), 200)
    await world.specialist("ubnd-dongtrieu").step(ahead_path, "accept")
    await look()
    assert (await planner.delete(f"{dependencies}/{first['id']}", **EVERY)).status_code == 204
    await look()
    again = await depend(0)
    assert again["id"] != first["id"]
    await look()
    assert await looking.again() == await other.again() == 5


async def test_extensions_are_what_they_were(world: World) -> None:
    path = await world.under_way()
    lead, leader = world.specialist("ubnd-dongtrieu"), world.person("dongtrieu")
    extensions = f"{path}/extensions"
    looking = Looking(world.person("haiduong", Role.VIEWER), extensions)
    await looking.look()
    body = {"due_on": "2027-02-26", "reason": "Cần đo đạc lại (minh họa)"}
    denied = f"{extensions}/{accepted(await lead.post(extensions, body, **EVERY), 201)['id']}"
    await looking.look(denied)
    accepted(await leader.act_blindly(denied, "deny", {"reason": "Chưa đủ căn cứ"}), 200)
    await looking.look(denied)
    granted = f"{extensions}/{accepted(await lead.post(extensions, body, **EVERY), 201)['id']}"
    await looking.look(denied, granted)
    accepted(await leader.act_blindly(granted, "grant", {"due_on": "2027-01-29", "remark": "Đồng ý"}), 200)
    await looking.look(denied, granted)
    assert await looking.again() == 11
    problem(await lead.get(granted, as_of=LONG_AGO), 404)


@pytest.mark.parametrize("part", ["milestones", "dependencies", "extensions"])
async def test_before_the_task_was_there_and_for_strangers_it_is_not_found(world: World, part: str) -> None:
    path = await world.under_way()
    reader = world.person("dongtrieu")
    assert (await reader.read(f"{path}/{part}", as_of=now()))["items"] == []
    problem(await reader.get(f"{path}/{part}", as_of=LONG_AGO), 404)
    problem(await world.person("elsewhere").get(f"{path}/{part}", as_of=now()), 404)
    found = problem(await reader.get(f"{path}/{part}", as_of="2199-01-01"), 422)
    assert [error["pointer"] for error in found["errors"]] == ["/query/as_of"]


async def test_a_stranger_sees_no_part_of_the_past(world: World) -> None:
    path = await world.under_way()
    planner = world.specialist("dongtrieu")
    milestone = accepted(await planner.post(f"{path}/milestones", {"title": "Mốc"}, **EVERY), 201)
    extension = {"due_on": "2027-02-26", "reason": "Cần đo đạc lại (minh họa)"}
    lead = world.specialist("ubnd-dongtrieu")
    extension = accepted(await lead.post(f"{path}/extensions", extension, **EVERY), 201)
    for one in (f"{path}/milestones/{milestone['id']}", f"{path}/extensions/{extension['id']}"):
        await planner.read(one, as_of=now())
        problem(await world.person("elsewhere").get(one, as_of=now()), 404)


async def test_what_was_kept_of_the_past_stays(world: World) -> None:
    """The application itself cannot write it anew."""
    granted = await world.rows(
        "select privilege_type from information_schema.role_table_grants"
        " where table_name = 'task_part_history' and grantee = 'agreements_app' order by 1"
    )
    assert [row["privilege_type"] for row in granted] == ["INSERT", "SELECT"]


async def test_what_changes_nothing_keeps_no_version(world: World) -> None:
    path = await world.under_way()
    planner = world.specialist("dongtrieu")
    milestone = accepted(await planner.post(f"{path}/milestones", {"title": "Mốc"}, **EVERY), 201)
    accepted(await planner.patch(f"{path}/milestones/{milestone['id']}", {"title": "Mốc"}, **EVERY), 200)
    rows = await world.rows("select version from task_part_history where part_id = $1", UUID(milestone["id"]))
    assert [row["version"] for row in rows] == [1]


async def test_what_is_kept_of_a_milestone_is_what_the_chained_history_tells(world: World) -> None:
    """Whoever wrote the one anew without the other would be found out."""
    path = await world.under_way()
    planner = world.specialist("dongtrieu")
    body = {"title": "Mốc", "due_on": "2026-12-01", "position": 4}
    milestone = accepted(await planner.post(f"{path}/milestones", body, **EVERY), 201)
    one = f"{path}/milestones/{milestone['id']}"
    for patch in ({"title": "Mốc, sửa", "due_on": "2026-12-15"}, {"done": True}, {"position": 2, "due_on": None}):
        accepted(await planner.patch(one, patch, **EVERY), 200)
    rows = await world.rows(
        "select state from task_part_history where part_id = $1 order by version", UUID(milestone["id"])
    )
    entries = (await planner.read(f"{path}/history"))["items"][::-1]
    told: Json = {"done_on": None}
    replayed: list[Json] = []
    for entry in entries:
        changes = [change for change in entry["changes"] if milestone["id"] in change["field"]]
        for change in changes:
            told[change["field"].split("/")[2] if change["field"].count("/") == 2 else "title"] = change["to"]
        if changes:
            replayed.append(dict(told))
    kept = [orjson.loads(row["state"]) for row in rows]
    assert [{name: state[name] for name in told} for state in kept] == replayed
    assert len(kept) == 4
