"""The whole way of a document with its content in a store that speaks S3."""

from secrets import token_hex

import pytest
from fastapi import FastAPI

from agreements_api.config import Settings
from agreements_api.documents.clamd import Clamd
from agreements_api.documents.scanning import scan_next
from agreements_api.documents.sweeping import sweep
from tests.agreements_api.agreements.world import Json, World, problem
from tests.agreements_api.documents.clamav import Scanner, listening
from tests.agreements_api.documents.files import attached, download, pdf
from tests.s3 import S3

LARGE = 12 * 1024 * 1024


@pytest.fixture(scope="module")
def settings(settings: Settings, s3: S3) -> Settings:
    """As usual, but for where the contents are and that they are scanned."""
    return settings.model_copy(
        update={
            "documents_url": f"s3://{s3.bucket}/{token_hex(4)}",
            "documents_s3_endpoint": s3.endpoint,
            "documents_s3_access_key_id": s3.access_key_id,
            "documents_s3_secret_access_key": s3.secret_access_key,
            "scanner_address": "127.0.0.1:1",
        }
    )


async def test_a_large_file_is_stored_scanned_downloaded_and_taken_away(world: World, plan: Json, app: FastAPI) -> None:
    content = pdf().ljust(LARGE, b"x")
    person = world.person("chilinh")
    document = await attached(person, ("agreement", plan["id"]), content)
    path = f"/v1/documents/{document['id']}"
    problem(await person.get(f"{path}/link"), 409, "document_held")
    async with listening(Scanner()) as scanner:
        clamd = Clamd(scanner.address, 20)
        assert await scan_next(app.state.database, app.state.storage, clamd, retry_seconds=1)
        assert scanner.seen == [content]
    assert (await download(person, document["id"])).content == content
    part = await download(person, document["id"], Range=f"bytes={LARGE - 5}-")
    assert (part.status_code, part.content) == (206, b"xxxxx")
    await person.delete(path, **{"If-Match": "*"})
    await sweep(app.state.database, app.state.storage, grace_seconds=0)
    with pytest.raises(FileNotFoundError):
        await app.state.storage.read(document["digest"])


async def test_a_link_while_the_store_has_lost_it_says_so(world: World, plan: Json, app: FastAPI) -> None:
    person = world.person("chilinh")
    document = await attached(person, ("agreement", plan["id"]))
    await world.rows("update document_content set state = 'clean' where digest = $1", document["digest"])
    await app.state.storage.remove(document["digest"])
    problem(await download(person, document["id"]), 503, "storage_away")
