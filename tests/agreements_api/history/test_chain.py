"""The chain under history: what the database lets nobody do, and what is found when somebody did it nevertheless."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest

from agreements_api.history.verification import Test, contradiction, head_at, verify
from lienvung.postgres import DatabaseAddress
from shared import clock
from tests.agreements_api.agreements.world import REPORT, Json, World
from tests.agreements_api.proving import Command, Tampering, command_line, tampering
from tests.parts import Cluster

INSERT = """
insert into history (id, subject_id, agreement_id, subject_kind, version, action, actor_id, actor_kind, actor_name,
                     changes, occurred_at, state{more})
select gen_random_uuid(), subject_id, agreement_id, subject_kind, version + {step}, 'sign', actor_id, 'user', 'x', '[]',
       now(), state{values} from history where subject_id = $1 order by version desc limit 1
"""


TABLES = ("history", "task", "agreement", "agreement_party", "agreement_clause", "signature")


class TestWhatTheDatabaseRefuses:
    @pytest.mark.parametrize(
        "statement", ["update history set remark = 'x'", "delete from history", "truncate history"]
    )
    async def test_the_application_only_adds(self, world: World, statement: str) -> None:
        await world.draft()
        async with application(world, "dongtrieu") as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)

    @pytest.mark.parametrize(
        "statement", ["update history set remark = 'x'", "delete from history", "truncate history"]
    )
    async def test_the_owner_would_have_to_remove_a_lock_first(self, world: World, statement: str) -> None:
        with pytest.raises(asyncpg.RaiseError, match="append-only"):
            await world.rows(statement)

    @pytest.mark.parametrize(
        "statement",
        [
            "select history_chain()",
            "create temporary table mine (like history); create trigger mine before insert on mine"
            " for each row execute function history_chain()",
            "alter table history disable trigger history_chain",
            "drop trigger history_chain on history",
            "set session_replication_role = replica",
            "create or replace function history_digest(h history) returns bytea language sql return ''::bytea",
        ],
    )
    async def test_the_chain_is_the_databases_own(self, world: World, statement: str) -> None:
        async with application(world, "dongtrieu") as connection:
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.ObjectNotInPrerequisiteStateError)):
                await connection.execute(statement)

    async def test_nobody_chooses_a_digest(self, world: World) -> None:
        plan = await world.draft()
        statement = INSERT.format(more=", digest, previous_digest", values=", 'made up', 'made up'", step=1)
        async with application(world, "dongtrieu") as connection:
            await connection.execute(statement, UUID(plan["id"]))
            rows = await connection.fetch(
                "select history_digest(h) = digest as holds, previous_digest from history h where subject_id = $1"
                " order by version",
                UUID(plan["id"]),
            )
        assert [row["holds"] for row in rows] == [True, True]
        assert rows[1]["previous_digest"] != b"made up"

    async def test_a_table_of_ones_own_does_not_stand_in_for_history(self, world: World) -> None:
        """The function runs with its owner's rights: it must not look where a caller can put something."""
        plan = await world.draft()
        # Nobody but the owner may, unless an installation has given the right again.
        await world.rows(f'grant temporary on database "{world.address.name}" to public')
        async with application(world, "dongtrieu") as connection:
            await connection.execute(
                "create temporary table history as select * from public.history; update history set digest = 'mine'"
            )
            statement = INSERT.format(more="", values="", step=1).replace("into history", "into public.history")
            await connection.execute(statement, UUID(plan["id"]))
            told = await connection.fetch(
                "select digest, previous_digest from public.history where subject_id = $1 order by version",
                UUID(plan["id"]),
            )
        await world.rows(f'revoke temporary on database "{world.address.name}" from public')
        assert told[1]["previous_digest"] == told[0]["digest"]

    @pytest.mark.parametrize("step", [2, 0, -1])
    async def test_versions_follow_one_another(self, world: World, step: int) -> None:
        plan = await world.draft()
        async with application(world, "dongtrieu") as connection:
            with pytest.raises(asyncpg.IntegrityConstraintViolationError):
                await connection.execute(INSERT.format(more="", values="", step=step), UUID(plan["id"]))


