"""A document's way from the upload to the tombstone: who sees it, who removes it, and what is kept."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from fastapi import FastAPI

from agreements_api.documents.service import was_there
from agreements_api.policy import Role
from tests.agreements_api.agreements.world import REPORT, Json, World, accepted, pointers, problem
from tests.agreements_api.documents.files import attached, download, pdf, send

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


async def test_a_document_is_attached_read_downloaded_and_removed(world: World, plan: Json) -> None:
    content = pdf()
    person = world.specialist("chilinh")
    document = await attached(person, ("agreement", plan["id"]), content, description="Bản chụp")
    path = f"/v1/documents/{document['id']}"
    assert await person.read(path) == document
    assert document["allowed_actions"] == ["download", "remove"]
    assert (document["scan"]["state"], document["description"]) == ("not_scanned", "Bản chụp")
    answer = await download(person, document["id"])
    assert answer.content == content
    seen = await person.get(path)
    answer = await person.delete(f"{path}?reason=Nhầm", **{"If-Match": seen.headers["etag"]})
    assert answer.status_code == 204, answer.text
    tombstone = await person.read(path)
    assert tombstone == document | {
        "version": 2,
        "allowed_actions": [],
        "removed_at": tombstone["removed_at"],
        "removed_by": person.actor.name,
        "removal_reason": "Nhầm",
    }
    problem(await person.get(f"{path}/link"), 410, "document_removed")
    again = await person.delete(path, **{"If-Match": "*"})
    problem(again, 409, "already_removed")


async def test_a_download_says_what_it_is_and_lets_no_browser_guess(world: World, plan: Json) -> None:
    person = world.person("chilinh")
    document = await attached(person, ("agreement", plan["id"]), "Ghi chú".encode(), name="Ghi chú số 1.txt")
    answer = await download(person, document["id"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"Ghi chu so 1.txt\"; filename*=UTF-8''Ghi%20ch%C3%BA%20s%E1%BB%91%201.txt"
    )
    assert answer.headers["cache-control"] == "private, no-store"
    assert answer.headers["etag"] == f'"{document["digest"]}"'


async def test_a_download_that_broke_off_is_continued(world: World, plan: Json) -> None:
    person = world.person("chilinh")
    content = pdf().ljust(1_000_000, b"x")
    document = await attached(person, ("agreement", plan["id"]), content)
    whole = await download(person, document["id"])
    part = await download(person, document["id"], Range="bytes=10-19")
    assert (part.status_code, part.content) == (206, content[10:20])
    assert part.headers["content-range"] == "bytes 10-19/1000000"
    rest = await download(person, document["id"], Range="bytes=999990-", **{"If-Range": whole.headers["etag"]})
    assert (rest.status_code, rest.content) == (206, content[-10:])
    other = await download(person, document["id"], Range="bytes=10-19", **{"If-Range": '"other"'})
    assert (other.status_code, other.content) == (200, content)
    outside = await download(person, document["id"], Range="bytes=1000000-")
    problem(outside, 416, "range_not_satisfiable")
    assert outside.headers["content-range"] == "bytes */1000000"
    same = await download(person, document["id"], **{"If-None-Match": whole.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")


async def test_a_link_ends_with_the_access_that_it_was_given_for(world: World) -> None:
    """Whoever is a member no longer has no use for the links that he kept."""
    plan = await world.plan()
    person = world.person("chilinh")
    document = await attached(person, ("agreement", plan["id"]))
    link = (await person.read(f"/v1/documents/{document['id']}/link"))["url"].removeprefix("http://127.0.0.1:8080")
    assert (await person.http.get(link)).status_code == 200
    await world.rows(
        "delete from agreement_member where agreement_id = $1 and organization_id = $2",
        UUID(plan["id"]),
        world.organizations["chilinh"].id,
    )
    problem(await person.http.get(link), 404)
    forged = link.replace(world.id("chilinh"), world.id("kinhmon"))
    problem(await person.http.get(forged), 403, "link_invalid")
    problem(await person.http.get(f"/v1/documents/{document['id']}/content"), 422)


async def test_a_link_is_not_kept_by_anybody_on_its_way(world: World, plan: Json) -> None:
    person = world.person("chilinh")
    document = await attached(person, ("agreement", plan["id"]))
    answer = await person.get(f"/v1/documents/{document['id']}/link")
    assert answer.headers["cache-control"] == "no-store"
    assert datetime.fromisoformat(answer.json()["expires_at"]) - datetime.now(UTC) < timedelta(minutes=6)  # noqa: TID251


async def test_everybody_in_the_agreement_reads_it_and_nobody_else(world: World, plan: Json) -> None:
    document = await attached(world.person("chilinh"), ("agreement", plan["id"]))
    path = f"/v1/documents/{document['id']}"
    assert (await world.person("haiduong", Role.VIEWER).read(path))["allowed_actions"] == ["download"]
    assert (await world.client("kinhmon", "documents:read").read(path))["id"] == document["id"]
    for step in ("", "/link"):
        problem(await world.person("elsewhere").get(path + step), 404)
        problem(await world.client("kinhmon", "agreements:read").get(path + step), 403)


async def test_an_unchanged_document_is_not_sent_again(world: World, plan: Json) -> None:
    person = world.person("chilinh")
    document = await attached(person, ("agreement", plan["id"]))
    path = f"/v1/documents/{document['id']}"
    seen = await person.get(path)
    assert (await person.get(path, headers={"If-None-Match": seen.headers["etag"]})).status_code == 304


async def test_only_ones_own_organisations_documents_are_removed(world: World, plan: Json) -> None:
    document = await attached(world.person("chilinh"), ("agreement", plan["id"]))
    path = f"/v1/documents/{document['id']}"
    every = {"If-Match": "*"}
    problem(await world.person("elsewhere").delete(path, **every), 404)
    problem(await world.person("kinhmon").delete(path, **every), 403)
    problem(await world.person("chilinh", Role.VIEWER).delete(path, **every), 403)
    problem(await world.client("chilinh", "documents:read").delete(path, **every), 403)
    problem(await world.person("chilinh").delete(path), 428)
    problem(await world.person("chilinh").delete(path, **{"If-Match": '"v7"'}), 412)
    assert (await world.client("chilinh", "documents:write").delete(path, **every)).status_code == 204


async def test_whose_place_another_one_took_reads_and_removes_nothing(world: World) -> None:
    plan = await world.plan()
    person = world.person("chilinh")
    document = await attached(person, ("agreement", plan["id"]))
    await world.rows(
        "update agreement_member set relation = 'former' where agreement_id = $1 and organization_id = $2",
        UUID(plan["id"]),
        world.organizations["chilinh"].id,
    )
    path = f"/v1/documents/{document['id']}"
    assert (await person.read(path))["allowed_actions"] == ["download"]
    problem(await person.delete(path, **{"If-Match": "*"}), 403)
    problem(await send(person, ("agreement", plan["id"])), 403)


async def test_two_removals_at_once_are_one(world: World, plan: Json) -> None:
    person = world.person("chilinh")
    document = await attached(person, ("agreement", plan["id"]))
    path = f"/v1/documents/{document['id']}"
    answers = await asyncio.gather(*(person.delete(path, **{"If-Match": '"v1"'}) for _ in range(3)))
    assert sorted(answer.status_code for answer in answers) == [204, 412, 412]
    events = [event for event in await world.registry.outbox(UUID(document["id"])) if "removed" in event["type"]]
    assert len(events) == 1


async def test_what_was_removed_can_be_attached_again(world: World, plan: Json) -> None:
    person, content = world.person("chilinh"), pdf()
    first = await attached(person, ("agreement", plan["id"]), content)
    await person.delete(f"/v1/documents/{first['id']}", **{"If-Match": "*"})
    again = await attached(person, ("agreement", plan["id"]), content)
    assert again["digest"] == first["digest"]
    assert (await download(person, again["id"])).content == content


async def test_what_lay_under_a_text_when_it_was_opened_for_signature_is_kept(world: World) -> None:
    draft = await world.draft()
    person = world.person("dongtrieu")
    subject = ("agreement", draft["id"])
    before = await attached(person, subject)
    removable = await person.read(f"/v1/documents/{before['id']}")
    assert removable["allowed_actions"] == ["download", "remove"]
    await person.step(f"/v1/agreements/{draft['id']}", "open")
    kept = await person.read(f"/v1/documents/{before['id']}")
    assert kept["allowed_actions"] == ["download"]
    problem(await person.delete(f"/v1/documents/{before['id']}", **{"If-Match": "*"}), 409, "document_kept")
    after = await attached(person, subject)
    listed = (await person.read("/v1/documents", subject_id=draft["id"]))["items"]
    assert [item["allowed_actions"] for item in listed] == [["download", "remove"], ["download"]]
    assert (await person.delete(f"/v1/documents/{after['id']}", **{"If-Match": "*"})).status_code == 204


async def test_evidence_of_a_reported_progress_is_kept(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    task_id = path.rsplit("/", 1)[1]
    worker = world.specialist("ubnd-dongtrieu")
    before = await attached(worker, ("task", task_id))
    await worker.step(path, "reports", REPORT)
    [report] = (await worker.read(f"{path}/reports"))["items"]
    evidence = await attached(worker, ("report", report["id"]))
    later = await attached(worker, ("task", task_id))
    every = {"If-Match": "*"}
    for document in (before, evidence):
        problem(await worker.delete(f"/v1/documents/{document['id']}", **every), 409, "document_kept")
    assert (await worker.delete(f"/v1/documents/{later['id']}", **every)).status_code == 204
    latest = await attached(worker, ("task", task_id))
    await worker.step(path, "submit")
    # Others confirm on the ground of what they see now.
    problem(await worker.delete(f"/v1/documents/{latest['id']}", **every), 409, "document_kept")


async def test_a_removal_meets_a_report(world: World, plan: Json) -> None:
    """Either it was gone before progress was reported, or it is kept."""
    worker = world.specialist("ubnd-dongtrieu")
    for _ in range(4):
        path = await world.under_way(plan)
        document = await attached(worker, ("task", path.rsplit("/", 1)[1]))
        removed, reported = await asyncio.gather(
            worker.delete(f"/v1/documents/{document['id']}", **{"If-Match": "*"}),
            worker.act(path, "reports", REPORT),
        )
        accepted(reported, 200, 201)
        seen = await worker.read(f"/v1/documents/{document['id']}")
        [report] = (await worker.read(f"{path}/reports"))["items"]
        if removed.status_code == 204:
            assert seen["removed_at"] is not None
        else:
            problem(removed, 409, "document_kept")
            assert report["reported_at"] >= seen["created_at"]
            assert seen["removed_at"] is None


@pytest.mark.parametrize(
    ("kept_until", "kept"),
    [(None, False), (LONG_AGO, False), (LONG_AGO + timedelta(days=2), True), (LONG_AGO + timedelta(days=1), True)],
)
def test_what_was_there_by_then_is_kept(kept_until: datetime | None, kept: bool) -> None:
    assert was_there(LONG_AGO + timedelta(days=1), kept_until) is kept


async def test_evidence_is_listed_by_task_and_by_report(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    task_id = path.rsplit("/", 1)[1]
    worker = world.specialist("ubnd-dongtrieu")
    of_task = await attached(worker, ("task", task_id))
    await worker.step(path, "reports", REPORT)
    [report] = (await worker.read(f"{path}/reports"))["items"]
    of_report = await attached(worker, ("report", report["id"]))
    reader = world.person("ubnd-kinhmon", Role.VIEWER)
    assert [item["id"] for item in (await reader.read(f"{path}/evidence"))["items"]] == [
        of_report["id"],
        of_task["id"],
    ]
    assert {item["task_id"] for item in (await reader.read(f"{path}/evidence"))["items"]} == {task_id}
    only = await reader.read(f"{path}/evidence", report_id=report["id"])
    assert [item["id"] for item in only["items"]] == [of_report["id"]]
    problem(await world.person("elsewhere").get(f"{path}/evidence"), 404)


async def test_a_document_becomes_evidence_elsewhere_without_being_sent_again(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    worker = world.specialist("ubnd-dongtrieu")
    original = await attached(world.person("chilinh"), ("agreement", plan["id"]), description="Biên bản")
    await worker.step(path, "reports", REPORT)
    [report] = (await worker.read(f"{path}/reports"))["items"]
    body = {"document_id": original["id"], "report_id": report["id"]}
    evidence = accepted(await worker.post(f"{path}/evidence", body), 201)
    assert {name: evidence[name] for name in ("digest", "name", "size", "description", "media_type")} == {
        name: original[name] for name in ("digest", "name", "size", "description", "media_type")
    }
    assert (evidence["subject_kind"], evidence["subject_id"]) == ("report", report["id"])
    assert evidence["organization_id"] == world.id("ubnd-dongtrieu")
    problem(await worker.post(f"{path}/evidence", body), 409, "already_attached")
    # The first one goes, and its content stays for the second.
    await world.person("chilinh").delete(f"/v1/documents/{original['id']}", **{"If-Match": "*"})
    assert (await download(worker, evidence["id"])).status_code == 200


async def test_evidence_of_a_report_is_given_by_who_reported(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    worker = world.specialist("ubnd-dongtrieu")
    await worker.step(path, "reports", REPORT)
    [report] = (await worker.read(f"{path}/reports"))["items"]
    coordinating = world.specialist("ubnd-kinhmon")
    problem(await send(coordinating, ("report", report["id"])), 403)
    own = await attached(coordinating, ("task", path.rsplit("/", 1)[1]))
    body = {"document_id": own["id"], "report_id": report["id"]}
    problem(await coordinating.post(f"{path}/evidence", body), 403)
    accepted(await worker.post(f"{path}/evidence", body), 201)


@pytest.mark.parametrize("field", ["document_id", "report_id"])
async def test_evidence_that_is_not_there_is_named(world: World, plan: Json, field: str) -> None:
    path = await world.under_way(plan)
    document = await attached(world.person("chilinh"), ("agreement", plan["id"]))
    body = {"document_id": document["id"]} | {field: str(uuid4())}
    answer = await world.specialist("ubnd-dongtrieu").post(f"{path}/evidence", body)
    assert pointers(problem(answer, 422)) == [f"/{field}"]


async def test_a_removed_document_is_no_evidence(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    person = world.person("chilinh")
    document = await attached(person, ("agreement", plan["id"]))
    await person.delete(f"/v1/documents/{document['id']}", **{"If-Match": "*"})
    answer = await world.specialist("ubnd-dongtrieu").post(f"{path}/evidence", {"document_id": document["id"]})
    assert pointers(problem(answer, 422)) == ["/document_id"]


async def test_a_cancelled_task_takes_no_documents(world: World, plan: Json) -> None:
    path = await world.under_way(plan)
    await world.person("dongtrieu").step(path, "cancel", {"reason": "Trùng lặp"})
    worker = world.specialist("ubnd-dongtrieu")
    problem(await send(worker, ("task", path.rsplit("/", 1)[1])), 409, "task_cancelled")


async def test_a_list_is_walked_by_cursors_and_hides_what_was_removed(world: World) -> None:
    plan = await world.plan()
    person = world.person("chilinh")
    documents = [(await attached(person, ("agreement", plan["id"])))["id"] for _ in range(5)]
    await person.delete(f"/v1/documents/{documents[2]}", **{"If-Match": "*"})

    async def walked(**query: Any) -> list[str]:
        found: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = await person.read("/v1/documents", limit=2, **query, **cursor)
            found += [item["id"] for item in page["items"]]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    newest_first = documents[::-1]
    left = [document for document in newest_first if document != documents[2]]
    assert await walked(agreement_id=plan["id"]) == left
    assert await walked(subject_id=plan["id"]) == left
    assert await walked(subject_id=plan["id"], removed="true") == newest_first


async def test_a_list_is_of_one_thing_that_the_caller_sees(world: World, plan: Json) -> None:
    person = world.person("chilinh")
    neither: Json = {}
    both: Json = {"agreement_id": plan["id"], "subject_id": plan["id"]}
    for query in (neither, both):
        assert pointers(problem(await person.get("/v1/documents", **query), 422)) == ["/query/agreement_id"]
    empty = await world.task(plan)
    assert (await person.read("/v1/documents", subject_id=empty["id"]))["items"] == []
    missing: list[Json] = [{"agreement_id": str(uuid4())}, {"subject_id": str(uuid4())}]
    for query in missing:
        problem(await person.get("/v1/documents", **query), 404)
    present: list[Json] = [{"agreement_id": plan["id"]}, {"subject_id": empty["id"]}]
    for query in present:
        problem(await world.person("elsewhere").get("/v1/documents", **query), 404)
        problem(await world.client("chilinh", "tasks:read").get("/v1/documents", **query), 403)


async def test_members_are_told_what_was_added_and_removed_and_nothing_of_what_is_in_it(
    world: World, plan: Json
) -> None:
    person = world.person("chilinh")
    document = await attached(person, ("agreement", plan["id"]), pdf("nội dung riêng"), name="Tờ trình.pdf")
    await person.delete(f"/v1/documents/{document['id']}?reason=Nhầm", **{"If-Match": "*"})
    added, removed = await world.registry.outbox(UUID(document["id"]))
    assert added["type"] == "vn.lienvung.document.added.v1"
    assert (added["subject"], added["partitionkey"]) == (f"documents/{document['id']}", plan["id"])
    told = added["data"]["document"]
    assert {name: told[name] for name in ("name", "digest", "size", "media_type", "subject_kind", "subject_id")} == {
        name: document[name] for name in ("name", "digest", "size", "media_type", "subject_kind", "subject_id")
    }
    assert world.id("kinhmon") in added["data"]["members"]
    assert world.id("elsewhere") not in added["data"]["members"]
    assert "nội dung riêng" not in str(added)
    assert removed["type"] == "vn.lienvung.document.removed.v1"
    assert removed["data"]["version"] == 2
    assert removed["data"]["document"]["removal_reason"] == "Nhầm"


async def test_no_log_tells_what_a_file_is_called(
    world: World, plan: Json, app: FastAPI, capsys: pytest.CaptureFixture[str]
) -> None:
    person = world.person("chilinh")
    document = await attached(person, ("agreement", plan["id"]), name="Nguyen Van Bi Mat.pdf")
    await download(person, document["id"])
    written = [line for line in capsys.readouterr().out.splitlines() if "HTTP Request" not in line]
    assert "Bi Mat" not in "".join(written)
