"""Who answers for each promise of an agreement on a day, and deciding it where several could."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements import repository as agreements
from agreements_api.agreements.errors import AgreementNotFound
from agreements_api.agreements.models import Agreement
from agreements_api.corridors import succession as corridors
from agreements_api.localities import service as localities
from agreements_api.localities.models import UnitLevel
from agreements_api.localities.schemas import SuccessionCreate
from agreements_api.party_succession import (
    cases_repository,
    errors,
    naming,
    queue_repository,
    records_repository,
    repository,
)
from agreements_api.party_succession.answering import Step, Successor, Taken, recorded
from agreements_api.party_succession.cases_repository import Case
from agreements_api.party_succession.following import Ends, Heir, Heirs
from agreements_api.party_succession.models import CaseState, RunState
from agreements_api.party_succession.permissions import allowed_actions, may_apply, may_decide
from agreements_api.party_succession.places import (
    Succession,
    TakesPlace,
    case_rows,
    promisers,
    reassign,
    responsibility,
    succeed,
)
from agreements_api.party_succession.relations import Moves, Row
from agreements_api.party_succession.repository import Acting, Organization
from agreements_api.party_succession.runs import queue
from agreements_api.party_succession.schemas import (
    Answering,
    Candidate,
    DecisionMade,
    Promise,
    Promiser,
    Responsible,
    SuccessionCase,
    SuccessionDecision,
    SuccessionRecorded,
    SuccessionRun,
    SuccessionShown,
    UnitShown,
)
from agreements_api.party_succession.segments import Inheritance, inheritance, to_give
from agreements_api.party_succession.writing import AgreementChange, TaskChange, write
from agreements_api.policy import Relation
from agreements_api.tasks import repository as tasks
from shared import clock
from shared.auth import Actor
from shared.db import as_system
from shared.etags import check_if_match
from shared.events import ResponsibilitySnapshot
from shared.ids import new_id

Connection = asyncpg.Connection
DECIDE = "decide_succession"
_Registered = Mapping[tuple[UUID, str], Sequence[Acting]]


async def responsible(
    connection: Connection[Any],
    organization_id: UUID | None,
    agreement_id: UUID,
    on: date,
    *,
    as_of: datetime | None = None,
) -> Responsible:
    """Every party, the custodian and everybody who takes part in a task, with who answers for them on that day.

    By what is recorded of successions and decisions, with the dates from which they hold: so it is the same whether
    they have been carried out or not, and for days long gone and still to come. With `as_of`, by what was promised,
    recorded and decided at that instant.
    """
    promises = await repository.promises(connection, organization_id, agreement_id, as_of=as_of)
    if promises is None:
        raise AgreementNotFound
    known = await repository.organizations(connection, list({row["organization_id"] for row in promises}))
    taken = await repository.taken(connection, organization_id, agreement_id, as_of=as_of)
    ends = Ends(on, as_of=as_of)
    await ends.learn(connection, {one.unit_id for one in known.values()})
    paths = [
        ends.follow(known[row["organization_id"]].unit_id, on, recorded(taken, row["task_id"], row["organization_id"]))
        for row in promises
    ]
    units = {candidate.unit_id for steps, _ in paths for step in steps for candidate in step.ended.verdict.candidates}
    kinds = list({one.kind for one in known.values()})
    registered = await repository.acting_for(connection, list(units), kinds, as_of=as_of)
    return Responsible(
        agreement_id=agreement_id,
        on=on,
        items=[
            Promise(
                relation=row["relation"],
                party_id=row["party_id"],
                task_id=row["task_id"],
                task_title=row["task_title"],
                promised_by=Promiser(organization_id=row["organization_id"], name=row["name"]),
                answers=_answers(known[row["organization_id"]], steps, complete, registered),
                provisional=any(step.provisional for step in steps),
                successions=[SuccessionShown.of(step) for step in steps],
                candidates=_undecided(known[row["organization_id"]], steps, registered),
            )
            for row, (steps, complete) in zip(promises, paths, strict=True)
        ],
    )


async def record_succession(session: AsyncSession, actor: Actor, body: SuccessionCreate) -> SuccessionRecorded:
    """A resolution and, from its day on, that others take the places of the units that ended by it."""
    recorded = await localities.record_succession(session, actor, body)
    run_id = await queue(session, actor, recorded.ended_unit_ids, recorded.effective_on)
    return SuccessionRecorded(**dict(recorded), run_id=run_id)


async def apply_all(session: AsyncSession, actor: Actor) -> UUID:
    """Have everything carried out that has ended by today, also what was signed since by bodies of ended units."""
    if not may_apply(actor):
        raise errors.NotAllowed
    return await queue(session, actor, None, clock.today())


async def read_run(connection: Connection[Any], actor: Actor, run_id: UUID) -> SuccessionRun:
    if not may_apply(actor):
        raise errors.NotAllowed
    row = await queue_repository.read_run(connection, run_id)
    if row is None:
        raise errors.RunNotFound
    return run_shown(row)


def run_shown(row: asyncpg.Record) -> SuccessionRun:
    values = dict(row)
    begun = RunState.RUNNING if row["started_at"] is not None else RunState.WAITING
    state = RunState.FINISHED if row["finished_at"] is not None else begun
    return SuccessionRun(requested_by=values.pop("requested_by_name"), state=state, **values)


async def shown(connection: Connection[Any], actor: Actor, rows: Sequence[asyncpg.Record]) -> list[SuccessionCase]:
    """Cases with those who could take each place."""
    ends = Ends(date.max)
    await ends.learn(connection, {row["old_unit_id"] for row in rows})
    units = {
        candidate.unit_id
        for row in rows
        if (ended := ends.of(row["old_unit_id"], date.max)) is not None
        for candidate in ended.verdict.candidates
    }
    registered = await repository.acting_for(connection, list(units), list({row["organization_kind"] for row in rows}))
    return [_case(actor, row, ends, registered) for row in rows]


async def decide(
    session: AsyncSession, actor: Actor, case_id: UUID, if_match: str | None, body: SuccessionDecision
) -> None:
    """One of the candidates takes the place for good; whoever held it provisionally reads on."""
    connection = await repository.connection_of(session)
    row = await cases_repository.read_case(connection, actor.organization_id, case_id)
    if row is None:
        raise errors.CaseNotFound
    # Whoever changes the agreement or one of its tasks waits here, or is waited for.
    agreement = await agreements.lock(session, actor, row["agreement_id"])
    case = await cases_repository.lock_case(connection, case_id)
    if agreement is None or case is None:
        raise errors.CaseNotFound
    if not may_decide(actor, await agreements.relations_of(session, actor, agreement.id)):
        raise errors.NotAllowed
    check_if_match(if_match, case.version)
    if case.state != CaseState.OPEN:
        raise errors.NotPossible(case.state)
    chosen = await _candidate(connection, case, body.unit_id)
    cases = [case]
    if body.whole_unit and body.task_ids is None:
        cases += await cases_repository.lock_cases_alike(connection, case)
    # Organisations may have to be founded, and places are taken of which he himself could not dispose.
    async with as_system(connection):
        decision = _Decision(session, connection, actor, agreement, body, chosen)
        await decision.begin(cases)
        if body.task_ids is not None:
            await decision.of_tasks(case, body.task_ids)
        else:
            for one in cases:
                await decision.of_all(one)
        await decision.carry_out()


class _Decision:
    """A decision under way: whose places go to whom, and what becomes of the records."""

    def __init__(
        self,
        session: AsyncSession,
        connection: Connection[Any],
        actor: Actor,
        agreement: Agreement,
        body: SuccessionDecision,
        chosen: Successor,
    ) -> None:
        self._session = session
        self._connection = connection
        self._actor = actor
        self._agreement = agreement
        self._body = body
        self._chosen = chosen
        self._now = clock.now()
        self._heirs = Heirs(clock.today())
        self._takers: dict[UUID, Heir] = {}
        # What is decided, by task (None: the agreement itself) and promiser.
        self._decided: dict[UUID | None, dict[UUID, Case]] = defaultdict(dict)
        self._inheritances: list[Inheritance] = []

    async def begin(self, cases: Sequence[Case]) -> None:
        """Learn how each promise has come to whoever holds it, and hold the tasks."""
        self._open = await tasks.lock_open_of(self._connection, [self._agreement.id])
        self._taken = await repository.taken_of_all(self._connection, self._agreement.id)
        self._ends = Ends(clock.today())
        promisers = {case.promised_by_organization_id for case in cases}
        self._known = await repository.organizations(self._connection, list(promisers))
        await self._ends.learn(self._connection, {one.unit_id for one in self._known.values()})
        for promised_by in promisers:
            heir = await self._heirs.heir_in(self._session, promised_by, self._chosen.unit_id)
            self._takers[promised_by] = heir

    async def of_all(self, case: Case) -> None:
        """Everything that came to somebody by this succession and was not decided apart."""
        promised_by = case.promised_by_organization_id
        way = self._way(None, promised_by)
        units = [step.ended.unit_id for step in way]
        if case.old_unit_id in units:
            self._decided[None][promised_by] = case
            after = units[units.index(case.old_unit_id) + 1 :]
            await cases_repository.supersede(self._connection, case, after, self._now)
        for task_id in self._concerned(case):
            self._decided[task_id][promised_by] = case
        self._inherit(case, None)
        await cases_repository.decide_case(self._connection, self._actor, case, await self._choice(promised_by))
        await self._follow_up(case, None)

    async def of_tasks(self, case: Case, task_ids: Sequence[UUID]) -> None:
        """Some tasks apart from the rest."""
        concerned = self._concerned(case)
        strange = [place for place, task_id in enumerate(task_ids) if task_id not in concerned]
        if strange:
            raise errors.NotConcerned(strange)
        promised_by = case.promised_by_organization_id
        rows = [(new_id(), task_id) for task_id in dict.fromkeys(task_ids)]
        choice = await self._choice(promised_by)
        await cases_repository.decide_tasks(self._connection, self._actor, case, rows, choice)
        for _, task_id in rows:
            self._decided[task_id][promised_by] = case
            self._inherit(case, task_id)
            await self._follow_up(case, task_id)

    async def carry_out(self) -> None:
        """The records, as far as they are open, with their history and events."""
        changed: list[AgreementChange] = []
        reason = self._body.reason
        if None in self._decided:
            parties = await agreements.parties_of(self._session, self._agreement.id)
            succession = succeed(self._agreement, parties, self._takes(None))
            if succession.places:
                changed.append(
                    AgreementChange(self._agreement, parties, succession.changes, self._told(succession, None), reason)
                )
        of = [locked for locked in self._open if locked.task.id in self._decided]
        confirmed = await records_repository.confirmed(self._connection, [locked.task.id for locked in of])
        reassigned: list[TaskChange] = []
        for locked in of:
            task_id = locked.task.id
            after, succession = reassign(locked.task, self._takes(task_id), confirmed.get(task_id, {}))
            reassigned.append(TaskChange(locked, after, succession.changes, self._told(succession, task_id), reason))
        members = await write(self._session, self._agreement, changed, reassigned, self._actor, DECIDE, self._now)
        await self._give_segments(await self._give_what_is_over(members))

    def _inherit(self, case: Case, task_id: UUID | None) -> None:
        """Segments go the way of the promise, those of a task's corridor that of a task that is decided apart."""
        promised_by = case.promised_by_organization_id
        apart = frozenset(
            task
            for (task, promiser), by_unit in self._taken.items()
            if task is not None and promiser == promised_by and case.old_unit_id in by_unit
        )
        found = inheritance(
            promised_by,
            self._way(task_id, promised_by),
            case.old_unit_id,
            self._takers[promised_by],
            task_id=task_id,
            apart=apart,
        )
        if found is not None:
            self._inheritances.append(found)

    async def _give_what_is_over(self, members: Sequence[UUID]) -> Sequence[UUID]:
        """What can still be done about completed and cancelled tasks goes the same way; who sees the agreement then."""
        add: set[Row] = set()
        drop: set[Row] = set()
        for one in self._inheritances:
            heir = one.heir.organization_id
            if one.task_id is not None:
                continue
            held = await records_repository.over_for(self._connection, self._agreement.id, one.since, one.until)
            for holder, source, relation in held:
                if holder != heir:
                    add |= {(heir, source, relation), (holder, source, Relation.FORMER.value)}
                    drop.add((holder, source, relation))
        await records_repository.change_members(self._connection, {self._agreement.id: Moves(add, drop, ())})
        return sorted({*members, *(row[0] for row in add)})

    async def _give_segments(self, members: Sequence[UUID]) -> None:
        """What whoever answered until now got by that; whoever gets nothing else in the agreement reads it at least."""
        holders = {holder for one in self._inheritances for holder in one.since}
        inherited = await corridors.inherited(self._connection, self._agreement.id, holders)
        given = list(to_give(inherited, self._inheritances))
        newcomers = {heir.organization_id for _, heir in given} - set(members)
        if newcomers:
            rows = [(one, self._agreement.id, Relation.FORMER.value) for one in sorted(newcomers)]
            await records_repository.change_members(self._connection, {self._agreement.id: Moves(rows, (), ())})
        everybody = sorted({*members, *newcomers})
        for segment, heir in given:
            await corridors.give(
                self._connection, self._actor, segment, heir.organization_id, everybody, self._body.reason
            )

    def _way(self, task_id: UUID | None, promised_by: UUID) -> list[Step]:
        unit_id = self._known[promised_by].unit_id
        return self._ends.follow(unit_id, clock.today(), recorded(self._taken, task_id, promised_by))[0]

    def _concerned(self, case: Case) -> set[UUID]:
        """The open tasks in which a promise of his came to somebody by this succession, and was not decided apart."""
        promised_by = case.promised_by_organization_id
        return {
            locked.task.id
            for locked in self._open
            if promised_by in promisers(locked.task)
            and case.old_unit_id not in self._taken.get((locked.task.id, promised_by), {})
            and any(step.ended.unit_id == case.old_unit_id for step in self._way(locked.task.id, promised_by))
        }

    async def _choice(self, promised_by: UUID) -> cases_repository.Choice:
        by = await self._heirs.organization_at(self._connection, promised_by, self._chosen.unit_id)
        return cases_repository.Choice(self._chosen.unit_id, by, self._body.reason, self._now)

    async def _follow_up(self, case: Case, task_id: UUID | None) -> None:
        """What came after the unit that was chosen, where it has ended as well by now."""
        promised_by = case.promised_by_organization_id
        rows = case_rows(case.agreement_id, task_id, promised_by, case.promised_by_name, self._takers[promised_by])
        await cases_repository.add_cases(self._connection, rows, self._now)

    def _takes(self, task_id: UUID | None) -> TakesPlace:
        decided = self._decided[task_id]
        return lambda promised_by, _: self._takers[promised_by] if promised_by in decided else None

    def _told(self, succession: Succession, task_id: UUID | None) -> list[ResponsibilitySnapshot]:
        told = []
        for promised_by, place in succession.places.items():
            case = self._decided[task_id][promised_by]
            told.append(responsibility(place, effective_on=case.effective_on, case_id=case.id))
        return told


