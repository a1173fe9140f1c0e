"""Real processes: how much memory an upload takes, and what is left of one that is killed at the worst moment."""

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI

from agreements_api.config import Settings
from agreements_api.documents.sweeping import sweep
from tests.agreements_api.agreements.world import Json, Person, World, accepted
from tests.agreements_api.documents.clamav import Scanner, listening, until
from tests.agreements_api.documents.files import attached, pdf, send, stored

MEGABYTE = 1024 * 1024
LARGE = 50 * MEGABYTE
# Less than one such file, for what three of them at once may take.
GROWTH = 40 * MEGABYTE


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"scanner_address": "127.0.0.1:1"})


@pytest.fixture
def folder(settings: Settings) -> Path:
    return Path(settings.documents_url)


@pytest.fixture
def socket() -> Iterator[Path]:
    """Paths of sockets have a limit that pytest's own directories may exceed."""
    with tempfile.TemporaryDirectory(prefix="lv-") as directory:
        yield Path(directory) / "service.sock"


@asynccontextmanager
async def process(settings: Settings, *arguments: str, **more: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A role of the service as an installation starts it; killed in the end, if it still runs."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "AGREEMENTS_API_DATABASE_URL": settings.database_url,
        "AGREEMENTS_API_KEYS_DIR": str(settings.keys_dir),
        "AGREEMENTS_API_DOCUMENTS_URL": settings.documents_url,
        "JWKS_PATH": str(settings.jwks_path),
        "LIENVUNG_ENVIRONMENT": "test",
        **more,
    }
    command = (sys.executable, "-c", "from agreements_api.cli import app; app()", *arguments)
    started = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.DEVNULL)
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


@pytest_asyncio.fixture(loop_scope="session")
async def serving(settings: Settings, socket: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    async with process(settings, "serve", "--uds", str(socket)) as started:
        async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=str(socket))) as http:

            async def ready() -> bool:
                try:
                    return (await http.get("http://service/health/ready")).status_code == 200
                except httpx.TransportError:
                    return False

            await until(ready, patience=60)
        yield started


@asynccontextmanager
async def through(socket: Path, person: Person) -> AsyncIterator[Person]:
    """The same person, calling the process behind a socket."""
    transport = httpx.AsyncHTTPTransport(uds=str(socket))
    async with httpx.AsyncClient(transport=transport, base_url="http://service", timeout=120) as http:
        yield Person(http, person.actor, person.token)


async def pieces(size: int) -> AsyncIterator[bytes]:
    head = pdf()
    yield head
    for _ in range((size - len(head)) // MEGABYTE):
        yield b"x" * MEGABYTE
    yield b"x" * ((size - len(head)) % MEGABYTE)


def highest(pid: int, *, reset: bool = False) -> int:
    """The most memory that a process has held, in bytes; counted anew from now on if told so."""
    if reset:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


async def test_files_of_fifty_megabytes_take_no_memory_on_their_way_in_and_out(
    world: World, plan: Json, serving: asyncio.subprocess.Process, socket: Path
) -> None:
    async with through(socket, world.person("chilinh")) as person:
        # What is imported and opened by the first upload is no matter of its size.
        warm = await attached(person, ("agreement", plan["id"]))
        before = highest(serving.pid, reset=True)
        raw = [send(person, ("agreement", plan["id"]), pieces(LARGE)) for _ in range(2)]
        with tempfile.TemporaryFile() as file:
            async for piece in pieces(LARGE):
                file.write(piece)
            file.seek(0)
            asked = {"subject_kind": "agreement", "subject_id": plan["id"]}
            form = person.http.post(
                "/v1/documents", params=asked, files={"file": ("a.pdf", file)}, headers=person.unsafe()
            )
            answers = await asyncio.gather(*raw, form)
        documents = [accepted(answer, 201) for answer in answers]
        assert [document["size"] for document in documents] == [LARGE] * 3
        await world.rows("update document_content set state = 'clean', due_at = null where state = 'pending'")
        link = await person.read(f"/v1/documents/{documents[0]['id']}/link")
        length = 0
        path = link["url"].removeprefix("http://127.0.0.1:8080")
        async with person.http.stream("GET", path) as answer:
            async for piece in answer.aiter_raw():
                length += len(piece)
        assert length == LARGE
        assert highest(serving.pid) - before < GROWTH
        assert warm["size"] < 100


async def test_a_process_killed_between_the_store_and_the_row_leaves_an_orphan_that_is_swept(
    world: World, plan: Json, app: FastAPI, serving: asyncio.subprocess.Process, socket: Path, folder: Path
) -> None:
    before = stored(folder)
    await world.rows(
        "create function tarry() returns trigger language plpgsql as $$ begin perform pg_sleep(60); return new; end $$"
    )
    await world.rows("create trigger tarry before insert on document_content for each row execute function tarry()")
    try:
        async with through(socket, world.person("chilinh")) as person:
            upload = asyncio.create_task(send(person, ("agreement", plan["id"])))
            await until(lambda: asyncio.sleep(0, len(stored(folder) - before) == 1))
            serving.kill()
            with pytest.raises(httpx.TransportError):
                await upload
    finally:
        # Whoever waits in the trigger ends when the server notices that nobody listens any more.
        await world.rows("select pg_terminate_backend(pid) from pg_stat_activity where wait_event = 'PgSleep'")
        await world.rows("drop trigger tarry on document_content")
        await world.rows("drop function tarry")
    [orphan] = stored(folder) - before
    assert await world.rows("select from document_content where digest = $1", orphan) == []
    await sweep(app.state.database, app.state.storage, grace_seconds=3600)
    assert stored(folder) == before


async def test_a_scanner_killed_in_the_middle_is_taken_over_from_at_once(
    world: World, plan: Json, settings: Settings
) -> None:
    document = await attached(world.person("chilinh"), ("agreement", plan["id"]))
    await world.rows("update document_content set due_at = null where digest <> $1", document["digest"])
    async with listening(Scanner()) as scanner:
        scanner.go_on.clear()
        more: dict[str, Any] = {
            "AGREEMENTS_API_SCANNER_ADDRESS": scanner.address,
            "AGREEMENTS_API_SCAN_POLL_SECONDS": "0.1",
        }
        async with process(settings, "scan", **more) as first:
            await until(lambda: asyncio.sleep(0, len(scanner.seen) == 1), patience=60)
            first.kill()
            await first.wait()
        scanner.go_on.set()
        async with process(settings, "scan", **more):

            async def clean() -> bool:
                found: Json = await world.person("chilinh").read(f"/v1/documents/{document['id']}")
                return bool(found["scan"]["state"] == "clean")

            await until(clean, patience=60)
    # Once by each; what else waited is no matter of this test.
    assert scanner.seen[0] == scanner.seen[1]
    # The killed one's attempt was none: nothing had failed.
    [row] = await world.rows("select attempts from document_content where digest = $1", document["digest"])
    assert row["attempts"] == 0
