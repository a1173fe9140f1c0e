"""Reading agreements and tasks as they were at an instant."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import pytest

from agreements_api.policy import Role
from shared import clock
from tests.agreements_api.agreements.world import PARTIES, REPORT, Json, World, accepted, pointers, problem, signature

PARTS = ("", "/clauses", "/parties", "/signatures", "/texts", "/history", "/provenance")
LONG_AGO = "2000-01-01T00:00:00Z"


def now() -> str:
    return clock.now().isoformat()


def since(instant: str) -> Json:
    """The query of a difference."""
    return {"from": instant}


async def test_every_read_of_an_agreement_shows_what_it_showed_then(world: World) -> None:
    """Through opening, signing, refusing and signing again: what a read showed once, it shows for ever."""
    plan = await world.draft()
    path = f"/v1/agreements/{plan['id']}"
    reader = world.person("dongtrieu", Role.VIEWER)
    seen: list[tuple[str, dict[str, Json]]] = []

    async def look() -> None:
        shown = {part: await reader.read(f"{path}{part}") for part in PARTS}
        seen.append((now(), shown))

    await look()
    await world.person("dongtrieu").step(path, "open")
    await look()
    await world.person("chilinh").step(path, "sign", signature("chilinh"))
    await look()
    await world.person("kinhmon").step(path, "decline", {"reason": "Bổ sung điều khoản"})
    await look()
    accepted(
        await world.person("dongtrieu").change(
            path, {"title": "Tên khác", "term_to": "2030-12-31", "clauses": [{"text": "Điều khoản mới."}]}
        ),
        200,
    )
    await look()
    await world.person("dongtrieu").step(path, "open")
    for key in PARTIES:
        await world.person(key).step(path, "sign", signature(key))
    await look()

    for instant, shown in seen:
        for part in PARTS:
            was = await reader.read(f"{path}{part}", as_of=instant)
            assert was == without_actions(shown[part]), (instant, part)


async def test_every_read_of_a_task_shows_what_it_showed_then(world: World) -> None:
    task = await world.task(await world.plan())
    path = f"/v1/tasks/{task['id']}"
    agreement = task["agreement_id"]
    reader = world.person("haiduong", Role.VIEWER)
    seen: list[tuple[str, dict[str, Json]]] = []
    parts = ("", "/reports", "/confirmations", "/history")

    async def look() -> None:
        shown = {part: await reader.read(f"{path}{part}") for part in parts}
        shown["list"] = await reader.read("/v1/tasks", agreement_id=agreement)
        seen.append((now(), shown))

    worker = world.specialist("ubnd-dongtrieu")
    await look()
    await worker.step(path, "accept")
    await look()
    await worker.step(path, "reports", REPORT)
    await worker.step(path, "submit")
    await world.person("ubnd-chilinh").step(path, "confirm")
    await look()
    await world.person("ubnd-kinhmon").step(path, "return", {"reason": "Thiếu chữ ký"})
    await look()
    accepted(await world.person("dongtrieu").change(path, {"due_on": "2027-03-31"}), 200)
    await worker.step(path, "submit")
    await world.person("ubnd-kinhmon").step(path, "confirm")
    await look()
    await world.person("ubnd-chilinh").step(path, "confirm")
    await look()

    for instant, shown in seen:
        for part in parts:
            was = await reader.read(f"{path}{part}", as_of=instant)
            assert was == without_actions(shown[part]), (instant, part)
        listed = await reader.read("/v1/tasks", agreement_id=agreement, as_of=instant)
        assert listed["items"] == [without_actions(item) for item in shown["list"]["items"]]


async def test_the_last_confirmation_and_the_completion_are_two_states(world: World) -> None:
    path = await world.submitted()
    for key in ("ubnd-kinhmon", "ubnd-chilinh"):
        await world.person(key).step(path, "confirm")
    rows = await world.rows(
        "select version, state from history where subject_id = $1 order by version desc limit 2", path.split("/")[-1]
    )
    completed, confirmed = (orjson.loads(row["state"]) for row in rows)
    assert (completed["status"], confirmed["status"]) == ("completed", "submitted")
    assert (completed["version"], confirmed["version"]) == (7, 6)
    assert confirmed["completed_at"] is None
    assert confirmed["coordinating"] == completed["coordinating"]
    assert "timeliness" not in completed


async def test_before_it_was_there_it_is_not_found(world: World) -> None:
    task = await world.task(await world.plan())
    reader = world.person("dongtrieu")
    for part in PARTS:
        problem(await reader.get(f"/v1/agreements/{task['agreement_id']}{part}", as_of=LONG_AGO), 404)
    for part in ("", "/reports", "/confirmations", "/history"):
        problem(await reader.get(f"/v1/tasks/{task['id']}{part}", as_of=LONG_AGO), 404)
    assert (await reader.read("/v1/tasks", agreement_id=task["agreement_id"], as_of=LONG_AGO))["items"] == []
    assert (await reader.read("/v1/agreements", as_of=LONG_AGO))["items"] == []


async def test_who_sees_it_is_a_matter_of_today(world: World) -> None:
    plan = await world.draft()
    path = f"/v1/agreements/{plan['id']}"
    drafted = now()
    problem(await world.person("chilinh").get(path, as_of=drafted), 404)
    await world.person("dongtrieu").step(path, "open")
    assert (await world.person("chilinh").read(path, as_of=drafted))["status"] == "draft"
    outsider = world.person("elsewhere")
    for elsewhere in (path, f"{path}/clauses", f"{path}/signatures", f"{path}/history"):
        problem(await outsider.get(elsewhere, as_of=now()), 404)
    problem(await outsider.get(f"{path}/difference", **since(drafted)), 404)
    problem(await outsider.get(f"{path}/history/verification"), 404)


async def test_a_task_is_no_agreement_of_the_past(world: World) -> None:
    task = await world.task(await world.plan())
    reader = world.person("dongtrieu")
    problem(await reader.get(f"/v1/agreements/{task['id']}", as_of=now()), 404)
    problem(await reader.get(f"/v1/tasks/{task['agreement_id']}", as_of=now()), 404)
    problem(await reader.get(f"/v1/tasks/{task['agreement_id']}/difference", **since(now())), 404)
    problem(await reader.get(f"/v1/agreements/{task['id']}/difference", **since(now())), 404)


@pytest.mark.parametrize(
    "path",
    ["/v1/agreements/{plan}", "/v1/agreements/{plan}/clauses", "/v1/agreements", "/v1/tasks/{task}", "/v1/tasks",
     "/v1/tasks/{task}/reports", "/v1/tasks/{task}/history"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("as_of", "code"),
    [("2199-01-01", "instant_in_future"), ("yesterday", "instant_parsing"), ("2026-11-24T10:00:00", "instant_parsing")],
)
async def test_the_future_and_what_is_no_instant_are_named(world: World, path: str, as_of: str, code: str) -> None:
    some = "01990000-0000-7000-8000-0000000000aa"
    found = problem(await world.person("dongtrieu").get(path.format(plan=some, task=some), as_of=as_of), 422)
    assert [(error["pointer"], error["code"]) for error in found["errors"]] == [("/query/as_of", code)]


async def test_a_day_means_its_end_in_vietnam(world: World) -> None:
    path = await world.under_way()
    today = clock.today()
    assert (await world.person("dongtrieu").read(path, as_of=str(today)))["version"] == 2
    problem(await world.person("dongtrieu").get(path, as_of=str(today - timedelta(days=1))), 404)


async def test_the_past_has_entity_tags(world: World) -> None:
    path = await world.under_way()
    reader = world.person("dongtrieu")
    instant = now()
    await world.specialist("ubnd-dongtrieu").step(path, "reports", REPORT)
    for place in (path, f"/v1/agreements/{(await reader.read(path))['agreement_id']}"):
        first = await reader.get(place, as_of=instant)
        again = await reader.get(place, as_of=instant, headers={"If-None-Match": first.headers["etag"]})
        assert (first.status_code, again.status_code) == (200, 304)


async def test_timeliness_is_that_of_the_day(world: World) -> None:
    """A task that is overdue today was in time when it was not yet."""
    plan = await world.plan()
    path = await world.under_way(plan, due_on=str(clock.today() - timedelta(days=3)))
    month_ago = clock.now() - timedelta(days=30)
    await move_back(world, path, month_ago)
    reader = world.person("dongtrieu")
    assert (await reader.read(path))["timeliness"] == "overdue"
    then = (month_ago + timedelta(seconds=1)).isoformat()
    assert (await reader.read(path, as_of=then))["timeliness"] == "in_time"
    query: Json = {"agreement_id": plan["id"], "as_of": then}
    assert len((await reader.read("/v1/tasks", timeliness="in_time", **query))["items"]) == 1
    assert (await reader.read("/v1/tasks", timeliness="overdue", **query))["items"] == []


class TestListsOfTheTasksOfOneAgreement:
    async def test_they_are_narrowed_by_what_they_were(self, world: World) -> None:
        plan = await world.plan()
        reader = world.person("dongtrieu")
        first = await world.task(plan, title="Một", due_on="2027-01-10", field="du lịch")
        second = await world.task(plan, title="Hai", lead="ubnd-sondong", coordinating=(), due_on=None)
        instant = now()
        await reader.step(f"/v1/tasks/{first['id']}", "cancel", {"reason": "Trùng"})
        await world.task(plan, title="Ba")

        async def titles(**query: Any) -> list[str]:
            page = await reader.read("/v1/tasks", agreement_id=plan["id"], as_of=instant, **query)
            return [item["title"] for item in page["items"]]

        assert await titles() == ["Một", "Hai"]
        assert await titles(sort="-due_on") == ["Hai", "Một"]
        assert await titles(sort="created_at") == ["Một", "Hai"]
        assert await titles(status="not_started") == ["Một", "Hai"]
        assert await titles(status="cancelled") == []
        assert await titles(field="du lịch") == ["Một"]
        assert await titles(due_before="2027-02-01") == ["Một"]
        assert await titles(due_after="2027-01-09") == ["Một"]
        assert await titles(due_after="2027-01-10") == []
        assert await titles(organization=world.id("ubnd-sondong")) == ["Hai"]
        assert await titles(organization=world.id("ubnd-chilinh"), relation="coordinating") == ["Một"]
        assert await titles(organization=world.id("ubnd-chilinh"), relation="lead") == []
        assert await titles(relation="lead") == []
        assert await titles(locality=str(world.organizations["ubnd-kinhmon"].unit_id)) == ["Một"]
        assert await titles(timeliness="no_deadline") == ["Hai"]
        assert second["title"] == "Hai"

    async def test_they_come_in_pages_and_are_counted(self, world: World) -> None:
        plan = await world.plan()
        for number in range(5):
            await world.task(plan, title=f"Nhiệm vụ {number}", due_on=str(date(2027, 1, 1 + number)))
        reader, instant = world.person("dongtrieu"), now()
        await world.task(plan, title="Sau đó")
        for sort, expected in (("due_on", "01234"), ("-created_at", "43210")):
            found, query = "", dict[str, Any]()
            while True:
                page = await reader.read(
                    "/v1/tasks", agreement_id=plan["id"], as_of=instant, limit=2, sort=sort, count=True, **query
                )
                found += "".join(item["title"][-1] for item in page["items"])
                assert page["total"] == 5
                if page["next_cursor"] is None:
                    break
                query = {"cursor": page["next_cursor"]}
            assert found == expected

    async def test_they_need_the_agreement_and_take_no_words(self, world: World) -> None:
        reader = world.person("dongtrieu")
        found = problem(await reader.get("/v1/tasks", as_of=now()), 422)
        assert pointers(found) == ["/query/agreement_id"]
        found = problem(await reader.get("/v1/tasks", as_of=now(), agreement_id=world.id("dongtrieu"), q="rà"), 422)
        assert pointers(found) == ["/query/q"]

    async def test_the_same_question_asked_later_is_answered_as_of_later(self, world: World) -> None:
        """`as_of` a day means now while the day lasts: the answer must not be that of the first to ask."""
        plan = await world.plan()
        query = {"agreement_id": plan["id"], "as_of": str(clock.today())}
        reader = world.person("dongtrieu")
        assert (await reader.read("/v1/tasks", **query))["items"] == []
        await world.task(plan)
        assert len((await reader.read("/v1/tasks", **query))["items"]) == 1


class TestListsOfAgreements:
    async def test_they_are_as_they_were_and_narrowed_by_it(self, world: World) -> None:
        reader = world.person("dongtrieu")
        plan = await world.opened(fields=["khoáng sản"], title="Kế hoạch khoáng sản")
        instant = now()
        path = f"/v1/agreements/{plan['id']}"
        for key in PARTIES:
            await world.person(key).step(path, "sign", signature(key))
        await world.draft(fields=["khoáng sản"])

        async def statuses(**query: Any) -> list[str]:
            page = await reader.read("/v1/agreements", as_of=instant, field="khoáng sản", count=True, **query)
            assert page["total"] == len(page["items"])
            return [item["status"] for item in page["items"]]

        assert await statuses() == ["open_for_signature"]
        assert await statuses(status="open_for_signature", instrument="plan") == ["open_for_signature"]
        assert await statuses(status="in_force") == []
        assert await statuses(party=world.id("lucnam")) == ["open_for_signature"]
        assert await statuses(party=world.id("quangninh")) == []
        assert await statuses(locality=str(world.organizations["lucnam"].unit_id)) == ["open_for_signature"]
        assert await statuses(locality=str(world.organizations["quangninh"].unit_id)) == []
        assert await statuses(amends=plan["id"]) == []

    async def test_they_come_in_the_order_of_creation(self, world: World) -> None:
        made = [(await world.draft(fields=["thứ tự"], title=f"Kế hoạch {number}"))["title"] for number in range(3)]
        reader, instant = world.specialist("dongtrieu"), now()
        for query, expected in (({}, made[::-1]), ({"sort": "created_at"}, made)):
            found: list[str] = []
            following: Json = {}
            while True:
                page = await reader.read("/v1/agreements", as_of=instant, field="thứ tự", limit=2, **query, **following)
                found += [item["title"] for item in page["items"]]
                if page["next_cursor"] is None:
                    break
                following = {"cursor": page["next_cursor"]}
            assert found == expected

    @pytest.mark.parametrize(("query", "pointer"), [({"sort": "-updated_at"}, "/query/sort"), ({"q": "x"}, "/query/q")])
    async def test_what_the_past_has_no_index_for_is_refused(self, world: World, query: Json, pointer: str) -> None:
        found = problem(await world.person("dongtrieu").get("/v1/agreements", as_of=now(), **query), 422)
        assert pointers(found) == [pointer]


async def test_a_client_needs_the_scope_for_the_past_as_well(world: World) -> None:
    task = await world.task(await world.plan())
    client = world.client("dongtrieu", "tasks:read")
    assert (await client.get(f"/v1/tasks/{task['id']}", as_of=now())).status_code == 200
    for path in ("", "/clauses", "/parties", "/signatures", "/history"):
        problem(await client.get(f"/v1/agreements/{task['agreement_id']}{path}", as_of=now()), 403)
    problem(await client.get(f"/v1/agreements/{task['agreement_id']}/history/verification"), 403)
    problem(await client.get(f"/v1/agreements/{task['agreement_id']}/difference", **since(now())), 403)
    other = world.client("dongtrieu", "agreements:read")
    problem(await other.get(f"/v1/tasks/{task['id']}", as_of=now()), 403)
    problem(await other.get("/v1/tasks", as_of=now(), agreement_id=task["agreement_id"]), 403)
    problem(await other.get(f"/v1/tasks/{task['id']}/difference", **since(now())), 403)


async def test_the_text_of_an_instant_is_the_one_that_was_open_then(world: World) -> None:
    plan = await world.draft()
    path = f"/v1/agreements/{plan['id']}"
    leader = world.person("dongtrieu")
    drafted = now()
    await leader.step(path, "open")
    first, opened = await leader.read(f"{path}/text"), now()
    await leader.step(path, "recall", {"reason": "Sửa lỗi (minh họa)"})
    recalled = now()
    accepted(await leader.change(path, {"title": "Tên khác"}), 200)
    await leader.step(path, "open")
    second = await leader.read(f"{path}/text")
    assert first["text"] != second["text"]
    for instant in (drafted, recalled):
        problem(await leader.get(f"{path}/text", as_of=instant), 404, "not_found")
    assert await leader.read(f"{path}/text", as_of=opened) == first
    assert await leader.read(f"{path}/text", as_of=now()) == second
    problem(await world.person("elsewhere").get(f"{path}/text", as_of=opened), 404, "not_found")


async def move_back(world: World, path: str, to: datetime) -> None:
    """As if all that is told of the task had happened then."""
    await world.rows("alter table history disable trigger history_append_only")
    await world.rows(
        "update history set occurred_at = $2 where subject_id = $1", path.split("/")[-1], to.astimezone(UTC)
    )
    await world.rows("alter table history enable trigger history_append_only")


def without_actions(body: Json) -> Json:
    """What is read of the past has no actions."""
    return body | {"allowed_actions": []} if "allowed_actions" in body else body
