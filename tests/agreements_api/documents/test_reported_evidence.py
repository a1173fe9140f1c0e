"""Evidence that a progress report names: what can be named, where it shows, and that it stays."""

import asyncio
from uuid import UUID, uuid4

import orjson
import pytest

from agreements_api.policy import Role
from shared import clock
from tests.agreements_api.agreements.world import REPORT, Json, World, accepted, pointers, problem
from tests.agreements_api.documents.files import attached, download, pdf
from tests.agreements_api.obstacles.raising import raised

EVERY = {"If-Match": "*"}


def as_named(*documents: Json) -> list[Json]:
    names = ("name", "media_type", "size", "digest")
    return [{"document_id": one["id"]} | {name: one[name] for name in names} for one in documents]


def naming(*documents: Json, **more: object) -> Json:
    return REPORT | {"evidence_ids": [one["id"] for one in documents]} | more


def task_of(path: str) -> tuple[str, str]:
    return "task", path.rsplit("/", 1)[1]


async def test_it_shows_with_the_report_in_the_task_the_event_and_history(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    worker = world.specialist("ubnd-dongtrieu")
    first, second = [await attached(worker, task_of(path), name=f"Ảnh {number}.pdf") for number in "12"]
    task = await worker.step(path, "reports", naming(second, first))
    assert task["last_report"]["evidence"] == as_named(second, first)
    reader = world.person("ubnd-kinhmon", Role.VIEWER)
    [report] = (await reader.read(f"{path}/reports"))["items"]
    assert report["evidence"] == as_named(second, first)
    event = (await world.registry.outbox(UUID(task["id"])))[-1]
    assert event["type"] == "vn.lienvung.task.progress_reported.v1"
    assert event["data"]["evidence"] == event["data"]["task"]["last_report"]["evidence"] == as_named(second, first)
    [entry, *_] = (await reader.read(f"{path}/history"))["items"]
    told = {change["field"]: change["to"] for change in entry["changes"]}
    assert told[f"evidence/{first['id']}"] == "Ảnh 1.pdf"
    # The chain of history vouches for the digests.
    [row] = await world.rows(
        "select state from history where subject_id = $1 order by version desc limit 1", UUID(task["id"])
    )
    assert orjson.loads(row["state"])["last_report"]["evidence"] == as_named(second, first)
    proof = await world.person("dongtrieu").read(f"/v1/agreements/{plan['id']}/history/verification")
    assert proof["valid"]


async def test_a_report_without_evidence_names_none(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    worker = world.specialist("ubnd-dongtrieu")
    await attached(worker, task_of(path))
    task = await worker.step(path, "reports", REPORT)
    assert task["last_report"]["evidence"] == []
    assert [report["evidence"] for report in (await worker.read(f"{path}/reports"))["items"]] == [[]]


async def test_it_comes_from_the_task_its_reports_and_its_obstacles(world: World, plan: Json) -> None:
    obstacle, _ = await raised(world, plan)
    path, worker = f"/v1/tasks/{obstacle['task_id']}", world.specialist("ubnd-dongtrieu")
    await worker.step(path, "reports", REPORT)
    [report] = (await worker.read(f"{path}/reports"))["items"]
    documents = [
        await attached(world.specialist("ubnd-kinhmon"), task_of(path)),
        await attached(worker, ("report", report["id"])),
        await attached(world.specialist("ubnd-kinhmon"), ("obstacle", obstacle["id"])),
    ]
    task = await worker.step(path, "reports", naming(*documents, percent=50))
    assert task["last_report"]["evidence"] == as_named(*documents)
    latest = (await worker.read(f"{path}/reports"))["items"][0]
    listed = (await worker.read(f"{path}/evidence", report_id=latest["id"]))["items"]
    assert {one["id"] for one in listed} == {one["id"] for one in documents}


async def test_what_cannot_be_named_is_told_by_its_place(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    worker = world.specialist("ubnd-dongtrieu")
    good, gone = [await attached(worker, task_of(path)) for _ in range(2)]
    await worker.delete(f"/v1/documents/{gone['id']}", **EVERY)
    of_the_agreement = await attached(world.specialist("chilinh"), ("agreement", plan["id"]))
    of_another = await attached(worker, task_of(await world.under_way(plan)))
    stranger = world.specialist("elsewhere")
    draft = accepted(await stranger.post("/v1/agreements", {"instrument": "plan", "title": "Dự thảo (minh họa)"}), 201)
    unseen = await attached(stranger, ("agreement", draft["id"]))
    ids = [good["id"], str(uuid4()), of_the_agreement["id"], of_another["id"], unseen["id"], gone["id"], good["id"]]
    before = (await worker.get(path)).headers["etag"]
    answer = await worker.act(path, "reports", REPORT | {"evidence_ids": ids})
    found = problem(answer, 422)
    assert [(error["pointer"], error["code"]) for error in found["errors"]] == [
        *((f"/evidence_ids/{at}", "unknown_reference") for at in (1, 2, 3, 4)),
        ("/evidence_ids/5", "document_removed"),
        ("/evidence_ids/6", "named_twice"),
    ]
    assert (await worker.get(path)).headers["etag"] == before
    assert (await worker.read(f"{path}/reports"))["items"] == []


async def test_no_more_are_named_than_somebody_reads(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    body = REPORT | {"evidence_ids": [str(uuid4()) for _ in range(51)]}
    found = problem(await world.specialist("ubnd-dongtrieu").act(path, "reports", body), 422)
    assert pointers(found) == ["/evidence_ids"]


@pytest.mark.parametrize("state", ["pending", "infected", "error"])
async def test_what_the_scan_holds_is_no_evidence(world: World, plan: Json, state: str) -> None:
    path = await world.under_way(plan)
    worker = world.specialist("ubnd-dongtrieu")
    document = await attached(worker, task_of(path))
    await world.rows("update document_content set state = $2 where digest = $1", document["digest"], state)
    found = problem(await worker.act(path, "reports", naming(document)), 422)
    assert [(error["pointer"], error["code"]) for error in found["errors"]] == [("/evidence_ids/0", "document_held")]
    await world.rows("update document_content set state = 'clean' where digest = $1", document["digest"])
    await worker.step(path, "reports", naming(document))


async def test_what_a_report_names_is_kept_wherever_it_is_attached(world: World, plan: Json) -> None:
    """Also where nothing else would keep it: evidence of an obstacle, named by the correction of an old report."""
    obstacle, _ = await raised(world, plan)
    path, worker = f"/v1/tasks/{obstacle['task_id']}", world.specialist("ubnd-dongtrieu")
    await worker.step(path, "reports", REPORT)
    await worker.step(path, "reports", REPORT | {"percent": 60})
    [_, old] = (await worker.read(f"{path}/reports"))["items"]
    raiser = world.specialist("ubnd-kinhmon")
    photo, other = [await attached(raiser, ("obstacle", obstacle["id"])) for _ in range(2)]
    later = await attached(worker, task_of(path))
    task = await worker.step(path, "reports", naming(photo, later, corrects=old["id"]))
    assert task["last_report"]["evidence"] == []
    for person, document in ((raiser, photo), (worker, later)):
        assert (await person.read(f"/v1/documents/{document['id']}"))["allowed_actions"] == ["download"]
        problem(await person.delete(f"/v1/documents/{document['id']}", **EVERY), 409, "document_kept")
    assert (await raiser.delete(f"/v1/documents/{other['id']}", **EVERY)).status_code == 204
    assert (await download(raiser, photo["id"])).status_code == 200


@pytest.mark.parametrize("kind", ["task", "obstacle"])
async def test_a_removal_meets_the_report_that_names_it(world: World, plan: Json, kind: str) -> None:
    """Either it was gone and is not named, or it is named and stays."""
    raiser, worker = world.specialist("ubnd-kinhmon"), world.specialist("ubnd-dongtrieu")
    for _ in range(5):
        obstacle, _path = await raised(world, plan)
        path = f"/v1/tasks/{obstacle['task_id']}"
        subject = ("obstacle", obstacle["id"]) if kind == "obstacle" else task_of(path)
        document = await attached(raiser, subject)
        removed, reported = await asyncio.gather(
            raiser.delete(f"/v1/documents/{document['id']}", **EVERY),
            worker.act(path, "reports", naming(document)),
        )
        reports = (await worker.read(f"{path}/reports"))["items"]
        if removed.status_code == 204:
            assert pointers(problem(reported, 422)) == ["/evidence_ids/0"]
            assert reports == []
        else:
            problem(removed, 409, "document_kept")
            accepted(reported, 201)
            assert [one["evidence"] for one in reports] == [as_named(document)]


async def test_evidence_that_a_report_named_is_what_it_named(world: World, plan: Json) -> None:
    """The application itself cannot write it anew, nor take it away."""
    path = await world.under_way(plan)
    worker = world.specialist("ubnd-dongtrieu")
    document = await attached(worker, task_of(path))
    await worker.step(path, "reports", naming(document))
    granted = await world.rows(
        "select privilege_type from information_schema.role_table_grants"
        " where table_name = 'task_report_evidence' and grantee = 'agreements_app' order by 1"
    )
    assert [row["privilege_type"] for row in granted] == ["INSERT", "SELECT"]


async def test_the_past_names_what_was_named_then(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    worker = world.specialist("ubnd-dongtrieu")
    first, second = [await attached(worker, task_of(path)) for _ in range(2)]
    await worker.step(path, "reports", naming(first))
    instant = clock.now().isoformat()
    await worker.step(path, "reports", naming(second, percent=60))
    was = await worker.read(path, as_of=instant)
    assert was["last_report"]["evidence"] == as_named(first)
    listed = (await worker.read(f"{path}/reports", as_of=instant))["items"]
    assert [one["evidence"] for one in listed] == [as_named(first)]


async def test_the_next_report_is_drafted_with_what_came_since_the_last(world: World, plan: Json) -> None:
    obstacle, _ = await raised(world, plan)
    path, worker = f"/v1/tasks/{obstacle['task_id']}", world.specialist("ubnd-dongtrieu")
    before = await attached(worker, task_of(path))
    assert (await worker.read(f"{path}/reports/draft"))["evidence_ids"] == [before["id"]]
    await worker.step(path, "reports", naming(before))
    assert (await worker.read(f"{path}/reports/draft"))["evidence_ids"] == []
    photo = await attached(worker, task_of(path), pdf("mới"))
    of_obstacle = await attached(worker, ("obstacle", obstacle["id"]))
    held = await attached(worker, task_of(path))
    await world.rows("update document_content set state = 'pending' where digest = $1", held["digest"])
    drafted = await worker.read(f"{path}/reports/draft")
    assert drafted["evidence_ids"] == [photo["id"], of_obstacle["id"]]
    sent = {name: drafted[name] for name in ("period_start", "period_end", "narrative", "difficulties")}
    body = sent | {"percent": 60, "evidence_ids": drafted["evidence_ids"]}
    accepted(await worker.act(path, "reports", body), 201)


async def test_evidence_is_named_in_bulk_and_refused_by_its_place(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    worker = world.specialist("ubnd-dongtrieu")
    document = await attached(worker, task_of(path))
    change = {"action": "report", "task_id": path.rsplit("/", 1)[1], "if_match": "*"} | naming(document)
    wrong = change | {"evidence_ids": [document["id"], str(uuid4())]}
    answer = await worker.post("/v1/tasks/bulk", {"changes": [wrong]})
    assert pointers(problem(answer, 422)) == ["/changes/0/evidence_ids/1"]
    accepted(await worker.post("/v1/tasks/bulk", {"changes": [change]}), 200)
    [report] = (await worker.read(f"{path}/reports"))["items"]
    assert report["evidence"] == as_named(document)
