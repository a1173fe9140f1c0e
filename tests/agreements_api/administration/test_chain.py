"""The chain under the log of administration: what nobody can do, and what is found when somebody did it anyway."""

import asyncio
from pathlib import Path

import asyncpg
import pytest

from agreements_api.administration.verification import head_at, verify
from agreements_api.history.verification import Test
from lienvung.postgres import DatabaseAddress
from shared import clock
from tests.agreements_api.administration.telling import administered, history, new_user
from tests.agreements_api.agreements.world import World
from tests.agreements_api.conftest import Caller
from tests.agreements_api.proving import Command, Tampering, command_line, tampering
from tests.parts import Cluster

TABLES = ("administration_log", "account", "api_client", "organization")


async def grown(world: World) -> tuple[Caller, str]:
    """An account that was made and changed twice, and who administers it."""
    administrator, _, _ = await administered(world.registry)
    user_id = (await new_user(administrator))["id"]
    path = f"/v1/users/{user_id}"
    await administrator.patch(path, {"name": "Tên mới"}, **{"If-Match": '"v1"'})
    await administrator.patch(path, {"roles": ["leader"]}, **{"If-Match": '"v2"'})
    return administrator, user_id


async def test_each_entry_carries_the_digest_of_the_one_before(world: World) -> None:
    administrator, user_id = await grown(world)
    entries = await history(administrator, f"/v1/users/{user_id}")
    assert [entry["entry"] for entry in entries] == [3, 2, 1]
    assert [entry["previous_digest"] for entry in entries] == [*(entry["digest"] for entry in entries[1:]), None]
    assert len({entry["digest"] for entry in entries}) == 3


async def test_entries_of_one_record_that_are_asked_for_at_once_follow_each_other(world: World) -> None:
    administrator, user_id = await grown(world)
    path = f"/v1/users/{user_id}"
    names = [{"name": f"Cùng lúc {n}"} for n in range(8)]
    answers = await asyncio.gather(*(administrator.patch(path, body, **{"If-Match": "*"}) for body in names))
    assert {answer.status_code for answer in answers} == {200}
    entries = await history(administrator, path)
    assert [entry["entry"] for entry in entries] == list(range(11, 0, -1))
    assert (await verify(world.registry.database)).broken == 0


async def test_the_owner_would_have_to_remove_a_lock_first(world: World) -> None:
    for statement in ("update administration_log set remark = 'x'", "delete from administration_log"):
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await world.rows(statement)


async def test_nobody_writes_a_place_or_a_digest(world: World) -> None:
    _, user_id = await grown(world)
    forged = f"""insert into administration_log (id, organization_id, entry, subject_kind, subject_id, version, action,
        actor_id, actor_kind, actor_name, changes, occurred_at, previous_digest, digest)
    select gen_random_uuid(), organization_id, 9, 'user', subject_id, 3, 'update', actor_id, 'user', 'x', '[]', now(),
        'forged', 'forged' from administration_log where subject_id = '{user_id}' and entry = 3
    returning entry, digest = administration_digest(administration_log) as own"""
    connection = await asyncpg.connect(world.address.url)
    try:
        async with connection.transaction():
            await connection.execute("select set_config('lienvung.system', 'on', true)")
            row = await connection.fetchrow(forged)
            assert row is not None
            assert (row["entry"], row["own"]) == (4, True)
        assert (await verify(world.registry.database)).broken == 0
    finally:
        await connection.close()


