"""One change of a meeting under way: the locked row, and the version that follows with its log and its event."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from agreements_api.history.service import changes_between
from agreements_api.meetings import errors, repository
from agreements_api.meetings.permissions import STEPS, allowed_actions, may, may_assign
from agreements_api.meetings.repository import Connection
from agreements_api.policy import Relation
from shared import clock
from shared.auth import Actor
from shared.etags import check_if_match
from shared.events import Change, EventActor, MeetingEvent, MeetingSnapshot
from shared.outbox import publish_on

# Fields whose changes the log tells of.
_TOLD = (
    *("kind", "title", "status", "host_organization_id", "place", "online_url", "starts_at", "ends_at", "held_on"),
    "agenda",
)
# Ends the name of a field that holds a person.
PERSON = "/person"


@dataclass(frozen=True)
class Step:
    """One step under way: the locked meeting, and the moment it happens at."""

    connection: Connection
    actor: Actor
    id: UUID
    agreement_id: UUID
    version: int
    demonstration: bool
    columns: dict[str, Any]
    now: datetime

    async def end(
        self,
        after: Mapping[str, Any],
        action: str,
        kind: Callable[..., MeetingEvent],
        more: Sequence[Change] = (),
        *,
        remark: str | None = None,
    ) -> asyncpg.Record:
        """Write the next version with its log and its event; what changes nothing makes no version."""
        changes = [*changes_of(self.columns, after), *more]
        if not changes:
            return await shown(self.connection, self.actor, self.id)
        version = self.version + 1
        await repository.update(self.connection, self.id, version, after, at=self.now)
        return await tell(
            self.connection,
            self.actor,
            self.id,
            self.agreement_id,
            version,
            action,
            kind,
            changes,
            at=self.now,
            remark=remark,
        )


async def begin(connection: Connection, actor: Actor, meeting_id: UUID, step: str, if_match: str | None) -> Step:
    """Lock the row, once the caller, the version and the status allow the step, asked in this order."""
    row = await repository.lock(connection, actor.organization_id, meeting_id)
    if row is None:
        raise errors.MeetingNotFound
    relations = relations_of(actor, row)
    if not (may_assign(actor, relations) if step == "assign" else may(actor, step, relations)):
        raise errors.NotAllowed
    check_if_match(if_match, row["version"])
    needed = "record" if step == "assign" else step
    if needed not in STEPS[row["status"]]:
        raise errors.NotPossible(row["status"], allowed_actions(actor, row["status"], relations))
    columns = {name: row[name] for name in repository.COLUMNS} | {"agenda": orjson.loads(row["agenda"])}
    return Step(
        connection, actor, meeting_id, row["agreement_id"], row["version"], row["demonstration"], columns, clock.now()
    )


def relations_of(actor: Actor, row: asyncpg.Record) -> list[str]:
    """How the caller's organisation stands to the agreement, and whether it hosts the meeting."""
    relations: list[str] = row["relations"]
    hosts = row["hosting_id"] == actor.organization_id
    return [*relations, Relation.OWN.value] if hosts else relations


async def tell(
    connection: Connection,
    actor: Actor,
    meeting_id: UUID,
    agreement_id: UUID,
    version: int,
    action: str,
    kind: Callable[..., MeetingEvent],
    changes: Sequence[Change],
    *,
    at: datetime,
    remark: str | None = None,
) -> asyncpg.Record:
    """Log and event of a version; gives back what a read shows of it."""
    row = await shown(connection, actor, meeting_id)
    await repository.add_log(
        connection,
        actor,
        ("meeting", meeting_id),
        agreement_id,
        version,
        action,
        changes,
        row["body"],
        at=at,
        remark=remark,
    )
    event = kind(
        version=version,
        actor=EventActor.of(actor),
        occurred_at=at,
        members=await repository.members(connection, agreement_id),
        # People's names stay in the log: events go to every member's systems.
        changes=[change for change in changes if not change.field.endswith(PERSON)],
        meeting=MeetingSnapshot.model_validate_json(row["body"]),
    )
    await publish_on(connection, event)
    return row


async def shown(connection: Connection, actor: Actor, meeting_id: UUID) -> asyncpg.Record:
    row = await repository.read(connection, actor.organization_id, meeting_id)
    assert row is not None
    return row


def changes_of(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    return changes_between(before, after, _TOLD)
