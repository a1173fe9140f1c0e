"""What can be sent, in which ways, and what is refused of it with words that name the field."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from fastapi import FastAPI

from agreements_api.config import Settings
from agreements_api.policy import Role
from tests.agreements_api.agreements.world import Json, World, accepted, pointers, problem
from tests.agreements_api.documents.files import (
    JPEG,
    PNG,
    archive,
    attached,
    open_document,
    open_xml,
    pdf,
    send,
    send_form,
    stored,
)

LIMIT = 200_000


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """As usual, but for a limit that tests reach sooner."""
    return settings.model_copy(update={"document_limit": LIMIT, "document_uploads_at_once": 3})


@pytest.fixture
def subject(plan: Json) -> tuple[str, str]:
    return "agreement", plan["id"]


async def test_a_form_of_a_page_sends_a_file(world: World, subject: tuple[str, str]) -> None:
    content = open_xml("docx")
    files = ("file", ("Kế hoạch phối hợp.docx", content, "application/octet-stream"))
    document = accepted(await send_form(world.person("chilinh"), subject, files), 201)
    assert document["name"] == "Kế hoạch phối hợp.docx"
    assert document["media_type"].endswith("wordprocessingml.document")
    assert document["size"] == len(content)


async def test_a_program_sends_a_file_as_the_body_and_names_it_in_the_disposition(
    world: World, subject: tuple[str, str]
) -> None:
    person = world.person("chilinh")
    headers = person.unsafe() | {
        "Content-Type": "application/pdf",
        "Content-Disposition": "attachment; filename*=UTF-8''Bi%C3%AAn%20b%E1%BA%A3n.pdf",
    }
    asked = {"subject_kind": subject[0], "subject_id": subject[1]}
    answer = await person.http.post("/v1/documents", params=asked, content=pdf(), headers=headers)
    assert accepted(answer, 201)["name"] == "Biên bản.pdf"


@pytest.mark.parametrize(
    ("content", "name", "kept"),
    [
        (PNG + b"1", "ảnh.PNG", "ảnh.PNG"),
        (JPEG + b"2", "ảnh", "ảnh.jpg"),
        (open_document("odt"), "Biên bản số 1.2", "Biên bản số 1.2.odt"),
        (b"a;b\n1;2\n", "số liệu.csv", "số liệu.csv"),
        ("Ghi chú".encode(), "x" * 255, "x" * 251 + ".txt"),
    ],
    ids=["as it is", "without an extension", "with a number", "table", "long"],
)
async def test_a_name_ends_as_its_type_does(
    world: World, subject: tuple[str, str], content: bytes, name: str, kept: str
) -> None:
    assert (await attached(world.person("chilinh"), subject, content, name=name))["name"] == kept


async def test_the_largest_file_passes_and_one_byte_more_does_not(world: World, subject: tuple[str, str]) -> None:
    largest = pdf().ljust(LIMIT, b"x")
    person = world.person("chilinh")
    assert (await attached(person, subject, largest))["size"] == LIMIT
    over = largest + b"x"

    async def unannounced() -> AsyncIterator[bytes]:
        for at in range(0, len(over), 10_000):
            yield over[at : at + 10_000]

    for body in (over, unannounced()):
        assert problem(await send(person, subject, body), 413, "payload_too_large")["limit"] == LIMIT
    form = await send_form(person, subject, ("file", ("a.pdf", over, "application/pdf")))
    problem(form, 413, "payload_too_large")
    assert (await person.read("/v1/documents", subject_id=subject[1], limit=1))["items"][0]["size"] == LIMIT


@pytest.mark.parametrize(
    "content",
    [
        b"MZ\x90\x00" + b"\0" * 100,
        b"<html><script>1</script>",
        archive(("a.exe", "x")),
        open_xml("docm"),
        b"\xff\xfe\x00",
    ],
    ids=["program", "page", "archive", "macros", "bytes"],
)
async def test_a_content_of_no_type_that_is_taken_is_refused_whatever_it_is_called(
    world: World, subject: tuple[str, str], content: bytes
) -> None:
    answer = await send(world.person("chilinh"), subject, content, name="a.pdf", declared="application/pdf")
    refused = problem(answer, 415, "unsupported_media_type")
    assert "application/pdf" in refused["allowed"]


async def test_a_type_that_is_not_taken_is_refused_before_the_file_is_read(
    world: World, subject: tuple[str, str]
) -> None:
    read = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(10):
            read += 1
            yield b"x"

    answer = await send(world.person("chilinh"), subject, body(), declared="application/x-msdownload")
    problem(answer, 415, "unsupported_media_type")
    assert read == 0


async def test_what_is_said_and_what_it_is_must_agree(world: World, subject: tuple[str, str]) -> None:
    person = world.person("chilinh")
    declared = problem(await send(person, subject, PNG, name="a.png", declared="application/pdf"), 422)
    assert pointers(declared) == ["/header/Content-Type"]
    part = ("file", ("a.png", PNG, "application/pdf"))
    assert pointers(problem(await send_form(person, subject, part), 422)) == ["/file"]
    named = problem(await send(person, subject, PNG, name="a.pdf"), 422)
    assert (pointers(named), named["errors"][0]["code"]) == (["/query/name"], "extension_mismatch")
    disguised = problem(await send_form(person, subject, ("file", ("a.exe", PNG, "image/png"))), 422)
    assert pointers(disguised) == ["/file"]


@pytest.mark.parametrize(
    ("name", "content", "pointer"),
    [
        (None, b"x", "/header/Content-Disposition"),
        ("a\x07.pdf", b"%PDF-1.7", "/query/name"),
        ("../", b"%PDF-1.7", "/query/name"),
        ("a.pdf", b"", ""),
    ],
    ids=["no name", "control character", "only a folder", "empty"],
)
async def test_what_is_missing_is_named(
    world: World, subject: tuple[str, str], name: str | None, content: bytes, pointer: str
) -> None:
    answer = await send(world.person("chilinh"), subject, content, name=name)
    named = pointers(problem(answer, 422, "validation_failed"))
    assert named == [pointer if name is not None else "/query/name"]


async def test_a_form_has_one_part_of_the_name_file(world: World, subject: tuple[str, str]) -> None:
    person = world.person("chilinh")
    one = ("file", ("a.pdf", pdf(), "application/pdf"))
    for files in (
        [one, one],
        [("other", ("a.pdf", pdf(), "application/pdf"))],
        [one, ("note", ("", b"x", "text/plain"))],
    ):
        named = pointers(problem(await send_form(person, subject, *files), 422))
        assert named in (["/file"], ["/other"], ["/note"])
    unnamed = problem(await send_form(person, subject, ("file", ("", b"%PDF-1.7", "application/pdf"))), 422)
    assert pointers(unnamed) == ["/query/name"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=a", b"no boundary at all"),
        ("multipart/form-data; boundary=a", b"--a\r\nContent-Disposition"),
        ("multipart/form-data; boundary=a", b'--a\r\nContent-Disposition: form-data; name="file"\r\n\r\n%PDF-1.7'),
        ("multipart/form-data; boundary=a", b"--a--\r\n"),
        ("multipart/form-data; boundary=" + "a" * 400, b"--a--\r\n"),
        ("multipart/form-data; boundary=a", b"--a\r\n" + b"X: y\r\n" * 5000),
    ],
    ids=["no boundary", "another", "half a header", "half a part", "no part", "long boundary", "many headers"],
)
async def test_a_broken_form_is_a_problem(world: World, subject: tuple[str, str], kind: str, body: bytes) -> None:
    answer = await send(world.person("chilinh"), subject, body, declared=kind)
    assert answer.status_code in (400, 415, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"subject_kind": "house"}, "/query/subject_kind"),
        ({"subject_id": "1"}, "/query/subject_id"),
        ({"description": "x" * 1001}, "/query/description"),
        ({"name": "x" * 1001}, "/query/name"),
    ],
)
async def test_a_wrong_parameter_is_named(
    world: World, subject: tuple[str, str], query: dict[str, str], pointer: str
) -> None:
    asked = {"subject_kind": subject[0], "subject_id": subject[1], "name": "a.pdf"} | query
    person = world.person("chilinh")
    answer = await person.http.post("/v1/documents", params=asked, content=pdf(), headers=person.unsafe())
    assert pointers(problem(answer, 422)) == [pointer]


async def test_a_subject_that_is_not_there_or_not_seen_is_not_found(world: World, plan: Json) -> None:
    person = world.person("chilinh")
    for kind in ("agreement", "task", "report", "obstacle", "meeting"):
        problem(await send(person, (kind, str(uuid4()))), 404)
    problem(await send(world.person("elsewhere"), ("agreement", plan["id"])), 404)
    # An agreement's identifier is no task's.
    problem(await send(person, ("task", plan["id"])), 404)


async def test_who_may_not_attach_is_refused_before_the_file_is_read(
    world: World, subject: tuple[str, str], folder: Path
) -> None:
    before = stored(folder)
    viewer = world.person("chilinh", Role.VIEWER)
    problem(await send(viewer, subject), 403)
    problem(await send(world.client("chilinh", "documents:read"), subject), 403)
    assert stored(folder) == before
    accepted(await send(world.client("chilinh", "documents:write"), subject), 201)
    assert len(stored(folder) - before) == 1


async def test_a_repetition_gets_the_same_document(world: World, subject: tuple[str, str]) -> None:
    person, key, content = world.person("chilinh"), str(uuid4()), pdf()
    first = await send(person, subject, content, key=key)
    again = await send(person, subject, content, key=key)
    assert accepted(again, 201) == accepted(first, 201)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == f"/v1/documents/{first.json()['id']}"
    problem(await send(person, subject, pdf(), key=key), 422, "idempotency_key_reused")


async def test_an_upload_without_a_key_is_refused(world: World, subject: tuple[str, str]) -> None:
    person = world.person("chilinh")
    asked = {"subject_kind": subject[0], "subject_id": subject[1], "name": "a.pdf"}
    answer = await person.http.post("/v1/documents", params=asked, content=pdf(), headers=person.headers)
    problem(answer, 400, "idempotency_key_missing")


async def test_more_uploads_than_there_is_room_for_are_told_to_come_back(
    world: World, subject: tuple[str, str]
) -> None:
    person = world.person("chilinh")
    go_on, started = asyncio.Event(), asyncio.Semaphore(0)

    async def slowly() -> AsyncIterator[bytes]:
        yield b"%PDF-1.7 "
        started.release()
        await go_on.wait()
        yield uuid4().bytes

    waiting = [asyncio.create_task(send(person, subject, slowly())) for _ in range(3)]
    for _ in waiting:
        await started.acquire()
    answer = await send(person, subject)
    go_on.set()
    assert int(answer.headers["retry-after"]) > 0
    problem(answer, 503, "too_many_uploads")
    for each in await asyncio.gather(*waiting):
        accepted(each, 201)
    accepted(await send(person, subject), 201)


async def test_two_uploads_of_the_same_at_once_make_one_object(
    world: World, plan: Json, folder: Path, app: FastAPI
) -> None:
    content = pdf()
    other = await world.plan()
    senders = [(world.person(key), one) for key in ("chilinh", "kinhmon") for one in (plan, other)][:3]
    before = stored(folder)
    answers = await asyncio.gather(*(send(person, ("agreement", one["id"]), content) for person, one in senders))
    statuses = sorted(answer.status_code for answer in answers)
    # Chí Linh and Kinh Môn send it to the same agreement: the second one finds it there.
    assert statuses == [201, 201, 409]
    digests = {answer.json()["digest"] for answer in answers if answer.status_code == 201}
    [digest] = digests
    assert stored(folder) - before == {digest}
    assert (folder / "sha256" / digest[:2] / digest).read_bytes() == content
    [row] = await world.rows("select count(*) from document_content where digest = $1", digest)
    assert row["count"] == 1


async def test_the_same_content_is_attached_to_one_place_once(world: World, subject: tuple[str, str]) -> None:
    content = pdf()
    first = await attached(world.person("chilinh"), subject, content)
    again = problem(await send(world.person("kinhmon"), subject, content), 409, "already_attached")
    assert again["document_id"] == first["id"]


async def test_a_store_that_is_away_leaves_nothing_behind(world: World, subject: tuple[str, str], folder: Path) -> None:
    content = pdf()
    (folder / "sha256").rename(folder / "aside")
    (folder / "sha256").write_text("no folder")
    try:
        answer = await send(world.person("chilinh"), subject, content)
    finally:
        (folder / "sha256").unlink()
        (folder / "aside").rename(folder / "sha256")
    problem(answer, 503, "storage_away")
    accepted(await send(world.person("chilinh"), subject, content), 201)


@pytest.fixture
def folder(app: FastAPI) -> Path:
    """Where this module's contents lie."""
    settings: Settings = app.state.settings
    return Path(settings.documents_url)
