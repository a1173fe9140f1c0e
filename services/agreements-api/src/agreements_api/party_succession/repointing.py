"""Bringing records in line with who answers: every agreement in one transaction, with its history and its events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements.models import Agreement, Party
from agreements_api.corridors import succession as corridors
from agreements_api.party_succession import cases_repository, records_repository, repository
from agreements_api.party_succession.following import Heir, Heirs, Takers, takers
from agreements_api.party_succession.places import Succession, case_rows, reassign, remark, responsibility, succeed
from agreements_api.party_succession.relations import Standing
from agreements_api.party_succession.writing import AgreementChange, Followed, TaskChange, tell, write_records
from agreements_api.policy import Relation
from agreements_api.tasks import repository as tasks
from agreements_api.tasks.repository import Locked
from shared import clock
from shared.auth import SYSTEM
from shared.events import Change, ResponsibilitySnapshot, TaskSnapshot

SUCCEED = "succeed"


@dataclass(frozen=True)
class Counts:
    """What a batch did."""

    agreements: int = 0
    tasks: int = 0
    decisions: int = 0


async def repoint(session: AsyncSession, heirs: Heirs, agreement_ids: Sequence[UUID]) -> Counts:
    """Let today's organisations take the places of those whose units ended, in agreements that nobody else is at."""
    connection = await repository.connection_of(session)
    locked = await records_repository.lock_agreements(session, agreement_ids)
    open_tasks: dict[UUID, list[Locked]] = defaultdict(list)
    for task in await tasks.lock_open_of(connection, agreement_ids):
        open_tasks[task.task.agreement_id].append(task)
    parties = await records_repository.parties_of(session, agreement_ids)
    standing = await records_repository.standing_of(connection, agreement_ids)
    stand = {row[0] for one in standing.values() for row in one.rows if row[2] != Relation.FORMER}
    signed = {party.answering_id for each in parties.values() for party in each}
    taking = await takers(session, heirs, agreement_ids, stand | signed)
    submitted = [one.task.id for each in open_tasks.values() for one in each if one.task.submitted_at is not None]
    batch = Batch(heirs, taking, await records_repository.confirmed(connection, submitted), clock.now())
    for agreement in locked:
        batch.add(agreement, parties[agreement.id], open_tasks[agreement.id], standing[agreement.id])
    versions = await write_records(session, batch.agreements, batch.tasks, batch.now)
    above = await heirs.above(connection, batch.standing_after())
    moves = {one.agreement.id: one.moves(standing[one.agreement.id], above) for one in batch.followed}
    await records_repository.change_members(connection, moves)
    await tell(session, SYSTEM, SUCCEED, batch.agreements, batch.tasks, versions, moves, batch.now)
    takes = {one.agreement.id: one.takes for one in batch.followed}
    await corridors.succeed(connection, takes, {one: moves[one].members for one in moves})
    decisions = await cases_repository.add_cases(connection, batch.cases, batch.now)
    return Counts(len(batch.agreements), len(batch.tasks), decisions)


class Batch:
    """What becomes of several agreements at once."""

    def __init__(
        self,
        heirs: Heirs,
        taking: Takers,
        confirmed: Mapping[UUID, Mapping[UUID, datetime]],
        now: datetime,
    ) -> None:
        self.now = now
        self.agreements: list[AgreementChange] = []
        self.tasks: list[TaskChange] = []
        self.followed: list[Followed] = []
        # Of each promiser and holder in an agreement, for all that is promised there.
        self._cases: dict[tuple[UUID, UUID, UUID], list[dict[str, Any]]] = {}
        self._heirs = heirs
        self._taking = taking
        self._confirmed = confirmed

    @property
    def cases(self) -> list[dict[str, Any]]:
        return [row for rows in self._cases.values() for row in rows]

    def standing_after(self) -> set[UUID]:
        """Everybody who stands in one of the agreements now: those above them watch."""
        return {one for each in self.followed for one in each.named}

    def add(
        self, agreement: Agreement, parties: Sequence[Party], open_tasks: Sequence[Locked], standing: Standing
    ) -> None:
        # Whoever stands in completed tasks only leaves them as they are.
        completed = set(standing.through_tasks) - {task.task.id for task in open_tasks}
        active: dict[UUID, set[str]] = defaultdict(set)
        takes: dict[UUID, UUID] = {}
        for one, source, relation in standing.rows:
            heir = self._taking.of(agreement.id, one)
            if heir is not None and relation != Relation.FORMER:
                takes[one] = heir.organization_id
                if source not in completed:
                    active[one].add(relation)
        for party in parties:
            heir = self._taking.of(agreement.id, party.answering_id)
            if heir is not None:
                takes[party.answering_id] = heir.organization_id
                active[party.answering_id].add(Relation.PARTY)
        if not takes:
            return
        moved = {old: heir for old in active if (heir := self._taking.of(agreement.id, old)) is not None}
        if not moved:
            self.followed.append(Followed(agreement, (), (), takes, itself=False))
            return
        succession = succeed(agreement, parties, lambda _, holder: moved.get(holder))
        holders = {place.holder for place in succession.places.values()}
        after = [self._add_task(task, moved) for task in open_tasks]
        for _, taken in after:
            holders |= taken
        for old, heir in moved.items():
            if "superior" in active[old] or old not in holders:
                what = "superior" if "superior" in active[old] else "access"
                succession.changes.append(Change(field=what, from_=self._heirs.name_of(old), to=heir.name))
        self._note(agreement.id, succession)
        self.followed.append(Followed(agreement, parties, [task for task, _ in after], takes, itself=True))
        self.agreements.append(
            AgreementChange(
                agreement, parties, succession.changes, self._told(agreement.id, succession), remark(moved.values())
            )
        )

    def _add_task(self, locked: Locked, moved: Mapping[UUID, Heir]) -> tuple[TaskSnapshot, set[UUID]]:
        """The task as it is afterwards, and whose places were taken in it."""
        confirmed = self._confirmed.get(locked.task.id, {})
        after, succession = reassign(locked.task, lambda _, holder: moved.get(holder), confirmed)
        holders = {place.holder for place in succession.places.values()}
        if holders:
            self._note(locked.task.agreement_id, succession)
            told = self._told(locked.task.agreement_id, succession)
            why = remark(moved[holder] for holder in holders)
            self.tasks.append(TaskChange(locked, after, succession.changes, told, why))
        return after, holders

    def _note(self, agreement_id: UUID, succession: Succession) -> None:
        for place in succession.places.values():
            heir = self._taking.of(agreement_id, place.holder)
            assert heir is not None
            key = agreement_id, place.promised_by, place.holder
            if key not in self._cases:
                self._cases[key] = case_rows(agreement_id, None, place.promised_by, place.promised_by_name, heir)

    def _told(self, agreement_id: UUID, succession: Succession) -> list[ResponsibilitySnapshot]:
        told = []
        for place in succession.places.values():
            heir = self._taking.of(agreement_id, place.holder)
            assert heir is not None
            told.append(
                responsibility(
                    place,
                    effective_on=heir.steps[-1].successor.effective_on,
                    provisional=any(step.provisional for step in heir.steps),
                )
            )
        return told
