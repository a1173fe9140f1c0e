"""Nothing that is referred to is lost, and nothing that is not is kept for ever."""

import asyncio
import io
import os
from datetime import timedelta
from pathlib import Path
from typing import IO

import asyncpg
import pytest
from fastapi import FastAPI

from agreements_api.config import Settings
from agreements_api.documents.storage import Storage
from agreements_api.documents.sweeping import sweep
from shared.db import Database
from tests.agreements_api.agreements.world import Json, World, accepted
from tests.agreements_api.documents.files import attached, download, pdf, send, stored

AT_ONCE, LATER = 0.0, 3600.0


@pytest.fixture
def folder(settings: Settings) -> Path:
    return Path(settings.documents_url)


async def swept(app: FastAPI, *, grace_seconds: float = AT_ONCE) -> None:
    database: Database = app.state.database
    await sweep(database, app.state.storage, grace_seconds=grace_seconds)


async def test_a_content_goes_with_the_last_document_that_refers_to_it(
    world: World, plan: Json, app: FastAPI, folder: Path
) -> None:
    content, other = pdf(), await world.plan()
    first = await attached(world.person("chilinh"), ("agreement", plan["id"]), content)
    second = await attached(world.person("kinhmon"), ("agreement", other["id"]), content)
    for document, key, left in ((first, "chilinh", True), (second, "kinhmon", False)):
        person = world.person(key)
        await person.delete(f"/v1/documents/{document['id']}", **{"If-Match": "*"})
        await swept(app)
        assert (first["digest"] in stored(folder)) is left
    # What it was stays on record.
    assert (await world.person("chilinh").read(f"/v1/documents/{first['id']}"))["digest"] == first["digest"]
    again = await attached(world.person("chilinh"), ("agreement", plan["id"]), content)
    assert (await download(world.person("chilinh"), again["id"])).content == content


async def test_a_content_waits_a_while_for_what_refers_to_it(
    world: World, plan: Json, app: FastAPI, folder: Path
) -> None:
    document = await attached(world.person("chilinh"), ("agreement", plan["id"]))
    await world.person("chilinh").delete(f"/v1/documents/{document['id']}", **{"If-Match": "*"})
    await swept(app, grace_seconds=LATER)
    assert document["digest"] in stored(folder)


async def test_an_object_that_no_row_stands_for_is_swept_up_and_a_strangers_file_is_not(
    world: World, plan: Json, app: FastAPI, folder: Path
) -> None:
    storage: Storage = app.state.storage
    document = await attached(world.person("chilinh"), ("agreement", plan["id"]))
    orphan = "0" * 64
    await storage.put(orphan, io.BytesIO(b"x"))
    await asyncio.to_thread((folder / "sha256" / "README.txt").write_text, "of somebody else")
    await swept(app)
    found = stored(folder)
    assert orphan not in found
    assert {document["digest"], "README.txt"} <= found


async def test_what_a_killed_put_left_half_written_is_removed_after_a_day(app: FastAPI, folder: Path) -> None:
    old, new = (folder / "sha256" / "aa" / f"{'a' * 64}#{number}" for number in (1, 2))
    await asyncio.to_thread(_leave, old, new)
    await swept(app)
    assert old.name not in stored(folder)
    assert new.name in stored(folder)


def _leave(old: Path, new: Path) -> None:
    old.parent.mkdir(exist_ok=True)
    for path in (old, new):
        path.write_bytes(b"half")
    long_ago = new.stat().st_mtime - timedelta(days=2).total_seconds()
    os.utime(old, (long_ago, long_ago))


async def test_an_upload_meets_the_sweep_of_the_same_content(
    world: World, plan: Json, app: FastAPI, folder: Path
) -> None:
    """Whoever comes first: what a document refers to is in the store afterwards."""
    person = world.person("chilinh")
    for _ in range(8):
        content = pdf()
        document = await attached(person, ("agreement", plan["id"]), content)
        await person.delete(f"/v1/documents/{document['id']}", **{"If-Match": "*"})
        answer, *_ = await asyncio.gather(
            send(person, ("agreement", plan["id"]), content), swept(app), swept(app), swept(app)
        )
        if answer.status_code == 201:
            assert (await download(person, answer.json()["id"])).content == content
        else:
            # It was taken away between the store and the document, with no grace at all; nothing half-written stays.
            assert answer.status_code == 503
            assert answer.headers["retry-after"]


async def test_no_document_refers_to_a_content_that_is_gone(world: World, plan: Json) -> None:
    document = await attached(world.person("chilinh"), ("agreement", plan["id"]))
    columns = await world.columns("document")
    gone = f"select {columns.replace('id, ', 'gen_random_uuid(), ', 1)} from document where id = $1"
    await world.rows("update document_content set removed_at = now() where digest = $1", document["digest"])
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="not stored"):
        await world.rows(f"insert into document ({columns}) {gone}", document["id"])
    await world.rows("update document_content set removed_at = null where digest = $1", document["digest"])


class Interrupted(Storage):
    """A store whose object is there when the process ends."""

    def __init__(self, inner: Storage) -> None:
        self._inner = inner

    async def put(self, digest: str, file: IO[bytes]) -> None:
        await self._inner.put(digest, file)
        raise asyncio.CancelledError


async def test_an_upload_that_ends_between_the_store_and_the_row_leaves_an_orphan_and_no_row(
    world: World, plan: Json, app: FastAPI, folder: Path
) -> None:
    before, inner = stored(folder), app.state.storage
    content = pdf()
    app.state.storage = Interrupted(inner)
    try:
        with pytest.raises(asyncio.CancelledError):
            await send(world.person("chilinh"), ("agreement", plan["id"]), content)
    finally:
        app.state.storage = inner
    [orphan] = stored(folder) - before
    assert await world.rows("select from document_content where digest = $1", orphan) == []
    await swept(app)
    assert orphan not in stored(folder)
    accepted(await send(world.person("chilinh"), ("agreement", plan["id"]), content), 201)
