"""One interface to a folder and to a store that speaks S3: what holds of one holds of the other."""

import hashlib
import io
import os
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from agreements_api.config import Settings
from agreements_api.documents.ranges import Span
from agreements_api.documents.storage import STORAGE_ERRORS, Storage, open_storage
from lienvung.kafka import TamperedJar
from tests.s3 import S3, ensure_jar

# Several parts, and the last of them a small one.
LARGE = 13 * 1024 * 1024 + 7


def settings(**changes: Any) -> Settings:
    return Settings(database_url="postgresql://localhost/unused", **changes)


def in_s3(s3: S3, **changes: Any) -> Settings:
    given: dict[str, Any] = {
        "documents_url": f"s3://{s3.bucket}/{token_hex(4)}",
        "documents_s3_endpoint": s3.endpoint,
        "documents_s3_access_key_id": s3.access_key_id,
        "documents_s3_secret_access_key": s3.secret_access_key,
    }
    return settings(**(given | changes))


@pytest.fixture(params=["folder", "s3"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    if request.param == "folder":
        return open_storage(settings(documents_url=str(tmp_path / "deep" / "documents")))
    return open_storage(in_s3(request.getfixturevalue("s3")))


async def put(storage: Storage, content: bytes) -> str:
    digest = hashlib.sha256(content).hexdigest()
    await storage.put(digest, io.BytesIO(content))
    return digest


async def read(storage: Storage, digest: str, span: Span | None = None) -> bytes:
    return b"".join([piece async for piece in await storage.read(digest, span)])


async def listed(storage: Storage) -> set[str]:
    return {digest async for page in storage.listed(page=2) for digest in page}


@pytest.mark.parametrize("content", [b"x", os.urandom(LARGE)], ids=["small", "large"])
async def test_what_is_put_is_read_whole_and_in_parts(storage: Storage, content: bytes) -> None:
    digest = await put(storage, content)
    assert await read(storage, digest) == content
    assert await read(storage, digest, Span(0, 1)) == content[:1]
    assert await read(storage, digest, Span(len(content) - 1, len(content))) == content[-1:]


async def test_to_put_the_same_again_is_no_mistake(storage: Storage) -> None:
    digest = await put(storage, b"twice")
    assert await put(storage, b"twice") == digest
    assert await read(storage, digest) == b"twice"


async def test_a_file_is_put_from_its_beginning_wherever_it_was_read_to(storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"whole")
    with path.open("rb") as file:
        file.read()
        await storage.put("a" * 64, file)
    assert await read(storage, "a" * 64) == b"whole"


async def test_what_is_removed_is_gone_and_may_be_removed_again(storage: Storage) -> None:
    digest = await put(storage, b"short-lived")
    for _ in range(2):
        await storage.remove(digest)
    with pytest.raises(FileNotFoundError):
        await storage.read(digest)


async def test_everything_is_listed_page_by_page(storage: Storage) -> None:
    assert await listed(storage) == set()
    digests = {await put(storage, f"{number}".encode()) for number in range(5)}
    assert await listed(storage) == digests


async def test_two_installations_share_a_bucket_under_prefixes_of_their_own(s3: S3) -> None:
    one, other = open_storage(in_s3(s3)), open_storage(in_s3(s3))
    digest = await put(one, b"of one")
    assert await listed(other) == set()
    with pytest.raises(FileNotFoundError):
        await other.read(digest)


async def test_a_wrong_key_opens_nothing(s3: S3) -> None:
    storage = open_storage(in_s3(s3, documents_s3_secret_access_key="another"))
    with pytest.raises(STORAGE_ERRORS):
        await put(storage, b"x")


async def test_a_store_that_is_away_is_told_by_its_error() -> None:
    nowhere = S3("http://127.0.0.1:1")
    with pytest.raises(STORAGE_ERRORS):
        await put(open_storage(in_s3(nowhere)), b"x")


def test_the_server_of_these_tests_is_the_one_that_was_pinned(tmp_path: Path) -> None:
    (tmp_path / "s3proxy-2.7.0.jar").write_bytes(b"another")
    with pytest.raises(TamperedJar):
        ensure_jar(tmp_path)
