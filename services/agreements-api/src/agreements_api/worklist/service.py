"""Rules of worklists: whose it is, why each piece of work is due, and what ends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson

from agreements_api.agreements.signing import latest_over
from agreements_api.policy import Caller, Relation
from agreements_api.tasks.drafts import PERIOD_OF_FREQUENCY, due_period
from agreements_api.tasks.timeliness import soon_until
from agreements_api.worklist import errors, repository
from agreements_api.worklist.models import (
    REPORT_ACTION,
    REPORT_VERB,
    WAYS,
    Cycle,
    Step,
    Urgency,
    WorkKind,
    WorkReason,
    WorkScope,
    WorkSubjectKind,
)
from agreements_api.worklist.permissions import (
    may_read,
    may_see_colleague,
    may_take,
    of_everybody,
    takeable,
    takes_what_nobody_handles,
    visible,
)
from agreements_api.worklist.repository import Day, Filter, Person, Position
from agreements_api.worklist.wording import Told, message
from shared import clock
from shared.auth import Actor
from shared.calendar import WorkingCalendar
from shared.pagination import cut
from shared.problems import FieldError

Connection: TypeAlias = "asyncpg.Connection[Any]"

# Why a step is due, where that does not depend on the record.
_REASONS: dict[Step, WorkReason] = {
    Step.CONFIRM: WorkReason.WINDOW,
    Step.COMPLETE: WorkReason.TO_COMPLETE,
    Step.CONFIRM_HANDOVER: WorkReason.HANDOVER_STEP,
    Step.SIGN: WorkReason.SIGNATURE,
    Step.ANSWER_URGING: WorkReason.URGED,
    Step.ANSWER_EXPLANATION: WorkReason.EXPLANATION_ASKED,
    Step.DECIDE_EXTENSION: WorkReason.EXTENSION_REQUESTED,
    Step.DECIDE_SUCCESSION: WorkReason.SUCCESSION_OPEN,
    Step.ASSIGN_OUTCOME: WorkReason.OUTCOME_OPEN,
}


@dataclass(frozen=True)
class Asked:
    """A question for a worklist, as the caller put it."""

    scope: WorkScope
    kinds: Sequence[WorkKind]
    urgencies: Sequence[Urgency]
    agreement_id: UUID | None
    assignee: UUID | None
    unassigned: bool


@dataclass(frozen=True)
class Counted:
    """What there is of each kind and of each urgency in the whole list."""

    kinds: Counter[str]
    urgencies: Counter[str]

    def as_json(self) -> str:
        return orjson.dumps(
            {
                "total": self.kinds.total(),
                "kinds": {kind.value: self.kinds[kind] for kind in WorkKind},
                "urgencies": {urgency.value: self.urgencies[urgency] for urgency in Urgency},
            }
        ).decode()


@dataclass(frozen=True)
class Found:
    """A page with the position after it where another page follows, and the counts of the whole list."""

    rows: list[asyncpg.Record]
    following: Position | None
    counted: Counted
    day: Day


async def read(
    connection: Connection,
    actor: Actor,
    asked: Asked,
    *,
    report_days: int,
    after: Position | None,
    limit: int,
) -> Found:
    """What waits for the caller, or for his organisation."""
    today = clock.today()
    day = day_of(today, report_days)
    found = await repository.read(
        connection, actor.organization_id, narrowed(actor, asked), day, after=after, limit=limit + 1
    )
    rows, last = cut([row for row in found if row["step"] is not None], limit)
    following = (last["due_key"], last["subject_id"], last["step"]) if last else None
    return Found(rows, following, _counted(found[0]["counts"]), day)


def check(actor: Actor, asked: Asked) -> None:
    """Refuse whoever may not ask, and what does not go together."""
    if not may_read(actor):
        raise errors.NotAllowed
    found: list[FieldError] = []
    if asked.scope is WorkScope.PERSON:
        if asked.assignee is not None:
            found.append(errors.of_organization_only("/query/assignee"))
        if asked.unassigned:
            found.append(errors.of_organization_only("/query/unassigned"))
    elif asked.assignee is not None and asked.unassigned:
        found.append(errors.contradicts_assignee("/query/unassigned"))
    if found:
        raise errors.CannotNarrow(errors=found)
    if asked.assignee not in (None, actor.id) and not may_see_colleague(actor):
        raise errors.NotAllowed


def narrowed(actor: Actor, asked: Asked) -> Filter:
    """What the list is narrowed to for this caller."""
    caller = Caller.of(actor)
    steps = visible(caller)
    person: Person | None = None
    if asked.scope is WorkScope.PERSON:
        steps &= takeable(caller)
        person = Person(actor.id, sorted(steps - of_everybody(steps)), takes_what_nobody_handles(actor))
        if actor.kind == "client":
            # A system is nobody to whom work is handed out: what its scopes let it do is its.
            person = None
    wanted = [step for step in Step if WAYS[step].kind in asked.kinds] if asked.kinds else None
    return Filter(
        visible=sorted(steps),
        person=person,
        assignee=asked.assignee,
        unassigned=asked.unassigned,
        agreement_id=asked.agreement_id,
        steps=wanted,
        urgencies=asked.urgencies,
    )


@lru_cache(maxsize=16)
def day_of(today: date, report_days: int) -> Day:
    """What the list of a day is counted by."""
    return Day(today, soon_until(today), cycles(today, report_days), latest_over(today, WorkingCalendar()))


@lru_cache(maxsize=16)
def cycles(today: date, report_days: int) -> tuple[Cycle, ...]:
    """For each frequency the official period whose report is due, and until when."""
    calendar = WorkingCalendar()
    found = ((frequency, due_period(kind, today, None)) for frequency, kind in PERIOD_OF_FREQUENCY.items())
    return tuple(
        Cycle(frequency, start, end, calendar.add_working_days(end, report_days)) for frequency, (start, end) in found
    )


def shown(actor: Actor, row: asyncpg.Record, day: Day, language: str) -> str:
    """One piece of work as JSON."""
    step = Step(row["step"])
    way = WAYS[step]
    due_on = None if row["due_key"] == date.max else row["due_key"]
    reason, urgency = reason_of(step, row), Urgency(row["urgency"])
    period = next(((one.starts_on, one.ended_on) for one in day.cycles if one.frequency == row["frequency"]), None)
    told = Told(reason, urgency, due_on, day.today, period, row["asked_on"])
    names = {"subject": row["subject_id"], "task": row["task_id"], "part": row["part"]}
    href = way.href.format(**names)
    name, verb = way.action, way.verb.format(**names)
    if reason is WorkReason.PERIOD_REPORT:
        name, verb = REPORT_ACTION, REPORT_VERB
    own = row["counterpart_id"] in (None, actor.organization_id)
    body = {
        "kind": way.kind,
        "reason": reason,
        "message": message(told, language),
        "urgency": urgency,
        "due_on": due_on,
        "due_at": None if due_on is None else clock.end_of(due_on).astimezone(UTC),
        "subject": {
            "type": way.subject,
            "id": row["part"] if way.subject is WorkSubjectKind.MEETING else row["subject_id"],
            "version": row["version"],
            "title": row["title"],
            "href": href,
            "task_id": row["task_id"],
            "agreement_id": row["agreement_id"],
            "agreement_number": row["agreement_number"],
            "agreement_title": row["agreement_title"],
        },
        "action": {"name": name, "method": "POST", "href": f"{href}/{verb}"}
        if may_take(Caller.of(actor), step, row["relation"])
        else None,
        "counterpart": None if own else {"organization_id": row["counterpart_id"], "name": row["counterpart_name"]},
    }
    return orjson.dumps(body, default=str, option=orjson.OPT_UTC_Z).decode()


def reason_of(step: Step, row: asyncpg.Record) -> WorkReason:
    """Why the step is due."""
    lead = row["relation"] == Relation.LEAD
    if step is Step.ACCEPT:
        return WorkReason.TO_LEAD if lead else WorkReason.TO_COORDINATE
    if step is Step.RESOLVE_OBSTACLE:
        return WorkReason.OBSTACLE_OPEN if lead else WorkReason.OBSTACLE_ESCALATED
    if step is Step.REPORT:
        if row["frequency"] is not None:
            return WorkReason.PERIOD_REPORT
        if row["came_back"]:
            return WorkReason.RETURNED if row["sent_back"] else WorkReason.REOPENED
        return WorkReason.DEADLINE
    return _REASONS[step]


def _counted(counts: str) -> Counted:
    kinds: Counter[str] = Counter()
    urgencies: Counter[str] = Counter()
    for step, urgency, number in orjson.loads(counts):
        kinds[WAYS[Step(step)].kind] += number
        urgencies[urgency] += number
    return Counted(kinds, urgencies)
