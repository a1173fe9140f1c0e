"""How PostgreSQL finds documents, what is due for the scanner and what nothing refers to among those of a country."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest
import pytest_asyncio

from agreements_api.documents import repository
from tests.agreements_api.agreements.world import Json, World
from tests.agreements_api.documents.files import attached

OTHERS = 20_000
_CONTENTS = """
insert into document_content (digest, size, state)
select encode(sha256(i::text::bytea), 'hex'), 1, 'clean' from generate_series(1, $1) i
"""
_DOCUMENTS = """
insert into document (id, agreement_id, subject_kind, subject_id, task_id, digest, size, media_type, name,
    organization_id, organization_name, account_id, added_by, created_at, updated_at)
select gen_random_uuid(), $2, 'task', gen_random_uuid(), null, encode(sha256(i::text::bytea), 'hex'), 1,
    'application/pdf', 'x', $3, 'x', gen_random_uuid(), 'x', now(), now()
from generate_series(1, $1) i
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ids(world: World, plan: Json) -> dict[str, UUID]:
    """A task with one document among twenty thousand of others, in another agreement than theirs."""
    other = await world.plan()
    task = await world.task(plan)
    await attached(world.specialist("ubnd-dongtrieu"), ("task", task["id"]))
    await world.rows(_CONTENTS, OTHERS)
    await world.rows(_DOCUMENTS, OTHERS, UUID(other["id"]), world.organizations["chilinh"].id)
    for table in ("document", "document_content", "agreement", "agreement_access", "task"):
        await world.rows(f"analyze {table}")
    return {"agreement_id": UUID(plan["id"]), "task_id": UUID(task["id"]), "subject_id": UUID(task["id"])}


async def explain(world: World, statement: str, *values: Any, system: bool = False) -> str:
    connection = await asyncpg.connect(world.address.url)
    try:
        await connection.execute(
            "select set_config('lienvung.organization_id', $1, false), set_config('lienvung.system', $2, false)",
            world.id("ubnd-dongtrieu"),
            "on" if system else "off",
        )
        return "\n".join(row[0] for row in await connection.fetch(f"explain (costs off) {statement}", *values))
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("key", "statement", "index"),
    [
        ("subject_id", repository.OF_SUBJECT, "document_of_subject"),
        ("agreement_id", repository.OF_AGREEMENT, "document_of_agreement"),
        ("task_id", repository.OF_TASK, "document_of_task"),
    ],
)
@pytest.mark.parametrize("as_of", [None, datetime(2026, 12, 1, tzinfo=UTC)], ids=["now", "then"])
async def test_a_list_is_read_from_its_index(
    world: World, ids: dict[str, UUID], key: str, statement: str, index: str, as_of: datetime | None
) -> None:
    organization = world.organizations["ubnd-dongtrieu"].id
    plan = await explain(world, statement, organization, ids[key], None, False, None, 51, as_of)
    assert index in plan
    assert "Seq Scan on document" not in plan
    # In the order of the index: nothing is sorted.
    assert "Sort" not in plan


async def test_what_is_due_is_found_without_looking_at_what_is_not(world: World, ids: dict[str, UUID]) -> None:
    plan = await explain(world, repository.DUE, repository.WORKERS, system=True)
    assert "document_content_due" in plan


async def test_whether_anything_refers_to_a_content_is_asked_of_an_index(world: World, ids: dict[str, UUID]) -> None:
    plan = await explain(world, repository.UNREFERENCED, 3600.0, 500, system=True)
    assert "document_content_touched" in plan
