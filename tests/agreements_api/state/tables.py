"""What the tables hold, and what a step left in them: read beside the product, by nobody's rights."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import asyncpg

from lienvung.postgres import DatabaseAddress
from tests.agreements_api.worklist.following import DIFFERENCES
from tests.parts import Cluster

# A version of a record: its id and the number.
Version: TypeAlias = tuple[str, int]

# Who people are and where they live; all else begins anew with each walk.
_STAYS = (
    *("account", "organization", "organization_contact", "unit", "unit_parent", "unit_succession", "plan_period"),
    *("product_clock", "service_secret", "relay_state", "alembic_version", "api_client", "client_secret"),
    "administration_log",
)
# Records whose every version has an entry in a log and an event, with the log's columns; where there is none, an event.
_TOLD: dict[str, tuple[str, str, str] | None] = {
    "agreement": ("history", "subject_id", "action"),
    "task": ("history", "subject_id", "action"),
    "obstacle": ("obstacle_log", "obstacle_id", "action"),
    "meeting": ("meeting_log", "subject_id", "action"),
    "meeting_promise": ("meeting_log", "subject_id", "action"),
    "boundary_case": ("boundary_case_log", "case_id", "action"),
    "corridor": ("corridor_history", "subject_id", "action"),
    "corridor_segment": ("corridor_history", "subject_id", "action"),
    "task_comment": ("task_comment_version", "comment_id", "'say'"),
    "document": None,
    "unit": None,
    "unit_succession": None,
    "organization": ("administration_log", "subject_id", "action"),
}
# Units that ended during a walk are there for the next one.
_AS_IF_NOTHING_HAD_ENDED = """
delete from unit_succession;
delete from administration_log l using organization o where o.id = l.subject_id and o.by_succession;
delete from organization where by_succession;
update unit set valid_to = null, version = 1 where valid_to is not null;
"""
# What is written once and never again, but for what ends its validity.
_WRITTEN_ONCE = {
    "history": "",
    "signature": "- 'voided_at' - 'void_reason'",
    "withdrawn_text": "",
    "task_progress_report": "",
    "task_confirmation": "",
    "obstacle_log": "",
    "meeting_log": "",
    "meeting_minutes": "",
    "boundary_case_log": "",
    "corridor_history": "",
    "administration_log": "",
    "task_comment_version": "",
    "task_report_evidence": "",
    "outbox": "- 'xid'",
}
# What identifies a row that has no id of its own.
_KEYS = {
    "task_comment_version": "t.comment_id || '/' || t.version",
    "task_report_evidence": "t.report_id || '/' || t.document_id",
}
# What has been answered, decided or ended stays as it is.
_SETTLED = {
    "task_urging": "t.status = 'answered'",
    "task_extension": "t.state <> 'requested'",
    "boundary_case": "t.state = 'closed'",
    "meeting": "t.status = 'cancelled'",
    "open_point": "t.state = 'resolved'",
    "corridor_segment": "t.withdrawn_at is not null",
    "document": "t.removed_at is not null",
}
# The clock is moved from outside. A content comes before whatever refers to it: a request that is refused in the end
# may have brought one, which is swept up.
_PASSED_OVER = {"product_clock", "document_content"}


@dataclass(frozen=True)
class Told:
    """An entry of a log, or an event: what is said of which version of which record."""

    record: str
    version: int
    what: str


@dataclass
class Delta:
    """What one step left behind."""

    tables: set[str]
    # Versions that are there now and were not before, by record.
    raised: dict[str, tuple[int, int]]
    gone: set[str]
    logged: list[Told]
    events: list[Told]
    kinds: dict[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return not (self.tables or self.raised or self.gone or self.logged or self.events)


class Tables:
    """One connection that sees everything, and the state at the last look."""

    def __init__(self, connection: asyncpg.Connection[Any], tables: list[str], look: str) -> None:
        self.connection = connection
        self._tables = tables
        self._look = look
        self._counts: dict[str, int] = {}
        self._horizon = 0
        self._versions: dict[str, int] = {}
        self._written: dict[str, dict[str, str]] = {}
        self._settled: dict[str, dict[str, str]] = {}

    @classmethod
    async def open(cls, cluster: Cluster, address: DatabaseAddress) -> Tables:
        database = address.owner_url.rsplit("/", 1)[1]
        connection = await asyncpg.connect(cluster.admin_url.rsplit("/", 1)[0] + "/" + database)
        rows = await connection.fetch(
            "select relname from pg_class where relkind in ('r', 'p') and not relispartition"
            " and relnamespace = 'public'::regnamespace order by relname"
        )
        return cls(connection, [row["relname"] for row in rows], _look([row["relname"] for row in rows]))

    async def clear(self) -> None:
        """An empty product, with its people: nothing of an earlier walk is there."""
        gone = ", ".join(table for table in self._tables if table not in _STAYS)
        async with self.connection.transaction():
            # The append-only tables refuse it otherwise, and rightly.
            await self.connection.execute("set local session_replication_role = replica")
            await self.connection.execute(f"truncate {gone} cascade")
            await self.connection.execute(_AS_IF_NOTHING_HAD_ENDED)
        self._written, self._settled = {}, {}
        await self.look()

    async def look(self) -> Delta:
        """What came since the last look. Only what was committed is seen, so a step that was refused leaves nothing."""
        row = await self.connection.fetchrow(self._look, self._horizon)
        assert row is not None
        counts = {one[0]: (int(one[1]), int(one[2])) for one in row["tables"]}
        changed = {table for table, (all_, new) in counts.items() if new or self._counts.get(table, all_) != all_}
        versions = {one[0]: int(one[1]) for one in row["versions"]}
        kinds = {one[0]: one[2] for one in row["versions"]}
        raised = {
            record: (self._versions.get(record, 0), version)
            for record, version in versions.items()
            if self._versions.get(record, 0) != version
        }
        delta = Delta(
            changed - _PASSED_OVER,
            raised,
            self._versions.keys() - versions.keys(),
            [Told(one[0], int(one[1]), one[2]) for one in row["logged"]],
            [Told(one[0], int(one[1]), one[2]) for one in row["events"]],
            kinds,
        )
        self._counts = {table: all_ for table, (all_, _) in counts.items()}
        self._versions, self._horizon = versions, int(row["horizon"])
        return delta

    async def overwritten(self) -> list[str]:
        """Of what is written once or settled, what is another thing than at the last time."""
        found: list[str] = []
        for known, conditions in ((self._written, dict.fromkeys(_WRITTEN_ONCE, "true")), (self._settled, _SETTLED)):
            for table, where in conditions.items():
                key = _KEYS.get(table, "t.id")
                rows = await self.connection.fetch(
                    f"select ({key})::text as key, (to_jsonb(t) {_WRITTEN_ONCE.get(table, '')})::text as state"
                    f" from {table} t where {where}"
                )
                now = {row["key"]: row["state"] for row in rows}
                found += [
                    f"{table} {key}: {before} became {now.get(key, 'nothing')}"
                    for key, before in known.get(table, {}).items()
                    if now.get(key) != before
                ]
                known[table] = now
        return found

    async def work_amiss(self) -> list[str]:
        """Where the rows of worklists are not what follows from the records."""
        return [row["found"] for row in await self.connection.fetch(DIFFERENCES)]

    async def repeating(self) -> set[str]:
        """The agreements in which a task comes again."""
        rows = await self.connection.fetch("select agreement_id from task_recurrence where ended_at is null")
        return {str(row["agreement_id"]) for row in rows}

    async def contents(self) -> set[str]:
        """The digests of all contents that are kept."""
        rows = await self.connection.fetch("select digest from document_content where removed_at is null")
        return {row["digest"] for row in rows}

    async def edges(self) -> list[tuple[str, str]]:
        """Which task waits for which."""
        rows = await self.connection.fetch("select task_id, depends_on_task_id from task_dependency")
        return [(str(row["task_id"]), str(row["depends_on_task_id"])) for row in rows]

    async def moves(self) -> list[tuple[str, str, str, str]]:
        """Every change of a task's status that history tells of: the task, the step, from where and to where."""
        rows = await self.connection.fetch(
            "select subject_id::text, action, state->>'status' as status, lag(state->>'status')"
            " over (partition by subject_id order by version) as before from history where subject_kind = 'task'"
        )
        return [
            (row["subject_id"], row["action"], row["before"], row["status"])
            for row in rows
            if row["before"] is not None and row["before"] != row["status"]
        ]


