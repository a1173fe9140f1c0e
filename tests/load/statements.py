"""The product's own statements with their values, as its repositories send them: the baselines send the same."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, timedelta
from re import compile as pattern
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import asyncpg
import orjson
from starlette.requests import Request
from starlette.responses import Response

from agreements_api.representation import json_response, with_actions
from agreements_api.tasks import lists_repository, reading_repository, service
from agreements_api.tasks.lists_repository import Filter
from agreements_api.tasks.schemas import ProgressReportCreate
from agreements_api.tasks.timeliness import soon_until
from shared import clock
from shared.auth import Actor
from shared.etags import etag
from shared.idempotency import Fingerprints, run_idempotent
from shared.ids import new_id
from tests.load.bare import Statement

PAGE = 50
_UUID = pattern("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# A version that no other number in a statement equals, so that it can be found and replaced.
TEMPLATE_VERSION = 777_000_777


class Recorder:
    """Stands for a connection: notes what is sent, and hands it to a real one where there is one."""

    def __init__(self, connection: asyncpg.Connection[Any] | None = None) -> None:
        self.sent: list[Statement] = []
        self._connection = connection

    async def fetchrow(self, statement: str, *values: Any) -> Any:
        self.sent.append((statement, values))
        return await self._connection.fetchrow(statement, *values) if self._connection else None

    async def fetch(self, statement: str, *values: Any) -> Any:
        self.sent.append((statement, values))
        return await self._connection.fetch(statement, *values) if self._connection else []

    async def execute(self, statement: str, *values: Any) -> Any:
        self.sent.append((statement, values))
        return await self._connection.execute(statement, *values) if self._connection else ""


async def sent_by(work: Callable[[asyncpg.Connection[Any]], Awaitable[object]]) -> list[Statement]:
    """What a function of a repository sends."""
    recorder = Recorder()
    await work(cast("asyncpg.Connection[Any]", recorder))
    return recorder.sent


async def read_statement(organization_id: UUID, task_id: UUID) -> Statement:
    """One task."""
    today = clock.today()
    [statement] = await sent_by(
        lambda connection: reading_repository.read(
            connection, organization_id, task_id, today=today, soon=soon_until(today)
        )
    )
    return statement


async def page_statement(organization_id: UUID) -> Statement:
    """The first page of fifty, and the one more that tells whether another follows."""
    today = clock.today()
    [statement] = await sent_by(
        lambda connection: lists_repository.list_tasks(
            connection,
            organization_id,
            Filter(),
            sort="due_on",
            after=None,
            limit=PAGE + 1,
            today=today,
            soon=soon_until(today),
        )
    )
    return statement


def report_body(today: date) -> bytes:
    """A progress report as a caller sends it."""
    return orjson.dumps(
        {
            "period_start": str(today - timedelta(days=30)),
            "period_end": str(today),
            "percent": 45,
            "narrative": "Báo cáo tổng hợp để đo tải: đã rà soát một phần tuyến đường, không phải số liệu thật.",
            "difficulties": "Không có khó khăn thật nào.",
        }
    )


# The owner alone can make a history that begins in the middle: nobody else gets by the chain.
_AT_TEMPLATE = (
    "alter table history disable trigger history_chain",
    """
    insert into history select (jsonb_populate_record(h, jsonb_build_object(
        'id', gen_random_uuid(), 'version', {version}, 'previous_digest', h.digest))).*
    from history h where h.subject_id = '{task_id}' and h.version = 1
    """,
    "alter table history enable trigger history_chain",
    "update task set version = {version} where id = '{task_id}'",
)


async def report_statements(owner: asyncpg.Connection[Any], actor: Actor, task_id: UUID) -> list[Statement]:
    """All that a progress report sends within its transaction, of a task at TEMPLATE_VERSION; nothing of it stays."""
    transaction = owner.transaction()
    await transaction.start()
    try:
        for statement in _AT_TEMPLATE:
            await owner.execute(statement.format(version=TEMPLATE_VERSION, task_id=task_id))
        recorder = Recorder(owner)
        await _report(cast("asyncpg.Connection[Any]", recorder), actor, task_id)
        return recorder.sent
    finally:
        await transaction.rollback()


async def _report(connection: asyncpg.Connection[Any], actor: Actor, task_id: UUID) -> None:
    body = report_body(clock.today())
    request = Request(
        {
            "type": "http",
            "method": "POST",
            "path": f"/v1/tasks/{task_id}/reports",
            "query_string": b"",
            "headers": [(b"if-match", f'"v{TEMPLATE_VERSION}"'.encode())],
            "app": SimpleNamespace(state=SimpleNamespace(fingerprints=Fingerprints(b"synthetic"))),
        },
        _receive(body),
    )

    async def handle() -> Response:
        row = await service.report(
            connection, actor, task_id, f'"v{TEMPLATE_VERSION}"', ProgressReportCreate.model_validate_json(body)
        )
        planning = ("extend", "set_milestones", "set_dependencies", "set_recurrence", "reassign", "suspend")
        shown = with_actions(row["body"], ("update", "report", "submit", *planning, "cancel"))
        headers = {"ETag": etag(row["version"], row["timeliness"]), "Location": f"/v1/tasks/{task_id}"}
        return json_response(shown, status_code=201, headers=headers)

    await run_idempotent(request, connection, actor, str(new_id()), handle)


def _receive(body: bytes) -> Callable[[], Awaitable[dict[str, Any]]]:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def renewed(template: Sequence[Statement], task_id: UUID, new_task_id: UUID, version: int) -> list[Statement]:
    """The same statements for another task at another version, with new identifiers wherever a request makes some."""
    names = Renaming(template, task_id, new_task_id, version)
    return [(statement, [names.value(value) for value in values]) for statement, values in template]


class Renaming:
    """Replaces the identifiers and versions of one request by those of the next, inside of JSON texts as well."""

    def __init__(self, template: Sequence[Statement], task_id: UUID, new_task_id: UUID, version: int) -> None:
        made = _made_by_the_request(template)
        self._ids: Mapping[UUID, UUID] = {task_id: new_task_id} | {old: new_id() for old in made}
        self._versions = {TEMPLATE_VERSION: version, TEMPLATE_VERSION + 1: version + 1}
        self._texts = {str(old): str(new) for old, new in self._ids.items()}
        self._texts |= {str(old): str(new) for old, new in self._versions.items()}

    def value(self, value: Any) -> Any:
        """A value of a statement, with everything of the template replaced."""
        if isinstance(value, UUID):
            return self._ids.get(value, value)
        if isinstance(value, bool):
            return value
        if isinstance(value, int):
            return self._versions.get(value, value)
        if isinstance(value, str):
            for old, new in self._texts.items():
                value = value.replace(old, new)
            return value
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return value


def _made_by_the_request(template: Sequence[Statement]) -> list[UUID]:
    """Identifiers that carry the time of just now: those of the synthetic records are digests."""
    texts = "\n".join(str(value) for _, values in template for value in _flat(values))
    now = clock.wall_now().timestamp() * 1000
    found = (UUID(text) for text in _UUID.findall(texts))
    return list(dict.fromkeys(identity for identity in found if abs((identity.int >> 80) - now) < 3_600_000))


def _flat(values: Sequence[Any]) -> list[Any]:
    return [item for value in values for item in (_flat(value) if isinstance(value, list | tuple) else [value])]