async def test_a_digest_can_be_recomputed_by_anybody(world: World) -> None:
    """SHA-256 of the digest before it and of the entry, as canonical JSON, with its state: nothing else goes in."""
    path = await world.under_way()
    task = path.split("/")[-1]
    first, second = await world.rows(
        "select h.*, state::text as state, changes::text as changes from history h where subject_id = $1"
        " order by version",
        task,
    )
    entry: Json = {
        name: str(value) if isinstance(value, UUID) else value
        for name, value in dict(second).items()
        if name not in ("digest", "previous_digest")
    }
    entry |= {"state": orjson.loads(second["state"]), "changes": orjson.loads(second["changes"])}
    entry["occurred_at"] = second["occurred_at"].strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    canonical = (await world.rows("select $1::text::jsonb::text as text", orjson.dumps(entry).decode()))[0]["text"]
    assert second["digest"] == hashlib.sha256(first["digest"] + canonical.encode()).digest()
    assert second["previous_digest"] == first["digest"]
    told = (await world.person("dongtrieu").read(f"{path}/history"))["items"]
    assert [row["digest"] for row in told] == [second["digest"].hex(), first["digest"].hex()]
    assert [row["previous_digest"] for row in told] == [first["digest"].hex(), None]


async def test_no_setting_of_a_session_changes_a_digest(world: World) -> None:
    await world.draft()
    connection = await asyncpg.connect(world.address.owner_url)
    try:
        await connection.execute(
            "set timezone = 'Asia/Ho_Chi_Minh'; set datestyle = 'German'; set bytea_output = escape"
        )
        assert await connection.fetchval("select count(*) from history h where history_digest(h) <> digest") == 0
    finally:
        await connection.close()


