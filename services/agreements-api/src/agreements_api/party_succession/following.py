"""Who takes the place of an organisation whose unit ended, looked up many at a time and founded where nobody is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.localities import service as localities
from agreements_api.party_succession import naming, records_repository, repository
from agreements_api.party_succession.answering import Ended, Step, Taken, follow
from agreements_api.party_succession.repository import Acting, Founded, Organization, Unit
from shared import clock
from shared.events import Change
from shared.ids import new_id

Connection = asyncpg.Connection


@dataclass(frozen=True)
class Heir:
    """Who answers for what another promised, and by which successions."""

    organization_id: UUID
    name: str
    unit_id: UUID
    unit_name: str
    steps: Sequence[Step]


class Ends:
    """Units that ended by a day with who follows each, remembered as far as somebody asked.

    By what is known now, or was known at an instant.
    """

    def __init__(self, on: date, *, as_of: datetime | None = None) -> None:
        self.on = on
        self._as_of = as_of
        self.units: dict[UUID, Unit] = {}
        self._ended: dict[UUID, Ended] = {}

    async def learn(self, connection: Connection[Any], unit_ids: Iterable[UUID]) -> None:
        """Look up these units and, of each that ended, all that could follow it, up to those in force."""
        asked = set(unit_ids) - self.units.keys()
        while asked:
            self.units |= await repository.units(connection, list(asked), as_of=self._as_of)
            ended = [self.units[one] for one in asked if one in self.units and self.units[one].has_ended(self.on)]
            self._ended |= await repository.ends(connection, ended, as_of=self._as_of) if ended else {}
            following = {candidate.unit_id for unit in ended for candidate in self._ended[unit.id].verdict.candidates}
            asked = following - self.units.keys()

    def of(self, unit_id: UUID, on: date) -> Ended | None:
        """Who follows the unit, if it is no longer in force on a day until `self.on`."""
        return self._ended[unit_id] if self.units[unit_id].has_ended(on) else None

    def follow(self, unit_id: UUID, on: date, taken: Mapping[UUID, Taken]) -> tuple[list[Step], bool]:
        return follow(unit_id, on, self.of, taken)


class Heirs:
    """Who takes which place today. What was looked up once stays: a resolution that comes later has its own run."""

    def __init__(self, today: date) -> None:
        self.today = today
        self.founded = 0
        self._ends = Ends(today)
        self._known: dict[UUID, Organization] = {}
        self._heirs: dict[UUID, Heir | None] = {}
        self._acting: dict[tuple[UUID, str], list[Acting]] = {}
        self._provinces: dict[UUID, UUID] = {}
        # In units where somebody was lacking: whoever has a name there.
        self._named: dict[tuple[UUID, str], UUID] = {}
        self._founded: list[Founded] = []
        self._untold: dict[UUID, list[Change]] = {}
        self._above: dict[UUID, Sequence[UUID]] = {}

    def missing(self, organization_ids: Iterable[UUID]) -> set[UUID]:
        """Those that nobody has asked about yet."""
        return set(organization_ids) - self._heirs.keys()

    def of(self, organization_id: UUID) -> Heir | None:
        """Who takes its place; None where it answers itself, or nobody does."""
        return self._heirs.get(organization_id)

    def name_of(self, organization_id: UUID) -> str:
        """Of one that was asked about."""
        return self._known[organization_id].name

    async def above(self, connection: Connection[Any], organization_ids: set[UUID]) -> Mapping[UUID, Sequence[UUID]]:
        """Everything above each of these, looked up once: it was put right before anything is re-pointed."""
        asked = organization_ids - self._above.keys()
        if asked:
            self._above |= dict.fromkeys(asked, ())
            self._above |= await records_repository.above(connection, asked)
        return self._above

    async def learn(self, session: AsyncSession, organization_ids: Iterable[UUID]) -> None:
        """Find out who takes the places of these, inside a transaction of the product itself; found who is lacking."""
        asked = self.missing(organization_ids)
        if not asked:
            return
        connection = await repository.connection_of(session)
        known = await self._organizations(connection, asked)
        await self._ends.learn(connection, {one.unit_id for one in known})
        paths = {one.id: self._ends.follow(one.unit_id, self.today, {}) for one in known}
        followed = [
            (one, self._ends.units[paths[one.id][0][-1].successor.unit_id])
            for one in known
            if _is_followed(paths[one.id])
        ]
        await self._prepare(session, followed)
        self._heirs |= dict.fromkeys(paths)
        for organization, unit in followed:
            heir = await self._at(session, organization, unit, paths[organization.id][0])
            if heir.organization_id != organization.id:
                self._heirs[organization.id] = heir
        await self._announce(session)

    async def heir_in(self, session: AsyncSession, organization_id: UUID, unit_id: UUID) -> Heir:
        """Who answers where somebody chose a unit, by what followed it since."""
        connection = await repository.connection_of(session)
        [organization] = await self._organizations(connection, {organization_id})
        await self._ends.learn(connection, {unit_id})
        steps, _ = self._ends.follow(unit_id, self.today, {})
        final = self._ends.units[steps[-1].successor.unit_id if steps else unit_id]
        return await self._one_at(session, organization, final, steps)

    async def by_decision(
        self, session: AsyncSession, organization_id: UUID, taken: Mapping[UUID, Taken]
    ) -> Heir | None:
        """Who takes its place by what is recorded of its promise (`taken`), where somebody decided about that."""
        connection = await repository.connection_of(session)
        [organization] = await self._organizations(connection, {organization_id})
        await self._ends.learn(connection, {organization.unit_id})
        path = self._ends.follow(organization.unit_id, self.today, taken)
        if not _is_followed(path):
            return None
        steps, _ = path
        unit = self._ends.units[steps[-1].successor.unit_id]
        return await self._one_at(session, organization, unit, steps)

    async def _one_at(
        self, session: AsyncSession, organization: Organization, unit: Unit, steps: Sequence[Step]
    ) -> Heir:
        """The same as for many, of one organisation."""
        await self._prepare(session, [(organization, unit)])
        heir = await self._at(session, organization, unit, steps)
        await self._announce(session)
        return heir

    async def organization_at(self, connection: Connection[Any], organization_id: UUID, unit_id: UUID) -> Acting | None:
        """Whoever is registered for a unit in the place of an organisation; nobody is founded."""
        [organization] = await self._organizations(connection, {organization_id})
        await self._look_up(connection, {unit_id}, {organization.kind})
        return self._registered(organization, unit_id)

    async def _prepare(self, session: AsyncSession, followed: Sequence[tuple[Organization, Unit]]) -> None:
        """Look up who is registered; where somebody is lacking, once more while nobody else founds."""
        connection = await repository.connection_of(session)
        unit_ids, kinds = {unit.id for _, unit in followed}, {one.kind for one, _ in followed}
        await self._look_up(connection, unit_ids, kinds)
        lacking = [(one, unit.id) for one, unit in followed if self._registered(one, unit.id) is None]
        if lacking:
            await repository.lock_hierarchy(connection)
            # Whatever was looked up before that may have changed.
            self._acting.clear()
            units = {unit_id for _, unit_id in lacking}
            self._provinces |= await repository.provinces_of(connection, list(units), self.today)
            units |= {self._provinces[one] for one in units if one in self._provinces}
            await self._ends.learn(connection, units)
            # Whoever stands above may be lacking as well.
            kinds |= {one.kind for one in await self._all_above(connection, [one for one, _ in lacking])}
            await self._look_up(connection, unit_ids | units, kinds)
            self._named |= await repository.named(connection, units)

    async def _all_above(self, connection: Connection[Any], below: Sequence[Organization]) -> list[Organization]:
        found: list[Organization] = []
        while below:
            ids = {one.superior_organization_id for one in below} - {None} - {one.id for one in found}
            below = await self._organizations(connection, {one for one in ids if one is not None})
            found += below
        return found

    async def _at(self, session: AsyncSession, organization: Organization, unit: Unit, steps: Sequence[Step]) -> Heir:
        """The organisation that does for this unit what another did for its own; founded where there is none."""
        acting = self._registered(organization, unit.id)
        if acting is None:
            await self._look_up(await repository.connection_of(session), {unit.id}, {organization.kind})
            acting = self._registered(organization, unit.id) or await self._found(session, organization, unit)
        return Heir(acting.id, acting.name, unit.id, unit.name, steps)

    async def _found(self, session: AsyncSession, template: Organization, unit: Unit) -> Acting:
        superior = await self._superior(session, template, unit)
        name = naming.name_for(
            template.kind, template.name, template.unit_name, naming.Place(unit.name, unit.type, unit.level)
        )
        # There may be a body of this name and another kind, or one that does other work by its name.
        organization_id = self._named.get((unit.id, name))
        if organization_id is None:
            organization_id = self._named[unit.id, name] = new_id()
            self._founded.append(
                Founded(organization_id, unit.id, name, superior.organization_id if superior else None, template.id)
            )
            self._untold[organization_id] = [
                Change(field="name", to=name),
                Change(field="founded_after", to=template.name),
            ]
        acting = Acting(organization_id, name, unit.name)
        self._acting.setdefault((unit.id, template.kind), []).append(acting)
        return acting

    async def _superior(self, session: AsyncSession, template: Organization, unit: Unit) -> Heir | None:
        """What stood above in the same unit stands above in the new one; else its like of the province."""
        if template.superior_organization_id is None:
            return None
        connection = await repository.connection_of(session)
        [above] = await self._organizations(connection, {template.superior_organization_id})
        if above.unit_id == template.unit_id:
            return await self._at(session, above, unit, ())
        province = self._provinces.get(unit.id)
        return await self._at(session, above, self._ends.units[province], ()) if province else None

    async def _announce(self, session: AsyncSession) -> None:
        """Write those that were founded in this transaction, and their events."""
        if self._founded:
            await repository.found(await repository.connection_of(session), self._founded, clock.now())
            await localities.announce_founded(session, self._untold)
            self.founded += len(self._founded)
            self._founded, self._untold = [], {}

    def _registered(self, organization: Organization, unit_id: UUID) -> Acting | None:
        for acting in self._acting.get((unit_id, organization.kind), ()):
            if naming.same_body(
                organization.kind, organization.name, organization.unit_name, acting.name, acting.unit_name
            ):
                return acting
        return None

    async def _look_up(self, connection: Connection[Any], unit_ids: set[UUID], kinds: set[str]) -> None:
        lacking = {unit for unit in unit_ids if any((unit, kind) not in self._acting for kind in kinds)}
        if not lacking:
            return
        found = await repository.acting_for(connection, list(lacking), list(kinds))
        for unit in lacking:
            for kind in kinds:
                self._acting.setdefault((unit, kind), found.get((unit, kind), []))

    async def _organizations(self, connection: Connection[Any], ids: set[UUID]) -> list[Organization]:
        unknown = ids - self._known.keys()
        if unknown:
            self._known |= await repository.organizations(connection, list(unknown))
        return [self._known[one] for one in ids if one in self._known]


class Takers:
    """Who takes which place in some agreements: a decision goes before the rule."""

    def __init__(self, heirs: Heirs, chosen: Mapping[tuple[UUID, UUID], Heir]) -> None:
        self._heirs = heirs
        self._chosen = chosen

    def of(self, agreement_id: UUID, holder: UUID) -> Heir | None:
        chosen = self._chosen.get((agreement_id, holder)) if self._chosen else None
        return chosen or self._heirs.of(holder)


async def takers(
    session: AsyncSession, heirs: Heirs, agreement_ids: Sequence[UUID], organization_ids: Collection[UUID]
) -> Takers:
    """Find out who takes the places of these in agreements that are held."""
    await heirs.learn(session, organization_ids)
    ended = [one for one in organization_ids if heirs.of(one) is not None]
    if not ended:
        return Takers(heirs, {})
    # What comes to an ended unit after somebody has decided goes the same way.
    decided = await repository.decided(await repository.connection_of(session), agreement_ids, ended)
    found = {key: await heirs.by_decision(session, key[1], taken) for key, taken in decided.items()}
    return Takers(heirs, {key: heir for key, heir in found.items() if heir is not None})


def _is_followed(path: tuple[list[Step], bool]) -> bool:
    """Whether somebody answers at the end of the way, and not the organisation itself."""
    steps, complete = path
    return complete and bool(steps)