def unsaid(delta: Delta) -> list[str]:
    """Where versions, log and events do not say the same."""
    found = []
    steps = Counter[Version](
        (record, version)
        for record, (before, after) in delta.raised.items()
        for version in range(before + 1, after + 1)
    )
    kept = Counter({one: count for one, count in steps.items() if _TOLD[delta.kinds[one[0]]] is not None})
    logged = Counter((one.record, one.version) for one in delta.logged)
    events = Counter((one.record, one.version) for one in delta.events)
    for name, told, due in (("log", logged, kept), ("outbox", events, steps)):
        found += [f"version {version} of {record} is not in the {name}" for record, version in due - told]
        found += [f"the {name} has a version {version} of {record} that is none" for record, version in told - due]
    return found


def _look(tables: list[str]) -> str:
    since = "xmin::text::bigint >= $1"
    counts = " union all ".join(
        f"select array['{table}', count(*)::text, (count(*) filter (where {since}))::text] as one from {table}"
        for table in tables
    )
    versions = " union all ".join(
        f"select array[id::text, version::text, '{table}'] as one from {table}" for table in _TOLD
    )
    logs = {told for told in _TOLD.values() if told is not None}
    logged = " union all ".join(
        f"select array[{column}::text, version::text, {action}] as one from {log} where {since}"
        for log, column, action in sorted(logs)
    )
    events = (
        "select array[aggregate_id::text, version::text, regexp_replace(type, '^vn.lienvung.|.v1$', '', 'g')] as one"
        f" from outbox where {since} order by id"
    )
    return f"""
select pg_snapshot_xmax(pg_current_snapshot())::text as horizon,
    array(select one from ({counts}) x) as tables,
    array(select one from ({versions}) x) as versions,
    array(select one from ({logged}) x) as logged,
    array(select one from ({events}) x) as events
"""
