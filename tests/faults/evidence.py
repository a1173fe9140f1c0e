"""Collects from the outside what the faults left behind: databases, topics, in-app lists and the folder of mails."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email import message_from_binary_file
from email.policy import default as mail_policy
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer

from lienvung.stack import Stack
from notifier.alerts.expectations import Identity, expected_alerts, replay
from notifier.alerts.policy import policies
from notifier.deadlines.service import SubjectEvent
from shared.events import (
    AGREEMENTS,
    LOCALITIES,
    TASKS,
    AgreementEvent,
    OrganizationEvent,
    OrganizationSnapshot,
    parse_envelope,
)
from shared.kafka import client_options
from tests.faults.cast import Cast
from tests.faults.checker import Alert, Change, Effects, Evidence
from tests.faults.client import Journal
from tests.faults.rest import declared_partitions

POLICIES = {kind.value: policy.name for kind, policy in policies(0).items()}
IN_APP, EMAIL = "in_app", "email"
# At whatever hour of the day it runs, there are reminders that are due at once.
FIRE_HOUR = 0

# What the services' own tables say was committed: the outbox of each, and the history beside it, which must agree.
_OUTBOX = "select aggregate_id::text, version, type from outbox order by id"
_HISTORY = "select subject_id::text as aggregate_id, version, subject_kind as kind from history"
_STATE = """
select id::text as aggregate_id, version, 'task' as kind from task
union all select id::text, version, 'agreement' from agreement
"""
_EVENTS = "select payload::text from outbox where topic = any($1) order by id"

# Where the text of each write is found again; a step without a text is known by the version that it started from.
_TOKENS = """
select token, count(*)::int as times from (
    select note as token from agreement
    union all select description from task
    union all select narrative from task_progress_report
    union all select remark from history where remark is not null
    union all select delegation from signature
    union all select change ->> 'to' from history, jsonb_array_elements(changes) change
        where (subject_kind, action, change ->> 'field')
            in (('task', 'update', 'note'), ('task', 'change_deadline', 'note'), ('agreement', 'update', 'title'))
    union all select concat_ws(':', action, subject_id, version - 1) from history where action in ('open', 'accept')
) found where token is not null group by token
"""
_REPORT_TOKENS = "select number as token, count(*)::int as times from report where number is not null group by number"

_PROJECTIONS = """
select task_id::text as id, max(version) as version from task_version group by task_id
union all select id::text, version from agreement
union all select id::text, version from organization
"""
_KEPT = "select task_id::text as aggregate_id, version, 'task' as kind from task_version"
# What is asked about a task has no version of its own here: its alerts are held against what was told.
_DEADLINES = """
select id::text, version from task where subject_kind in ('task', 'agreement')
union all select id::text, version from organization
"""
_FED = "select payload from feed_event order by position"
_DEAD_LETTERS = """
select concat_ws('/', consumer_group, topic, key, type, error) as letter from dead_letter where resolved_at is null
union all select concat_ws('/', consumer_group, topic, key, 'parked') from parked_key
"""
_SENT = """
select a.task_id::text, a.deadline_revision::text, a.policy, a.step, a.recipient_id::text, d.channel
from delivery d join alert a on a.id = d.alert_id where d.status = 'sent'
"""
_UNFINISHED_MAILS = "select concat_ws('/', 'delivery', id, status, error) from delivery where status <> 'sent'"
_UNFINISHED_REPORTS = """
select concat_ws('/', 'report', r.id, r.status, r.failure) from report r
left join report_content c on c.report_id = r.id where r.status <> 'ready' or c.report_id is null
"""

# Every table that holds an effect of an event, in what must never change when the event comes again.
_EFFECTS: Mapping[str, Mapping[str, str]] = {
    "agreements": {
        "outbox": "select concat_ws('|', id, event_id, aggregate_id, version) from outbox",
        "history": "select concat_ws('|', id, subject_id, version, action) from history",
    },
    "notifier": {
        "alert": "select concat_ws('|', id, task_id, deadline_revision, step, recipient_id, fired_at) from alert",
        "delivery": "select concat_ws('|', id, alert_id, status, attempts, finished_at) from delivery",
        "task": "select concat_ws('|', id, subject_kind, version, status, title) from task",
        "deadline": "select concat_ws('|', task_id, organization_id, role, due_on, revision, is_open, since,"
        " task_version) from deadline",
        "organization": "select concat_ws('|', id, version, name) from organization",
        "person": "select concat_ws('|', organization_id, account_id, email, roles, active) from person",
        "feed_event": "select concat_ws('|', position, event_id, type) from feed_event",
        "feed_member": "select concat_ws('|', organization_id, position) from feed_member",
        "alert_step": "select concat_ws('|', id, state, recipients, done_at) from alert_step where state <> 'planned'",
        "outbox": "select concat_ws('|', id, event_id, aggregate_id, version) from outbox",
    },
    "reporting": {
        "task_version": "select md5(t::text) from task_version t",
        "agreement": "select md5(a::text) from agreement a",
        "party": "select md5(p::text) from party p",
        "clause": "select md5(c::text) from clause c",
        "agreement_member": "select md5(m::text) from agreement_member m",
        "organization": "select md5(o::text) from organization o",
        "report": "select concat_ws('|', id, version, status, digest) from report",
        "outbox": "select concat_ws('|', id, event_id, aggregate_id, version) from outbox",
    },
}
_ARRIVAL_SECONDS = 60.0


async def collect(stack: Stack, cast: Cast, journal: Journal, *, sender_kills: int, now: datetime) -> Evidence:
    """Everything the checker judges by. `now` is when all that is expected had to be due."""
    evidence = Evidence(sender_kills=sender_kills, failures=list(journal.failures))
    evidence.writes = list(journal.writes.values())
    evidence.travelled = await travelled(stack.kafka)
    async with _databases(stack) as databases:
        for connection in databases.values():
            evidence.committed += await outbox(connection)
        evidence.committed += await _changes(databases["agreements"], _HISTORY)
        evidence.committed += await _changes(databases["agreements"], _STATE)
        for name, statement in (("agreements", _TOKENS), ("reporting", _REPORT_TOKENS)):
            evidence.applied |= {row["token"]: row["times"] for row in await databases[name].fetch(statement)}
        evidence.projections = await _held(databases["reporting"], _PROJECTIONS)
        evidence.kept = await _changes(databases["reporting"], _KEPT + " order by task_id, version")
        evidence.deadlines = await _held(databases["notifier"], _DEADLINES)
        evidence.fed = [_change(row["payload"].encode()) for row in await databases["notifier"].fetch(_FED)]
        for name in ("notifier", "reporting"):
            evidence.put_aside += await _texts(databases[name], _DEAD_LETTERS)
        evidence.failures += await _texts(databases["notifier"], _UNFINISHED_MAILS)
        evidence.failures += await _texts(databases["reporting"], _UNFINISHED_REPORTS)
        await _expect(evidence, databases["agreements"], now)
        evidence.expected_mails += [tuple(row) for row in await databases["notifier"].fetch(_SENT)]
    evidence.listed_alerts = await listed(cast)
    evidence.mailed = await asyncio.to_thread(mailed, stack.mail)
    return evidence


async def effects(stack: Stack) -> Effects:
    """The rows of every table that events have an effect on, and the mails."""
    found: dict[str, list[str]] = {}
    async with _databases(stack) as databases:
        for name, tables in _EFFECTS.items():
            for table, statement in tables.items():
                found[f"{name}.{table}"] = await _texts(databases[name], statement)
    found["mails"] = sorted(path.name for path in stack.mail.glob("*.eml"))
    return found


async def travelled(bootstrap_servers: str) -> list[Change]:
    """Every message of every topic from the beginning, in the order of each partition."""
    consumer: AIOKafkaConsumer[bytes, bytes] = AIOKafkaConsumer(**client_options(bootstrap_servers), group_id=None)
    await consumer.start()
    try:
        partitions = declared_partitions()
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        for partition in partitions:
            consumer.seek(partition, 0)
        found: list[Change] = []
        async with asyncio.timeout(_ARRIVAL_SECONDS):
            while any([await consumer.position(partition) < ends[partition] for partition in partitions]):
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    found += [_change(record.value or b"") for record in records]
        return found
    finally:
        await consumer.stop()


async def outbox(connection: asyncpg.Connection[Any]) -> list[Change]:
    """What was committed together with the business change, in the order in which it was written."""
    return [Change(row["aggregate_id"], row["version"], _kind(row["type"])) for row in await connection.fetch(_OUTBOX)]


async def listed(cast: Cast) -> list[Alert]:
    """The in-app list of every account, as the account itself reads it."""
    lists = [(person.account_id, await person.read_all("/v1/alerts")) for person in cast.people.values()]
    return [
        Alert(
            (
                item["subject_id"],
                str(item["deadline_revision"]),
                POLICIES[item["subject_kind"]],
                item["step"],
                account_id,
                IN_APP,
            )
        )
        for account_id, items in lists
        for item in items
    ]


def mailed(folder: Path) -> list[tuple[str, ...]]:
    """The identity of every message that reached the mail server, as its header says."""
    found = []
    for path in sorted(folder.glob("*.eml")):
        with path.open("rb") as file:
            message = message_from_binary_file(file, policy=mail_policy)
        found.append(tuple(str(message["X-Lienvung-Alert"]).split("/")))
    return found


async def _expect(evidence: Evidence, agreements: asyncpg.Connection[Any], now: datetime) -> None:
    """Derive the alerts anew from what was committed, and from nothing that the notifier knows."""
    events, organizations = await _told(agreements)
    for identity in expected_alerts(events, organizations, now, fire_hour=FIRE_HOUR):
        if identity[-1] == IN_APP:
            evidence.expected_alerts.append(Alert(identity))
        else:
            evidence.expected_mails.append(identity)
    evidence.possible_alerts = frozenset(ever_due(events, organizations, now))
    signings = replay(event for event in events if isinstance(event, AgreementEvent))
    evidence.signings = frozenset(str(agreement_id) for agreement_id in signings)


def ever_due(
    events: Sequence[SubjectEvent], organizations: Sequence[OrganizationSnapshot], now: datetime
) -> set[Identity]:
    """The alerts that were due at any version of their task or agreement: more than these must not exist."""
    of_subject: dict[UUID, list[SubjectEvent]] = defaultdict(list)
    for event in events:
        of_subject[event.aggregate_id].append(event)
    # What was derived a moment before a step fired may be dispatched a moment after.
    later = now + timedelta(hours=1)
    return {
        identity
        for history in of_subject.values()
        for length in range(1, len(history) + 1)
        for identity in expected_alerts(history[:length], organizations, later, fire_hour=FIRE_HOUR)
    }


async def _told(connection: asyncpg.Connection[Any]) -> tuple[list[SubjectEvent], list[OrganizationSnapshot]]:
    events: list[SubjectEvent] = []
    organizations: dict[UUID, OrganizationSnapshot] = {}
    for (payload,) in await connection.fetch(_EVENTS, [TASKS, AGREEMENTS, LOCALITIES]):
        event = parse_envelope(payload).data
        if isinstance(event, SubjectEvent):
            events.append(event)
        elif isinstance(event, OrganizationEvent):
            organizations[event.organization.id] = event.organization
    return events, list(organizations.values())


@asynccontextmanager
async def _databases(stack: Stack) -> AsyncIterator[dict[str, asyncpg.Connection[Any]]]:
    """A connection to each database as its owner, whom no row-level security hides anything from."""
    databases = {name: await asyncpg.connect(address.owner_url) for name, address in stack.databases.items()}
    try:
        yield databases
    finally:
        for connection in databases.values():
            await connection.close()


async def _changes(connection: asyncpg.Connection[Any], statement: str) -> list[Change]:
    return [Change(row["aggregate_id"], row["version"], row["kind"]) for row in await connection.fetch(statement)]


async def _held(connection: asyncpg.Connection[Any], statement: str) -> dict[str, int]:
    return {row["id"]: row["version"] for row in await connection.fetch(statement)}


async def _texts(connection: asyncpg.Connection[Any], statement: str) -> list[str]:
    return [row[0] for row in await connection.fetch(statement)]


def _change(message: bytes) -> Change:
    document = orjson.loads(message)
    return Change(document["subject"].rpartition("/")[2], document["data"]["version"], _kind(document["type"]))


def _kind(event_type: str) -> str:
    """`vn.lienvung.task.assigned.v1` is about a task."""
    return event_type.split(".")[2]
