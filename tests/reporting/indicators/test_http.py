"""The indicators as their callers see them."""

from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from shared import clock
from shared.db import Database
from shared.ids import new_id
from tests.reporting.conftest import Call, Caller
from tests.reporting.factories import SIGNED_AT, Plan, Story, apply

AS_OF = "2024-12-20T09:00:00Z"


@pytest.fixture
def caller(call: Call, plan: Story) -> Caller:
    return call(plan.issuer, "viewer")


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    body: dict[str, Any] = answer.json()
    return body


def counts(figures: dict[str, Any]) -> dict[str, int]:
    return {name: figure["count"] for name, figure in figures.items() if isinstance(figure, dict) and "count" in figure}


async def test_the_four_way_status_of_the_plan(caller: Caller) -> None:
    body = (await caller.get("/v1/indicators", as_of=AS_OF)).json()
    assert counts(body["total"]) == {
        "total": 4,
        "completed": 1,
        "completed_on_time": 1,
        "completed_late": 0,
        "open": 3,
        "open_in_time": 2,
        "no_deadline": 0,
        "overdue": 1,
        "due": 2,
    }
    assert body["total"]["rates"] == {"completed": 0.5, "on_time": 0.5, "late": 0.0, "overdue": 0.5}


@pytest.mark.parametrize(
    ("group_by", "names"),
    [
        ("locality", ["Huyện Lục Nam", "Thành phố Chí Linh", "Thị xã Đông Triều", "Thị xã Kinh Môn"]),
        ("field", ["công nghiệp - cụm công nghiệp", "du lịch", "địa giới hành chính", "hạ tầng giao thông"]),
        ("organization", ["UBND huyện Lục Nam", "UBND thành phố Chí Linh", "UBND thị xã Đông Triều"]),
        ("agreement", ["Kế hoạch phối hợp thực hiện Kết luận số 352-KL/TUQN-TUBG-TUHD về thúc đẩy liên kết vùng"]),
    ],
)
async def test_groups_stand_in_the_order_of_the_vietnamese_alphabet(
    caller: Caller, group_by: str, names: list[str]
) -> None:
    body = (await caller.get("/v1/indicators", group_by=group_by, as_of=AS_OF)).json()
    assert [group["name"] for group in body["groups"]][: len(names)] == names


@pytest.mark.parametrize("group_by", ["locality", "field", "organization", "agreement"])
async def test_every_link_lists_exactly_the_tasks_that_its_figure_counts(caller: Caller, group_by: str) -> None:
    body = (await caller.get("/v1/indicators", group_by=group_by, period="quarter:2024-4")).json()
    for figures in (body["total"], *body["groups"]):
        for figure in (value for value in figures.values() if isinstance(value, dict) and "tasks" in value):
            listed = (await caller.get(figure["tasks"])).json()
            assert len(listed["items"]) == figure["count"], figure


async def test_a_list_shows_the_tasks_as_they_were_at_the_moment_of_the_figure(
    caller: Caller, database: Database, plan: Story
) -> None:
    task = plan.tasks[2]
    later = datetime.fromisoformat(AS_OF) + timedelta(days=1)
    await apply(database, task.event(at=later, due_on=date(2025, 3, 1), percent=60))
    then = (await caller.get("/v1/indicators/tasks", lead=task.lead.id, as_of=AS_OF)).json()["items"]
    since = (await caller.get("/v1/indicators/tasks", lead=task.lead.id, as_of="2024-12-31")).json()["items"]
    assert [(item["due_on"], item["percent"]) for item in (*then, *since)] == [("2024-12-25", 0), ("2025-03-01", 60)]


async def test_pages_follow_each_other_at_one_moment(caller: Caller) -> None:
    whole = (await caller.get("/v1/indicators/tasks")).json()["items"]
    first = await caller.get("/v1/indicators/tasks", limit=3)
    assert first.headers["link"].endswith('rel="next"')
    rest = (await caller.get("/v1/indicators/tasks", limit=3, cursor=first.json()["next_cursor"])).json()
    assert first.json()["items"] + rest["items"] == whole
    assert rest["next_cursor"] is None


async def test_a_cursor_holds_for_its_own_list_only(caller: Caller) -> None:
    cursor = (await caller.get("/v1/indicators/tasks", limit=1)).json()["next_cursor"]
    for query in ("figure=open", "field=du+lịch", "period=quarter:2024-4", f"as_of={AS_OF}"):
        answer = await caller.get(f"/v1/indicators/tasks?{query}&cursor={cursor}")
        assert problem(answer, 400)["code"] == "invalid_cursor"