class TestProof:
    """Each test tampers as a superuser can."""

    async def test_what_nobody_touched_holds(self, world: World) -> None:
        await grown(world)
        proof = await verify(world.registry.database)
        counted = await world.rows(
            "select count(*) as entries, count(distinct subject_id) as records from administration_log"
        )
        assert (proof.broken, proof.entries, proof.records) == (0, counted[0]["entries"], counted[0]["records"])

    @pytest.mark.parametrize(
        ("statement", "test", "version"),
        [
            pytest.param("update administration_log set actor_name = 'x' where entry = 2", Test.DIGEST, 2, id="a name"),
            pytest.param("update administration_log set changes = '[]' where entry = 3", Test.DIGEST, 3, id="a role"),
            pytest.param(
                "update administration_log l set remark = 'x' where entry = 2; "
                "update administration_log l set digest = administration_digest(l) where entry = 2",
                *(Test.PREVIOUS, 3),
                id="a change with a new digest",
            ),
            pytest.param("delete from administration_log where entry = 1", Test.GAP, 2, id="the removed beginning"),
            pytest.param("delete from administration_log where entry = 2", Test.GAP, 3, id="a removed entry"),
            pytest.param("delete from administration_log where entry = 3", Test.TAIL, 2, id="the removed end"),
            pytest.param("delete from administration_log where true", Test.TAIL, 0, id="everything removed"),
            pytest.param("update account set roles = '{administrator}' where true", Test.STATE, 3, id="a role taken"),
            pytest.param("update account set active = false where true", Test.STATE, 3, id="activity"),
            pytest.param("update account set version = 4 where true", Test.TAIL, 3, id="the record's version"),
            pytest.param("delete from account where true", Test.RECORD, 3, id="the record"),
        ],
    )
    async def test_the_first_broken_link_is_named(
        self, world: World, statement: str, test: Test, version: int, tampered: Tampering
    ) -> None:
        _, user_id = await grown(world)
        column = "id" if "account" in statement else "subject_id"
        async with tampered(statement.replace("where ", f"where {column} = '{user_id}' and ")):
            found = (await verify(world.registry.database)).first_break
            assert found is not None
            assert (found.subject_kind, str(found.subject_id)) == ("user", user_id)
            assert (found.test, found.version) == (test, version)
        assert (await verify(world.registry.database)).broken == 0

    async def test_everything_is_proved_in_batches(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        await grown(world)
        whole = await verify(world.registry.database)
        monkeypatch.setattr("agreements_api.history.verification.BATCH", 2)
        monkeypatch.setattr("agreements_api.history.verification.HEADS", 2)
        again = await verify(world.registry.database)
        assert (again.records, again.entries, again.head) == (whole.records, whole.entries, whole.head)
        assert (await head_at(world.registry.database, clock.now())).head == whole.head

    async def test_a_head_is_the_same_whenever_it_is_asked_for(self, world: World) -> None:
        administrator, user_id = await grown(world)
        instant = clock.now()
        written_down = (await head_at(world.registry.database, instant)).head
        await administrator.patch(f"/v1/users/{user_id}", {"name": "Sau đó"}, **{"If-Match": "*"})
        assert (await head_at(world.registry.database, instant)).head == written_down
        assert (await head_at(world.registry.database, clock.now())).head != written_down


class TestCommand:
    async def test_it_proves_both_chains(self, world: World, command: Command) -> None:
        await grown(world)
        proof = await verify(world.registry.database)
        result = await command("audit", "verify")
        assert result.exit_code == 0, result.stderr
        said = f"administration: {proof.records} records, {proof.entries} entries, head {proof.head}"
        assert said in result.stdout.splitlines()

    async def test_it_ends_with_1_and_names_the_first_broken_link(
        self, world: World, command: Command, tampered: Tampering
    ) -> None:
        _, user_id = await grown(world)
        async with tampered(f"update account set roles = '{{administrator}}' where id = '{user_id}'"):
            result = await command("audit", "verify")
            assert result.exit_code == 1
            assert (
                f"administration: 1 tests failed; the first broken link is version 3 of user {user_id}" in result.stderr
            )
            assert "/roles/0" in result.stderr

    async def test_it_prints_a_head_of_each(self, world: World, command: Command) -> None:
        await grown(world)
        instant = clock.now()
        first, second = (await command("audit", "head", "--at", instant.isoformat())).stdout.splitlines()
        assert "administration" not in first
        assert second.endswith(f"head {(await head_at(world.registry.database, instant)).head}")


@pytest.fixture
def command(tmp_path: Path, agreements_database: DatabaseAddress) -> Command:
    return command_line(agreements_database, tmp_path)


@pytest.fixture
def tampered(world: World, cluster: Cluster) -> Tampering:
    return tampering(world, cluster, TABLES)