async def _candidate(connection: Connection[Any], case: Case, unit_id: UUID) -> Successor:
    ends = Ends(date.max)
    await ends.learn(connection, {case.old_unit_id})
    ended = ends.of(case.old_unit_id, date.max)
    for candidate in ended.verdict.candidates if ended else ():
        if candidate.unit_id == unit_id:
            return candidate
    raise errors.NotACandidate


def _case(actor: Actor, row: asyncpg.Record, ends: Ends, registered: _Registered) -> SuccessionCase:
    ended = ends.of(row["old_unit_id"], date.max)
    template = _Template(row["organization_kind"], row["template_name"], row["template_unit_name"])
    candidates = [
        template.candidate(one, registered, proposed=one.unit_id == row["proposed_unit_id"])
        for one in (ended.verdict.candidates if ended else ())
    ]
    decision = None
    if row["decided_at"] is not None:
        decision = DecisionMade(
            decided_by=row["decided_by_name"],
            decided_by_organization_id=row["decided_by_organization_id"],
            decided_at=row["decided_at"],
            reason=row["reason"],
        )
    return SuccessionCase(
        id=row["id"],
        version=row["version"],
        agreement_id=row["agreement_id"],
        agreement_title=row["agreement_title"],
        agreement_number=row["agreement_number"],
        task_id=row["task_id"],
        concerns=row["concerns"],
        tasks=orjson.loads(row["tasks"]),
        promised_by=Promiser(organization_id=row["promised_by_organization_id"], name=row["promised_by_name"]),
        old_unit=UnitShown(id=row["old_unit_id"], name=row["old_unit_name"], level=row["old_unit_level"]),
        answers=Answering(
            organization_id=row["organization_id"],
            name=row["organization_name"],
            unit=UnitShown(id=row["unit_id"], name=row["unit_name"], level=row["unit_level"]),
        ),
        effective_on=row["effective_on"],
        proposed_unit_id=row["proposed_unit_id"],
        candidates=candidates,
        state=CaseState(row["state"]),
        decision=decision,
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        allowed_actions=list(allowed_actions(actor, row["state"], row["relations"])),
    )