@pytest.mark.parametrize("cursor", ["x", "AAAA", "e30"])
async def test_a_forged_cursor_is_refused(caller: Caller, cursor: str) -> None:
    assert problem(await caller.get("/v1/indicators/tasks", cursor=cursor), 400)["code"] == "invalid_cursor"


async def test_who_is_no_member_sees_no_figure_and_no_task(call: Call, plan: Story) -> None:
    outsider = call(plan.outsider, "leader")
    body = (await outsider.get("/v1/indicators", agreement_id=plan.plan.id)).json()
    assert (body["total"]["total"]["count"], body["groups"]) == (0, [])
    listed = await outsider.get("/v1/indicators/tasks", agreement_id=plan.plan.id)
    assert listed.json()["items"] == []


async def test_an_account_without_an_organization_gets_404(call: Call) -> None:
    operator = call(None, "operator")
    for path in ("/v1/indicators", "/v1/indicators/tasks"):
        assert problem(await operator.get(path), 404)["code"] == "indicators_not_found"


async def test_without_a_token_nothing_is_told(caller: Caller) -> None:
    problem(await caller.http.get("/v1/indicators"), 401)


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("period=quarter:2024-5", "/query/period"),
        ("period=soon", "/query/period"),
        ("period=quarter:2024-4&from=2024-01-01", "/query/period"),
        ("from=2024-01-01", "/query/to"),
        ("to=2024-01-01", "/query/from"),
        ("from=2024-02-01&to=2024-01-01", "/query/to"),
        ("from=0001-01-01&to=2024-01-01", "/query/from"),
        ("from=2024-01-01&to=9999-12-31", "/query/to"),
        ("from=2024-02-30&to=2024-03-01", "/query/from"),
        ("as_of=2999-01-01", "/query/as_of"),
        ("as_of=2199-01-01T00:00:00Z", "/query/as_of"),
        ("as_of=0001-01-01T00:00:00%2B14:00", "/query/as_of"),
        ("as_of=yesterday", "/query/as_of"),
        ("agreement_id=1", "/query/agreement_id"),
        ("locality=hanoi", "/query/locality"),
        ("field=%00", "/query/field"),
        ("group_by=weather", "/query/group_by"),
    ],
)
async def test_a_wrong_parameter_is_named(caller: Caller, query: str, pointer: str) -> None:
    body = problem(await caller.get(f"/v1/indicators?{query}"), 422)
    assert [error["pointer"] for error in body["errors"]] == [pointer]


async def test_a_bare_day_means_its_end_in_vietnam(caller: Caller) -> None:
    body = (await caller.get("/v1/indicators", as_of="2024-12-13")).json()
    assert body["as_of"] == "2024-12-13T23:59:59.999999+07:00"
    assert body["total"]["overdue"]["count"] == 0
    after = (await caller.get("/v1/indicators", as_of="2024-12-13T17:00:00Z")).json()
    assert after["total"]["overdue"]["count"] == 1


async def test_tasks_without_a_field_have_a_group_and_a_list_of_their_own(
    caller: Caller, database: Database, plan: Story
) -> None:
    own = Plan([plan.issuer], [plan.issuer])
    await apply(database, own.event(), own.task(plan.people[0], title="Không có lĩnh vực").event())
    body = (await caller.get("/v1/indicators", group_by="field", agreement_id=own.id)).json()
    (group,) = body["groups"]
    assert (group["id"], group["name"]) == (None, "Chưa phân lĩnh vực")
    assert [item["title"] for item in (await caller.get(group["total"]["tasks"])).json()["items"]] == [
        "Không có lĩnh vực"
    ]


async def test_a_field_of_any_spelling_finds_its_way_through_a_link(
    caller: Caller, database: Database, plan: Story
) -> None:
    odd = "a&b=c #1 %20 + đường/phố"
    own = Plan([plan.issuer], [plan.issuer])
    await apply(database, own.event(), own.task(plan.people[0], field=odd).event())
    body = (await caller.get(f"/v1/indicators?group_by=field&field={quote(odd)}")).json()
    listed = await caller.get(body["groups"][0]["total"]["tasks"])
    assert [item["field"] for item in listed.json()["items"]] == [odd]


async def test_the_default_moment_is_the_products_now(caller: Caller) -> None:
    body = (await caller.get("/v1/indicators", agreement_id=new_id())).json()
    assert abs(datetime.fromisoformat(body["as_of"]) - clock.now()) < timedelta(minutes=1)
    assert datetime.fromisoformat(body["as_of"]) > SIGNED_AT
