"""Nobody gets a file before the scanner has found nothing in it, and every file is looked at in the end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from fastapi import FastAPI

from agreements_api.config import Settings
from agreements_api.documents.clamd import Clamd
from agreements_api.documents.scanning import scan_next, scan_role
from agreements_api.documents.storage import Storage
from shared.db import Database
from shared.roles import supervise
from tests.agreements_api.agreements.world import Json, World, problem
from tests.agreements_api.documents.clamav import EICAR, Mood, Scanner, listening, until
from tests.agreements_api.documents.files import attached, download, pdf

AT_ONCE, NEVER = 0.0, 3600.0


@pytest.fixture(scope="module")
def settings(settings: Settings) -> Settings:
    """As usual, with a scanner, which the tests themselves ask at another address."""
    return settings.model_copy(update={"scanner_address": "127.0.0.1:1", "scan_poll_seconds": 0.05})


@pytest_asyncio.fixture(loop_scope="session")
async def scanner() -> AsyncIterator[Scanner]:
    async with listening(Scanner()) as scanner:
        yield scanner


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def nothing_waits(world: World) -> None:
    """What tests before left over is not looked at in this one."""
    await world.rows("update document_content set due_at = null")


class Worker:
    """A worker of the role, one scan at a time."""

    def __init__(self, app: FastAPI, scanner: Scanner, *, timeout: float = 10.0) -> None:
        self._database: Database = app.state.database
        self._storage: Storage = app.state.storage
        self._clamd = Clamd(scanner.address, timeout)

    async def scan(self, *, retry_seconds: float = NEVER) -> bool:
        return await scan_next(self._database, self._storage, self._clamd, retry_seconds=retry_seconds)


async def state_of(world: World, document: Json) -> Json:
    state: Json = (await world.person("chilinh").read(f"/v1/documents/{document['id']}"))["scan"]
    return state


async def test_a_file_is_held_until_it_is_clean(world: World, plan: Json, app: FastAPI, scanner: Scanner) -> None:
    person, content = world.person("chilinh"), pdf()
    document = await attached(person, ("agreement", plan["id"]), content)
    assert (document["scan"]["state"], document["allowed_actions"]) == ("pending", ["remove"])
    path = f"/v1/documents/{document['id']}"
    before = await person.get(path)
    held = problem(await person.get(f"{path}/link"), 409, "document_held")
    assert held["scan"] == "pending"
    assert await Worker(app, scanner).scan()
    assert scanner.seen == [content]
    after = await person.get(path)
    assert after.json()["scan"]["state"] == "clean"
    assert after.json()["scan"]["scanned_at"] is not None
    assert after.json()["allowed_actions"] == ["download", "remove"]
    # It is shown otherwise, and changed by nobody: whoever removes it need not read it again.
    assert after.headers["etag"] != before.headers["etag"]
    assert (await download(person, document["id"])).content == content
    assert (await person.delete(path, **{"If-Match": before.headers["etag"]})).status_code == 204


async def test_an_infected_file_is_held_for_good(world: World, plan: Json, app: FastAPI, scanner: Scanner) -> None:
    person, content = world.person("chilinh"), pdf() + EICAR
    document = await attached(person, ("agreement", plan["id"]), content)
    await Worker(app, scanner).scan()
    state = await state_of(world, document)
    assert (state["state"], state["detail"]) == ("infected", "Eicar-Test-Signature")
    assert problem(await person.get(f"/v1/documents/{document['id']}/link"), 409, "document_held")["scan"] == "infected"
    # It is known when it comes again, and is not looked at a second time.
    other = await world.plan()
    again = await attached(world.person("kinhmon"), ("agreement", other["id"]), content)
    assert again["scan"]["state"] == "infected"
    assert not await Worker(app, scanner).scan()


async def test_a_link_of_before_does_not_reach_what_turned_out_to_be_infected(
    world: World, plan: Json, app: FastAPI, scanner: Scanner
) -> None:
    person = world.person("chilinh")
    document = await attached(person, ("agreement", plan["id"]))
    await Worker(app, scanner).scan()
    link = (await person.read(f"/v1/documents/{document['id']}/link"))["url"].removeprefix("http://127.0.0.1:8080")
    await world.rows("update document_content set state = 'infected' where digest = $1", document["digest"])
    problem(await person.http.get(link), 409, "document_held")


@pytest.mark.parametrize("mood", [Mood.HANGS_UP, Mood.REFUSES, Mood.SILENT, Mood.BABBLES])
async def test_without_a_verdict_it_stays_held_and_is_tried_again(
    world: World, plan: Json, app: FastAPI, scanner: Scanner, mood: Mood
) -> None:
    document = await attached(world.person("chilinh"), ("agreement", plan["id"]))
    scanner.mood = mood
    assert await Worker(app, scanner, timeout=0.3).scan(retry_seconds=NEVER)
    failed = await state_of(world, document)
    assert failed["state"] == "error"
    assert failed["detail"] in ("disconnected", "refused", "timeout", "not_understood")
    # Not before its time.
    assert not await Worker(app, scanner).scan()
    await world.rows("update document_content set due_at = now() where digest = $1", document["digest"])
    scanner.mood = Mood.WORKS
    assert await Worker(app, scanner).scan()
    assert await state_of(world, document) == {
        "state": "clean",
        "detail": None,
        "scanned_at": (await state_of(world, document))["scanned_at"],
    }


async def test_each_failure_waits_longer_than_the_one_before(
    world: World, plan: Json, app: FastAPI, scanner: Scanner
) -> None:
    document = await attached(world.person("chilinh"), ("agreement", plan["id"]))
    scanner.mood = Mood.HANGS_UP
    pauses = []
    for _ in range(5):
        await Worker(app, scanner).scan(retry_seconds=30)
        [row] = await world.rows(
            "update document_content set due_at = now() where digest = $1"
            " returning attempts, (select extract(epoch from o.due_at - clock_timestamp())::float"
            " from document_content o where o.digest = $1) as pause",
            document["digest"],
        )
        pauses.append(round(row["pause"] / 30))
    assert pauses == [1, 2, 4, 8, 16]
    assert row["attempts"] == 5


async def test_a_content_that_lost_its_object_is_held(
    world: World, plan: Json, app: FastAPI, scanner: Scanner, settings: Settings
) -> None:
    document = await attached(world.person("chilinh"), ("agreement", plan["id"]))
    place = Path(settings.documents_url) / "sha256" / document["digest"][:2] / document["digest"]
    whole = place.read_bytes()
    place.unlink()
    await Worker(app, scanner).scan(retry_seconds=AT_ONCE)
    assert (await state_of(world, document))["detail"] == "missing"
    place.write_bytes(whole + b"x")
    await Worker(app, scanner).scan(retry_seconds=AT_ONCE)
    assert (await state_of(world, document))["detail"] == "differs"


async def test_two_workers_share_the_work(world: World, plan: Json, app: FastAPI, scanner: Scanner) -> None:
    contents = [pdf() for _ in range(6)]
    for content in contents:
        await attached(world.person("chilinh"), ("agreement", plan["id"]), content)
    scanner.go_on.clear()
    scans = [asyncio.create_task(Worker(app, scanner).scan()) for _ in range(3)]
    await until(lambda: asyncio.sleep(0, len(scanner.seen) == 3))
    scanner.go_on.set()
    assert await asyncio.gather(*scans) == [True] * 3
    while await Worker(app, scanner).scan():
        pass
    # Each once, whoever took it.
    assert sorted(scanner.seen) == sorted(contents)


async def test_a_scan_holds_up_nobody_who_attaches_the_same_file(
    world: World, plan: Json, app: FastAPI, scanner: Scanner
) -> None:
    content = pdf()
    await attached(world.person("chilinh"), ("agreement", plan["id"]), content)
    scanner.go_on.clear()
    scan = asyncio.create_task(Worker(app, scanner).scan())
    await until(lambda: asyncio.sleep(0, bool(scanner.seen)))
    other = await world.plan()
    async with asyncio.timeout(10):
        second = await attached(world.person("kinhmon"), ("agreement", other["id"]), content)
    assert second["scan"]["state"] == "pending"
    scanner.go_on.set()
    await scan
    assert (await state_of(world, second))["state"] == "clean"


@asynccontextmanager
async def running(settings: Settings, app: FastAPI, **changes: Any) -> AsyncIterator[None]:
    """The role as an installation runs it."""
    stop = asyncio.Event()
    role = scan_role(settings.model_copy(update=changes), app.state.database)
    async with asyncio.TaskGroup() as group:
        group.create_task(supervise("scan", role, stop))
        try:
            yield
        finally:
            stop.set()


async def eventually(world: World, document: Json, **expected: str) -> None:
    async def is_so() -> bool:
        return expected.items() <= (await state_of(world, document)).items()

    await until(is_so)


async def test_the_role_scans_what_comes_in(
    world: World, plan: Json, app: FastAPI, scanner: Scanner, settings: Settings
) -> None:
    async with running(settings, app, scanner_address=scanner.address):
        document = await attached(world.person("chilinh"), ("agreement", plan["id"]))
        await eventually(world, document, state="clean")


async def test_what_came_in_without_a_scanner_stays_open_and_is_scanned_once_there_is_one(
    world: World, plan: Json, app: FastAPI, scanner: Scanner, settings: Settings
) -> None:
    document = await attached(world.person("chilinh"), ("agreement", plan["id"]), pdf() + EICAR)
    await world.rows(
        "update document_content set state = 'not_scanned', due_at = null where digest = $1", document["digest"]
    )
    assert (await download(world.person("chilinh"), document["id"])).status_code == 200
    scanner.mood = Mood.HANGS_UP
    async with running(settings, app, scanner_address=scanner.address, scan_retry_seconds=0.1):
        await eventually(world, document, detail="disconnected")
        # Not closed to those who have it until something is found.
        assert (await download(world.person("chilinh"), document["id"])).status_code == 200
        scanner.mood = Mood.WORKS
        await eventually(world, document, state="infected")
