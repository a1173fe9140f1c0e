"""Report jobs as their callers see them: from the request to the document."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pypdf
import pytest
import pytest_asyncio
from fastapi import FastAPI

from reporting.config import Settings
from reporting.reports.jobs import make_renderer, render_next
from reporting.reports.renderer import Renderer
from shared.auth import SYSTEM
from shared.db import Database
from shared.ids import new_id
from tests.reporting.conftest import Call, Caller
from tests.reporting.factories import Story


@pytest.fixture
def caller(call: Call, plan: Story) -> Caller:
    return call(plan.issuer, "specialist")


@pytest_asyncio.fixture
async def renderer(settings: Settings) -> AsyncIterator[Renderer]:
    renderer = make_renderer(settings)
    yield renderer
    await renderer.close()


def wanted(plan: Story, **values: Any) -> dict[str, Any]:
    return {"agreement_id": str(plan.plan.id), "place": "Đông Triều"} | values


async def ask(caller: Caller, plan: Story, **values: Any) -> dict[str, Any]:
    answer = await caller.post("/v1/reports", wanted(plan, **values))
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"/v1/reports/{answer.json()['id']}"
    body: dict[str, Any] = answer.json()
    return body


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
    body: dict[str, Any] = answer.json()
    return body


async def render_all(settings: Settings, database: Database, renderer: Renderer) -> None:
    while await render_next(settings, database, renderer):
        pass


@pytest.mark.parametrize("layout", ["party", "state"])
async def test_a_report_is_asked_for_made_and_read(
    caller: Caller, plan: Story, settings: Settings, database: Database, renderer: Renderer, layout: str
) -> None:
    job = await ask(caller, plan, layout=layout, period="quarter:2024-4", as_of="2024-12-14")
    assert (job["status"], job["progress"], job["content"]) == ("queued", 0, None)
    assert problem(await caller.get(f"/v1/reports/{job['id']}/content"), 409)["code"] == "report_not_ready"
    await render_all(settings, database, renderer)
    done = (await caller.get(f"/v1/reports/{job['id']}")).json()
    assert (done["status"], done["progress"], done["allowed_actions"]) == ("ready", 100, [])
    content = await caller.get(done["content"])
    assert content.headers["content-type"] == "application/pdf"
    assert len(content.content) == done["size_bytes"]
    reader = pypdf.PdfReader(io.BytesIO(content.content))
    shown = re.sub(r"\s+", " ", " ".join(page.extract_text() for page in reader.pages))
    for phrase in ("BÁO CÁO", "II. KẾT QUẢ THỰC HIỆN", "quý IV năm 2024", "Rà soát, giải quyết vướng mắc"):
        assert phrase in shown
    linked = [str(a.get_object()["/A"]["/URI"]) for page in reader.pages for a in page.get("/Annots", [])]
    overdue = next(link for link in linked if "figure=overdue" in link)
    listed = await caller.get(overdue.removeprefix("http://lienvung.test"))
    assert [item["lead_name"] for item in listed.json()["items"]] == ["UBND thành phố Chí Linh"]


async def test_the_json_says_the_same_with_links_that_list_what_its_figures_count(
    caller: Caller, plan: Story, settings: Settings, database: Database, renderer: Renderer
) -> None:
    job = await ask(caller, plan, format="json", layout="party", as_of="2024-12-20")
    await render_all(settings, database, renderer)
    content = await caller.get(f"/v1/reports/{job['id']}/content")
    assert content.headers["content-type"] == "application/json"
    document = json.loads(content.content)
    assert document["figures"]["total"]["count"] == 4
    assert document["letterhead"]["issuer"] == "THỊ ỦY ĐÔNG TRIỀU"
    for figure in document["figures"].values():
        listed = (await caller.get(figure["tasks"])).json()["items"]
        assert len(listed) == figure["count"]
    assert [row["link"] for row in document["annex"]["rows"]] == [
        f"/v1/tasks/{row['id']}" for row in document["annex"]["rows"]
    ]


async def test_progress_is_streamed_until_the_report_is_ready(
    caller: Caller, plan: Story, settings: Settings, database: Database, renderer: Renderer
) -> None:
    job = await ask(caller, plan)
    streaming = asyncio.create_task(caller.get(f"/v1/reports/{job['id']}/events"))
    await asyncio.sleep(0.15)
    await render_all(settings, database, renderer)
    answer = await asyncio.wait_for(streaming, 20)
    assert answer.headers["content-type"].startswith("text/event-stream")
    told = [json.loads(line.removeprefix("data: ")) for line in answer.text.splitlines() if line.startswith("data: ")]
    assert told[0]["status"] == "queued"
    assert (told[-1]["status"], told[-1]["progress"]) == ("ready", 100)
    assert told[-1]["content"] == f"/v1/reports/{job['id']}/content"
    assert [event["version"] for event in told] == sorted({event["version"] for event in told})


async def test_a_stream_of_a_report_that_ended_ends_at_once(caller: Caller, plan: Story) -> None:
    job = await ask(caller, plan)
    await caller.post(f"/v1/reports/{job['id']}/cancel", headers={"If-Match": "*"})
    answer = await caller.get(f"/v1/reports/{job['id']}/events")
    assert answer.text.count("event: progress") == 1


async def test_a_stream_of_a_report_ends_when_the_server_stops(
    caller: Caller, plan: Story, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await ask(caller, plan)
    stopping = asyncio.Event()
    monkeypatch.setattr(app.state, "stopping", stopping, raising=False)
    streaming = asyncio.create_task(caller.get(f"/v1/reports/{job['id']}/events"))
    await asyncio.sleep(0.15)
    assert not streaming.done()
    stopping.set()
    answer = await asyncio.wait_for(streaming, 5)
    assert answer.text.count("event: progress") == 1


async def test_nobody_outside_of_the_organization_sees_a_report(
    caller: Caller, call: Call, plan: Story, settings: Settings, database: Database, renderer: Renderer
) -> None:
    job = await ask(caller, plan)
    await render_all(settings, database, renderer)
    for body in (plan.outsider, plan.committees[1], plan.people[0]):
        other = call(body, "leader")
        for path in (job["id"], f"{job['id']}/content", f"{job['id']}/events"):
            assert problem(await other.get(f"/v1/reports/{path}"), 404)["code"] == "report_not_found"
        answer = await other.post(f"/v1/reports/{job['id']}/cancel", headers={"If-Match": "*"})
        assert problem(answer, 404)["code"] == "report_not_found"
        assert job["id"] not in [item["id"] for item in (await other.get("/v1/reports")).json()["items"]]


async def test_an_agreement_of_others_does_not_exist(call: Call, plan: Story) -> None:
    answer = await call(plan.outsider, "leader").post("/v1/reports", wanted(plan))
    assert problem(answer, 404)["code"] == "agreement_not_found"


async def test_a_viewer_reads_and_does_not_ask(call: Call, caller: Caller, plan: Story) -> None:
    viewer = call(plan.issuer, "viewer")
    assert problem(await viewer.post("/v1/reports", wanted(plan)), 403)["code"] == "report_forbidden"
    job = await ask(caller, plan)
    seen = await viewer.get(f"/v1/reports/{job['id']}")
    assert (seen.status_code, seen.json()["allowed_actions"]) == (200, [])
    answer = await viewer.post(f"/v1/reports/{job['id']}/cancel", headers={"If-Match": "*"})
    assert problem(answer, 403)["code"] == "report_forbidden"


async def test_a_district_system_does_what_its_scopes_say(call: Call, plan: Story) -> None:
    reading = call(plan.issuer, scopes=("reports:read",))
    assert (await reading.get("/v1/reports")).status_code == 200
    problem(await reading.post("/v1/reports", wanted(plan)), 403)
    writing = call(plan.issuer, scopes=("reports:write",))
    assert (await writing.post("/v1/reports", wanted(plan))).status_code == 202
    problem(await writing.get("/v1/reports"), 403)


async def test_an_account_without_an_organization_gets_404(call: Call, plan: Story) -> None:
    operator = call(None, "operator")
    assert problem(await operator.get("/v1/reports"), 404)["code"] == "report_not_found"
    assert problem(await operator.post("/v1/reports", wanted(plan)), 404)["code"] == "report_not_found"


async def test_a_report_is_cancelled_on_the_state_that_was_read(caller: Caller, plan: Story) -> None:
    job = await ask(caller, plan)
    path = f"/v1/reports/{job['id']}"
    problem(await caller.post(f"{path}/cancel"), 428)
    stale = problem(await caller.post(f"{path}/cancel", headers={"If-Match": '"v0"'}), 412)
    assert stale["code"] == "precondition_failed"
    tag = (await caller.get(path)).headers["etag"]
    cancelled = await caller.post(f"{path}/cancel", headers={"If-Match": tag})
    assert cancelled.json()["status"] == "cancelled"
    again = problem(await caller.post(f"{path}/cancel", headers={"If-Match": "*"}), 409)
    assert (again["code"], again["possible"]) == ("invalid_transition", [])


async def test_the_same_key_asks_once(caller: Caller, plan: Story) -> None:
    headers = {"Idempotency-Key": str(new_id())}
    first = await caller.post("/v1/reports", wanted(plan), headers)
    again = await caller.post("/v1/reports", wanted(plan), headers)
    assert (again.json(), again.headers["location"]) == (first.json(), first.headers["location"])
    assert again.headers["idempotency-replayed"] == "true"
    assert problem(await caller.post("/v1/reports", wanted(plan, number="9"), headers), 422)


async def test_a_poll_without_news_is_cheap(caller: Caller, plan: Story) -> None:
    job = await ask(caller, plan)
    first = await caller.get(f"/v1/reports/{job['id']}")
    again = await caller.get(f"/v1/reports/{job['id']}", {"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_reports_are_listed_newest_first_in_pages(caller: Caller, plan: Story) -> None:
    asked = [(await ask(caller, plan))["id"] for _ in range(5)]
    first = await caller.get("/v1/reports", limit=3, agreement_id=plan.plan.id)
    rest = await caller.get("/v1/reports", limit=3, cursor=first.json()["next_cursor"])
    listed = [item["id"] for page in (first, rest) for item in page.json()["items"]]
    assert listed[:5] == asked[::-1]
    assert first.headers["link"].endswith('rel="next"')
    only = (await caller.get("/v1/reports", status="queued", limit=200)).json()["items"]
    assert {item["status"] for item in only} == {"queued"}
    assert problem(await caller.get("/v1/reports", cursor="AAAA"), 400)["code"] == "invalid_cursor"


@pytest.mark.parametrize(
    ("values", "pointer"),
    [
        ({"period": "quarter:2024-5"}, "/period"),
        ({"period": "next year"}, "/period"),
        ({"period": {"kind": "quarter"}}, "/period"),
        ({"period": {"from": "2024-02-01", "to": "2024-01-01"}}, "/period"),
        ({"period": {"kind": "quarter", "year": 2024, "index": 1, "from": "2024-01-01"}}, "/period"),
        ({"period": {"kind": "fortnight", "year": 2024}}, "/period/kind"),
        ({"period": {"from": "0001-01-01", "to": "2024-01-01"}}, "/period/from"),
        ({"period": "annual:2199"}, "/period"),
        ({"as_of": "2199-01-01"}, "/as_of"),
        ({"as_of": 7}, "/as_of"),
        ({"as_of": "2024-01-01", "period": "quarter:2024-4"}, "/period"),
        ({"layout": "poster"}, "/layout"),
        ({"format": "docx"}, "/format"),
        ({"language": "en"}, "/language"),
        ({"place": ""}, "/place"),
        ({"place": "a\u0000b"}, "/place"),
        ({"issued_on": "9999999-01-01"}, "/issued_on"),
        ({"signer": {"name": 1}}, "/signer/name"),
        ({"agreement_id": "x"}, "/agreement_id"),
        ({"colour": "red"}, "/colour"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_queued(
    caller: Caller, plan: Story, values: dict[str, Any], pointer: str
) -> None:
    before = (await caller.get("/v1/reports", limit=1)).json()["items"]
    body = problem(await caller.post("/v1/reports", wanted(plan, **values)), 422)
    assert [error["pointer"] for error in body["errors"]] == [pointer]
    assert (await caller.get("/v1/reports", limit=1)).json()["items"] == before


async def test_a_report_without_a_period_begins_with_the_agreement(caller: Caller, plan: Story) -> None:
    job = await ask(caller, plan, as_of="2024-12-20")
    assert job["period"] == {
        "label": "từ ngày 18/10/2024 đến ngày 20/12/2024",
        "from": "2024-10-18",
        "to": "2024-12-20",
    }
    assert job["as_of"] == "2024-12-20T23:59:59.999999+07:00" or job["as_of"] == "2024-12-20T16:59:59.999999Z"


async def test_the_outbox_tells_of_a_report_asked_for_and_ready(
    caller: Caller, plan: Story, settings: Settings, database: Database, renderer: Renderer
) -> None:
    job = await ask(caller, plan)
    await render_all(settings, database, renderer)
    async with database.read(SYSTEM) as connection:
        rows = await connection.fetch(
            "select type, key, payload::text as payload from outbox where aggregate_id = $1 order by id", job["id"]
        )
    assert [row["type"] for row in rows] == ["vn.lienvung.report.requested.v1", "vn.lienvung.report.ready.v1"]
    assert {row["key"] for row in rows} == {str(plan.plan.id)}
    assert json.loads(rows[1]["payload"])["data"]["members"] == [str(plan.issuer.id)]


async def test_while_the_projections_are_made_again_an_unknown_agreement_is_not_denied(
    caller: Caller, plan: Story, database: Database
) -> None:
    async with database.transaction(SYSTEM) as session:
        connection = await session.connection()
        await connection.exec_driver_sql("update projection_state set complete_until = '-infinity'")
    answer = await caller.post("/v1/reports", wanted(plan, agreement_id=str(new_id())))
    assert problem(answer, 503)["code"] == "being_rebuilt"
    assert answer.headers["retry-after"]