class TestProof:
    """Each test tampers as a superuser can."""

    async def test_what_nobody_touched_holds(self, world: World) -> None:
        path = await world.submitted()
        agreement = (await world.person("dongtrieu").read(path))["agreement_id"]
        proof = await verify(world.registry.database, UUID(agreement))
        assert (proof.broken, proof.records, proof.entries) == (0, 2, 8 + 4)
        found = await world.person("dongtrieu").read(f"/v1/agreements/{agreement}/history/verification")
        assert (found["valid"], found["broken"], found["head"]) == (True, [], proof.head)

    @pytest.mark.parametrize(
        ("statement", "test", "version"),
        [
            pytest.param("update history set remark = 'khác' where version = 3", Test.DIGEST, 3, id="a remark"),
            pytest.param("update history set actor_name = 'khác' where version = 1", Test.DIGEST, 1, id="a name"),
            pytest.param(
                "update history set occurred_at = occurred_at + interval '1 microsecond' where version = 2",
                *(Test.DIGEST, 2),
                id="a time",
            ),
            pytest.param(
                "update history set state = jsonb_set(state, '{percent}', '99') where version = 3",
                *(Test.DIGEST, 3),
                id="a state",
            ),
            pytest.param(
                # Whoever recomputes the digest of what he changed breaks the link to it.
                "update history h set remark = 'khác' where version = 2; "
                "update history h set digest = history_digest(h) where version = 2",
                *(Test.PREVIOUS, 3),
                id="a change with a new digest",
            ),
            pytest.param("delete from history where version = 2", Test.GAP, 3, id="a removed entry"),
            pytest.param("delete from history where version = 1", Test.GAP, 2, id="the removed beginning"),
            pytest.param("delete from history where version = 4", Test.TAIL, 3, id="the removed end"),
            pytest.param("delete from history where true", Test.TAIL, 0, id="everything removed"),
            pytest.param(
                "insert into history select (jsonb_populate_record(h, jsonb_build_object('id', gen_random_uuid(),"
                " 'version', 5, 'previous_digest', h.digest, 'digest', h.digest))).* from history h where version = 4",
                *(Test.DIGEST, 5),
                id="an entry that was put in",
            ),
            pytest.param(
                "update history h set version = -version where version in (2, 3); "
                "update history h set version = 5 + version where version in (-2, -3)",
                *(Test.PREVIOUS, 2),
                id="two entries in each other's place",
            ),
            pytest.param("update task set percent = 77 where true", Test.STATE, 4, id="the record itself"),
            pytest.param(
                "update task set parties = jsonb_set(parties, '{coordinating, 0, confirmed_at}', '\"2026-01-01\"')"
                " where true",
                *(Test.STATE, 4),
                id="a confirmation that nobody gave",
            ),
            pytest.param("update task set version = 5 where true", Test.TAIL, 4, id="the record's version"),
        ],
    )
    async def test_the_first_broken_link_is_named(
        self, world: World, statement: str, test: Test, version: int, tampered: Tampering
    ) -> None:
        path = await world.submitted()
        task, agreement = path.split("/")[-1], (await world.person("dongtrieu").read(path))["agreement_id"]
        column = "id" if "update task" in statement else "subject_id"
        async with tampered(statement.replace("where ", f"where {column} = '{task}' and ")):
            proof = await verify(world.registry.database, UUID(agreement))
            assert proof.first_break is not None
            assert (proof.first_break.subject_kind, str(proof.first_break.subject_id)) == ("task", task)
            assert (proof.first_break.test, proof.first_break.version) == (test, version)
            found = await world.person("dongtrieu").read(f"/v1/agreements/{agreement}/history/verification")
            assert found["valid"] is False
            assert found["broken"][0]["test"] == test

    @pytest.mark.parametrize(
        "statement",
        [
            "update agreement set title = 'khác' where id = '{id}'",
            "update agreement_party set signatory_name = 'khác' where agreement_id = '{id}'",
            "update signature set signatory_name = 'khác' where agreement_id = '{id}'",
            "delete from signature where agreement_id = '{id}'",
            "update agreement_clause set text = 'khác' where agreement_id = '{id}'",
        ],
    )
    async def test_signatures_and_clauses_are_proved_with_their_agreement(
        self, world: World, statement: str, tampered: Tampering
    ) -> None:
        plan = await world.plan()
        async with tampered(statement.format(id=plan["id"])):
            proof = await verify(world.registry.database, UUID(plan["id"]))
            assert [(one.test, one.subject_kind, one.version) for one in proof.breaks] == [(Test.STATE, "agreement", 8)]

    async def test_history_without_its_record_is_found(self, world: World, tampered: Tampering) -> None:
        task = await world.task(await world.plan())
        async with tampered(f"delete from task where id = '{task['id']}'"):
            proof = await verify(world.registry.database, UUID(task["agreement_id"]))
            assert [(one.test, str(one.subject_id)) for one in proof.breaks] == [(Test.RECORD, task["id"])]

    async def test_everything_is_proved_in_batches(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        for _ in range(3):
            await world.task(await world.plan())
        whole = await verify(world.registry.database)
        monkeypatch.setattr("agreements_api.history.verification.BATCH", 2)
        monkeypatch.setattr("agreements_api.history.verification.HEADS", 2)
        again = await verify(world.registry.database)
        assert (again.records, again.entries, again.head) == (whole.records, whole.entries, whole.head)
        counted = await world.rows("select count(*) as entries, count(distinct subject_id) as records from history")
        assert (whole.entries, whole.records) == (counted[0]["entries"], counted[0]["records"])
        assert (await head_at(world.registry.database, clock.now())).head == whole.head

    async def test_a_head_is_the_same_whenever_it_is_asked_for(self, world: World) -> None:
        path = await world.under_way()
        instant = clock.now()
        written_down = (await head_at(world.registry.database, instant)).head
        await world.specialist("ubnd-dongtrieu").step(path, "reports", REPORT)
        assert (await head_at(world.registry.database, instant)).head == written_down
        assert (await head_at(world.registry.database, clock.now())).head != written_down

    async def test_a_head_that_was_written_down_finds_who_recomputed_the_whole_chain(
        self, world: World, tampered: Tampering
    ) -> None:
        """The one thing that the chain itself cannot tell."""
        path = await world.under_way()
        task = path.split("/")[-1]
        instant = clock.now()
        written_down = (await head_at(world.registry.database, instant)).head
        forge = f"""
            update history set actor_name = 'khác' where subject_id = '{task}' and version = 1;
            update history h set digest = history_digest(h) where subject_id = '{task}' and version = 1;
            update history h set previous_digest = p.digest from history p
                where h.subject_id = '{task}' and h.version = 2 and p.subject_id = h.subject_id and p.version = 1;
            update history h set digest = history_digest(h) where subject_id = '{task}' and version = 2
        """
        async with tampered(forge):
            assert (await verify(world.registry.database)).broken == 0
            assert (await head_at(world.registry.database, instant)).head != written_down


class TestCommand:
    async def test_it_counts_and_says_that_all_holds(self, world: World, command: Command) -> None:
        await world.under_way()
        result = await command("audit", "verify")
        assert result.exit_code == 0, result.stderr
        counted = await world.rows("select count(*) as entries, count(distinct subject_id) as records from history")
        assert f"{counted[0]['records']} records, {counted[0]['entries']} entries, head " in result.stdout

    async def test_it_ends_with_1_and_names_the_first_broken_link(
        self, world: World, command: Command, tampered: Tampering
    ) -> None:
        path = await world.under_way()
        task = path.split("/")[-1]
        agreement = (await world.person("dongtrieu").read(path))["agreement_id"]
        async with tampered(f"update history set remark = 'x' where subject_id = '{task}' and version = 2"):
            for arguments in ((), ("--agreement", agreement)):
                result = await command("audit", "verify", *arguments)
                assert result.exit_code == 1
                assert f"the first broken link is version 2 of task {task}" in result.stderr
                assert "digest" in result.stderr

    async def test_an_agreement_that_is_not_there_is_not_proved(self, world: World, command: Command) -> None:
        result = await command("audit", "verify", "--agreement", str(uuid4()))
        assert result.exit_code == 1
        assert "there is no agreement" in result.stderr

    async def test_the_head_is_of_an_instant(self, world: World, command: Command) -> None:
        await world.under_way()
        instant = clock.now()
        first = await command("audit", "head", "--at", instant.isoformat())
        await world.under_way()
        assert await command("audit", "head", "--at", instant.isoformat()) == first
        assert (await head_at(world.registry.database, instant)).head in first.stdout
        # What may still be under way is not in it.
        assert "0 records, 0 entries" in (await command("audit", "head")).stdout

    @pytest.mark.parametrize("instant", ["2199-01-01", "hôm qua"])
    async def test_a_head_of_no_instant_is_refused(
        self, world: World, command: Command, instant: str, tampered: Tampering
    ) -> None:
        assert (await command("audit", "head", "--at", instant)).exit_code == 2


@pytest.mark.parametrize(
    ("told", "present", "path"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, None),
        ({"a": 1}, {"a": 2}, "/a"),
        ({"a": 1, "b": None}, {"a": 1}, "/b"),
        ({"parties": [{"id": 1}]}, {"parties": [{"id": 1, "role": "x"}]}, None),
        ({"parties": [{"id": 1}]}, {"parties": [{"id": 1}, {"id": 2}]}, "/parties"),
        ({"parties": [{"id": 1}, {"id": 2}]}, {"parties": [{"id": 1}, {"id": 3}]}, "/parties/1/id"),
    ],
)
def test_what_a_record_has_got_since_contradicts_nothing(told: Json, present: Json, path: str | None) -> None:
    assert contradiction(told, present) == path


@pytest.fixture
def command(tmp_path: Path, agreements_database: DatabaseAddress) -> Command:
    return command_line(agreements_database, tmp_path)


@pytest.fixture
def tampered(world: World, cluster: Cluster) -> Tampering:
    return tampering(world, cluster, TABLES)


@asynccontextmanager
async def application(world: World, key: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """A connection of the application's own role, for somebody; nothing of it stays."""
    connection = await asyncpg.connect(world.address.url)
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(
            "select set_config('lienvung.organization_id', $1, false)", str(world.organizations[key].id)
        )
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()
