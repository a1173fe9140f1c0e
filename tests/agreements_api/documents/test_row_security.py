"""What the database itself keeps of documents and contents, whatever the application asks."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest

from tests.agreements_api.agreements.world import Json, World
from tests.agreements_api.documents.files import attached


@asynccontextmanager
async def speaking_for(world: World, key: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(world.address.url)
    try:
        await connection.execute("select set_config('lienvung.organization_id', $1, false)", world.id(key))
        yield connection
    finally:
        await connection.close()


async def test_a_content_is_seen_by_whoever_sees_a_document_that_refers_to_it(world: World, plan: Json) -> None:
    document = await attached(world.person("chilinh"), ("agreement", plan["id"]))
    for key, seen in (("kinhmon", 1), ("elsewhere", 0)):
        async with speaking_for(world, key) as connection:
            count = "select count(*) from document_content where digest = $1"
            assert await connection.fetchval(count, document["digest"]) == seen


async def test_nobody_but_the_product_says_that_a_content_is_clean(world: World, plan: Json) -> None:
    document = await attached(world.person("chilinh"), ("agreement", plan["id"]))
    async with speaking_for(world, "chilinh") as connection:
        done = await connection.execute(
            "update document_content set state = 'clean' where digest = $1", document["digest"]
        )
        assert done == "UPDATE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(
                "insert into document_content (digest, size, state) values ($1, 1, 'clean')", "f" * 64
            )


async def test_nobody_attaches_in_anothers_name_or_removes_what_is_anothers(world: World, plan: Json) -> None:
    document = await attached(world.person("chilinh"), ("agreement", plan["id"]))
    columns = await world.columns("document")
    copied = columns.replace("id, ", "gen_random_uuid(), ", 1).replace("subject_id", "gen_random_uuid()", 1)
    async with speaking_for(world, "kinhmon") as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await connection.execute(
                f"insert into document ({columns}) select {copied} from document where id = $1", UUID(document["id"])
            )
        removal = "update document set removed_at = now(), removed_by = 'x' where id = $1"
        assert await connection.execute(removal, UUID(document["id"])) == "UPDATE 0"


async def test_what_was_attached_is_never_altered_or_deleted(world: World, plan: Json) -> None:
    await attached(world.person("chilinh"), ("agreement", plan["id"]))
    async with speaking_for(world, "chilinh") as connection:
        for statement in ("update document set name = 'x'", "delete from document", "delete from document_content"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