class _Template:
    """What an organisation is, so that its like is found for another unit."""

    def __init__(self, kind: str, name: str, unit_name: str) -> None:
        self._kind = kind
        self._name = name
        self._unit_name = unit_name

    def candidate(self, successor: Successor, registered: _Registered, *, proposed: bool) -> Candidate:
        acting = self.acting(successor.unit_id, registered)
        return Candidate.of(
            successor, acting.id if acting else None, acting.name if acting else None, proposed=proposed
        )

    def acting(self, unit_id: UUID, registered: _Registered) -> Acting | None:
        for acting in registered.get((unit_id, self._kind), ()):
            if naming.same_body(self._kind, self._name, self._unit_name, acting.name, acting.unit_name):
                return acting
        return None


def _answers(
    organization: Organization, steps: Sequence[Step], complete: bool, registered: _Registered
) -> Answering | None:
    if not complete:
        return None
    if not steps:
        level = UnitLevel(organization.unit_level)
        unit = UnitShown(id=organization.unit_id, name=organization.unit_name, level=level)
        return Answering(organization_id=organization.id, name=organization.name, unit=unit)
    last = steps[-1]
    unit = UnitShown(id=last.successor.unit_id, name=last.successor.name, level=UnitLevel(last.successor.level))
    taken: Taken | None = last.taken
    if taken is not None and taken.organization_id is not None:
        return Answering(organization_id=taken.organization_id, name=taken.organization_name, unit=unit)
    template = _Template(organization.kind, organization.name, organization.unit_name)
    acting = template.acting(last.successor.unit_id, registered)
    return Answering(organization_id=acting.id if acting else None, name=acting.name if acting else None, unit=unit)


def _undecided(organization: Organization, steps: Sequence[Step], registered: _Registered) -> list[Candidate]:
    """Those between whom somebody has yet to decide, of the first succession where that is so."""
    template = _Template(organization.kind, organization.name, organization.unit_name)
    for step in steps:
        if step.provisional:
            return [
                template.candidate(one, registered, proposed=one is step.successor)
                for one in step.ended.verdict.candidates
            ]
    return []
