"""Carrying out a resolution: which units begin and end, who follows whom, and which children move."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NoReturn
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.localities import repository
from agreements_api.localities.errors import InvalidSuccession, SuccessionCycle, fault, unknown
from agreements_api.localities.models import SuccessionKind, Unit, UnitLevel, UnitParent, UnitSuccession
from agreements_api.localities.schemas import (
    NewUnit,
    SuccessionCreate,
    SuccessionEdge,
    SuccessionEdgePublic,
    SuccessionPublic,
    UnitMove,
)
from shared import clock
from shared.auth import Actor
from shared.events import EventActor, ProvinceRef, SuccessionSnapshot, UnitRegistered, UnitSnapshot, UnitSucceeded
from shared.ids import new_id
from shared.outbox import publish_all
from shared.problems import FieldError
from shared.text import fold, vietnamese_sort_key

_RANK = {UnitLevel.PROVINCE: 0, UnitLevel.DISTRICT: 1, UnitLevel.COMMUNE: 2}


async def carry_out(session: AsyncSession, actor: Actor, body: SuccessionCreate) -> SuccessionPublic:
    """Everything that a resolution changes, in the caller's transaction, and the events that tell of it."""
    _check_edges(body)
    await repository.lock_successions(session)
    resolution = _Resolution(session, body)
    await resolution.carry_out()
    await _publish(session, actor, resolution)
    return resolution.shown()


def has_cycle(edges: Iterable[tuple[UUID, UUID]]) -> bool:
    """Whether somebody would, in the end, succeed himself."""
    following: dict[UUID, set[UUID]] = defaultdict(set)
    for old, new in edges:
        following[old].add(new)
    finished: set[UUID] = set()
    for start in list(following):
        path: list[tuple[UUID, list[UUID]]] = [(start, list(following[start]))]
        on_path = {start}
        while path:
            unit, remaining = path[-1]
            if not remaining:
                path.pop()
                on_path.discard(unit)
                finished.add(unit)
                continue
            following_unit = remaining.pop()
            if following_unit in on_path:
                return True
            if following_unit not in finished:
                on_path.add(following_unit)
                path.append((following_unit, list(following.get(following_unit, ()))))
    return False


class _Resolution:
    """A resolution while it is carried out; `shown` tells what it did."""

    def __init__(self, session: AsyncSession, body: SuccessionCreate) -> None:
        self._session = session
        self._body = body
        self._day = body.effective_on
        self._eve = body.effective_on - timedelta(days=1)
        self._now = clock.now()
        self._units: dict[UUID, Unit] = {}
        self._by_ref = {new.ref: new_id() for new in body.new_units}
        self._parent_on_eve: dict[UUID, UUID] = {}
        self.edges: list[UnitSuccession] = []
        self.ended: list[Unit] = []
        self.registered: list[Unit] = []
        self.moved: list[Unit] = []

    async def carry_out(self) -> None:
        await self._lock()
        await self._check_cycle()
        self._check_in_force()
        await self._end()
        await self._register()
        await self._move()
        await self._connect()
        await self._check_followed()

    def shown(self) -> SuccessionPublic:
        return SuccessionPublic(
            kind=self._body.kind,
            effective_on=self._day,
            legal_basis=self._body.legal_basis,
            edges=[
                SuccessionEdgePublic(
                    id=edge.id,
                    old_unit_id=edge.old_unit_id,
                    new_unit_id=edge.new_unit_id,
                    partial=edge.partial,
                    is_default=edge.is_default,
                )
                for edge in self.edges
            ],
            ended_unit_ids=[unit.id for unit in self.ended],
            registered_unit_ids=[unit.id for unit in self.registered],
            moved_unit_ids=[unit.id for unit in self.moved],
        )

    @property
    def effective_on(self) -> date:
        return self._day

    async def _lock(self) -> None:
        named = self._named()
        self._units = await repository.lock_units(self._session, list(named))
        missing = [unknown(pointer) for unit_id, pointer in named.items() if unit_id not in self._units]
        if missing:
            raise InvalidSuccession(errors=missing)

    def _named(self) -> dict[UUID, str]:
        """Every recorded unit that the request names, with where it does so first."""
        named: dict[UUID, str] = {}
        for index, edge in enumerate(self._body.edges):
            named.setdefault(edge.old_unit_id, f"/edges/{index}/old_unit_id")
            if edge.new_unit_id is not None:
                named.setdefault(edge.new_unit_id, f"/edges/{index}/new_unit_id")
        for index, new in enumerate(self._body.new_units):
            if new.parent_id is not None:
                named.setdefault(new.parent_id, f"/new_units/{index}/parent_id")
        for index, move in enumerate(self._body.moves):
            named.setdefault(move.unit_id, f"/moves/{index}/unit_id")
            if move.parent_id is not None:
                named.setdefault(move.parent_id, f"/moves/{index}/parent_id")
        return named

    async def _check_cycle(self) -> None:
        mine = [(edge.old_unit_id, self._target(edge.new_unit_id, edge.new_unit_ref)) for edge in self._followed()]
        recorded = await repository.reachable(self._session, [new for _, new in mine])
        if has_cycle([*mine, *recorded]):
            raise SuccessionCycle

    def _check_in_force(self) -> None:
        old = {edge.old_unit_id for edge in self._body.edges}
        for index, edge in enumerate(self._body.edges):
            unit = self._units[edge.old_unit_id]
            if unit.valid_to is not None or (unit.valid_from or date.min) >= self._day:
                _refuse(f"/edges/{index}/old_unit_id", "not_in_force", _NOT_IN_FORCE)
            if edge.new_unit_id is not None:
                new = self._units[edge.new_unit_id]
                if edge.new_unit_id in old or not self._lasts(new):
                    _refuse(f"/edges/{index}/new_unit_id", "not_in_force", _NOT_IN_FORCE)

    async def _end(self) -> None:
        """A unit ends on the eve unless most of it stays with it."""
        for old_id in dict.fromkeys(edge.old_unit_id for edge in self._body.edges if edge.is_default):
            unit = self._units[old_id]
            unit.valid_to = self._eve
            unit.end_recorded_at = self._now
            unit.version += 1
            for link in await repository.own_parents_open_at(self._session, old_id, self._day):
                self._close(link, "/edges")
                self._parent_on_eve[old_id] = link.parent_id
            self.ended.append(unit)
        for edge in self._body.edges:
            if not edge.is_followed:
                self._units[edge.old_unit_id].dissolved_by = self._body.legal_basis
        await self._session.flush()

    async def _register(self) -> None:
        for index, new in enumerate(self._body.new_units):
            if await repository.code_in_use(self._session, level=new.level, code=new.code, on=self._day):
                taken = {"vi": "Mã đang thuộc một đơn vị khác.", "en": "The code belongs to another unit then."}
                _refuse(f"/new_units/{index}/code", "code_in_use", taken)
            unit = Unit(
                id=self._by_ref[new.ref],
                level=new.level,
                code=new.code,
                name=new.name,
                type=new.type,
                folded=fold(new.name),
                sort_key=vietnamese_sort_key(new.name),
                valid_from=self._day,
                latitude=new.latitude,
                longitude=new.longitude,
            )
            repository.add(self._session, unit)
            await self._session.flush()
            self._units[unit.id] = unit
            self.registered.append(unit)
        for index, new in enumerate(self._body.new_units):
            parent_id = self._parent_of(new)
            if parent_id is None and new.level != UnitLevel.PROVINCE:
                _refuse(f"/new_units/{index}/parent_id", "missing", _NO_PARENT)
            if parent_id is not None:
                await self._put_under(self._by_ref[new.ref], parent_id, f"/new_units/{index}/parent_id")

    def _parent_of(self, new: NewUnit) -> UUID | None:
        if new.parent_id is not None or new.parent_ref is not None:
            return self._target(new.parent_id, new.parent_ref)
        for edge in self._body.edges:
            old = self._units[edge.old_unit_id]
            if edge.new_unit_ref == new.ref and old.level == new.level:
                return self._parent_on_eve.get(old.id)
        return None

    async def _move(self) -> None:
        """Children go where the request says, else with the one unit that succeeds their parent whole."""
        for index, move in enumerate(self._body.moves):
            await self._move_explicitly(move, f"/moves/{index}")
        for old in self.ended:
            for link in await repository.parents_open_at(self._session, old.id, self._day):
                if (await self._unit(link.unit_id)).has_ended(self._day):
                    self._close(link, "/moves")
                    continue
                heir = self._heir(old)
                if heir is None:
                    _refuse("/moves", "child_without_parent", _orphaned(link.unit_id))
                self._close(link, "/moves")
                await self._relocate(link.unit_id, heir, "/moves")

    async def _move_explicitly(self, move: UnitMove, pointer: str) -> None:
        unit = self._units[move.unit_id]
        # It may be known already that it ends at a later day.
        if not self._lasts(unit) or unit.valid_from == self._day:
            _refuse(f"{pointer}/unit_id", "not_in_force", _NOT_IN_FORCE)
        for link in await repository.own_parents_open_at(self._session, unit.id, self._day):
            self._close(link, f"{pointer}/unit_id")
        await self._relocate(unit.id, self._target(move.parent_id, move.parent_ref), f"{pointer}/parent_id")

    async def _relocate(self, unit_id: UUID, parent_id: UUID, pointer: str) -> None:
        unit = await self._unit(unit_id)
        await self._put_under(unit_id, parent_id, pointer)
        unit.version += 1
        self.moved.append(unit)

    async def _put_under(self, unit_id: UUID, parent_id: UUID, pointer: str) -> None:
        unit, parent = await self._unit(unit_id), await self._unit(parent_id)
        if not self._lasts(parent):
            _refuse(pointer, "not_in_force", _NOT_IN_FORCE)
        if _RANK[UnitLevel(parent.level)] >= _RANK[UnitLevel(unit.level)]:
            above = {"vi": "Đơn vị cấp trên phải có cấp cao hơn.", "en": "A parent is of a higher level."}
            _refuse(pointer, "wrong_level", above)
        await self._session.flush()
        link = UnitParent(
            unit_id=unit_id,
            parent_id=parent_id,
            valid_from=self._day,
            valid_to=unit.valid_to,
            recorded_at=self._now,
            end_recorded_at=unit.end_recorded_at,
        )
        repository.add(self._session, link)
        await self._session.flush()

    async def _connect(self) -> None:
        for edge in self._followed():
            recorded = UnitSuccession(
                id=new_id(),
                old_unit_id=edge.old_unit_id,
                new_unit_id=self._target(edge.new_unit_id, edge.new_unit_ref),
                effective_on=self._day,
                partial=edge.partial,
                is_default=edge.is_default,
                kind=self._body.kind,
                legal_basis=self._body.legal_basis,
                recorded_at=self._now,
            )
            repository.add(self._session, recorded)
            self.edges.append(recorded)
        await self._session.flush()

    async def _check_followed(self) -> None:
        """Somebody stands in the place of each unit that nobody was named to follow."""
        for index, edge in enumerate(self._body.edges):
            if not edge.is_followed and not await repository.has_successor(
                self._session, edge.old_unit_id, on=self._day
            ):
                _refuse(f"/edges/{index}/old_unit_id", "nobody_follows", _NOBODY)

    def _followed(self) -> list[SuccessionEdge]:
        return [edge for edge in self._body.edges if edge.is_followed]

    async def _unit(self, unit_id: UUID) -> Unit:
        """A unit that the request may not have named itself."""
        if unit_id not in self._units:
            self._units |= await repository.lock_units(self._session, [unit_id])
        return self._units[unit_id]

    def _heir(self, old: Unit) -> UUID | None:
        edges = [edge for edge in self._body.edges if edge.old_unit_id == old.id]
        if len(edges) != 1 or not edges[0].is_followed:
            return None
        heir = self._target(edges[0].new_unit_id, edges[0].new_unit_ref)
        return heir if self._units[heir].level == old.level else None

    def _close(self, link: UnitParent, pointer: str) -> None:
        if link.valid_from is not None and link.valid_from >= self._day:
            later = {"vi": "Đã ghi nhận một thay đổi muộn hơn.", "en": "A later change is recorded already."}
            _refuse(pointer, "later_change", later)
        link.valid_to = self._eve
        link.end_recorded_at = self._now

    def _target(self, unit_id: UUID | None, ref: str | None) -> UUID:
        return unit_id if unit_id is not None else self._by_ref[ref or ""]

    def _lasts(self, unit: Unit) -> bool:
        return (unit.valid_from or date.min) <= self._day and (unit.valid_to or date.max) >= self._day


async def _publish(session: AsyncSession, actor: Actor, resolution: _Resolution) -> None:
    now = clock.now()
    # A unit may have been changed in two ways, and has one new version to tell.
    changed = {unit.id: unit for unit in (*resolution.registered, *resolution.ended, *resolution.moved)}
    provinces = await repository.provinces_of(session, list(changed), on=resolution.effective_on)
    await publish_all(
        session,
        [
            *(_unit_event(actor, unit, _province(provinces.get(unit.id)), at=now) for unit in changed.values()),
            *(_succession_event(actor, edge, at=now) for edge in resolution.edges),
        ],
    )


def _unit_event(actor: Actor, unit: Unit, province: ProvinceRef | None, *, at: datetime) -> UnitRegistered:
    """The unit as it is now; a later version tells of its end or of its province."""
    return UnitRegistered(
        version=unit.version,
        actor=EventActor.of(actor),
        occurred_at=at,
        unit=UnitSnapshot(
            id=unit.id,
            version=unit.version,
            code=unit.code,
            name=unit.name,
            type=unit.type,
            level=unit.level,
            province=province,
            valid_from=unit.valid_from,
            valid_to=unit.valid_to,
        ),
    )


def _succession_event(actor: Actor, edge: UnitSuccession, *, at: datetime) -> UnitSucceeded:
    return UnitSucceeded(
        version=edge.version,
        actor=EventActor.of(actor),
        occurred_at=at,
        succession=SuccessionSnapshot(
            id=edge.id,
            version=edge.version,
            old_unit_id=edge.old_unit_id,
            new_unit_id=edge.new_unit_id,
            effective_on=edge.effective_on,
            kind=edge.kind,
            partial=edge.partial,
            legal_basis=edge.legal_basis,
        ),
    )


def _province(row: Mapping[str, Any] | None) -> ProvinceRef | None:
    return ProvinceRef.model_validate(row) if row else None


def _check_edges(body: SuccessionCreate) -> None:
    """What can be seen without the recorded units."""
    refs = [new.ref for new in body.new_units]
    errors = [
        fault(f"/new_units/{index}/ref", "duplicate", "Tên này đã dùng.", "This name is used already.")
        for index, ref in enumerate(refs)
        if ref in refs[:index]
    ]
    for index, new in enumerate(body.new_units):
        if new.parent_id is not None and new.parent_ref is not None:
            errors.append(_one_of(f"/new_units/{index}/parent_ref"))
        if new.parent_ref is not None and new.parent_ref not in refs:
            errors.append(unknown(f"/new_units/{index}/parent_ref"))
    for index, move in enumerate(body.moves):
        errors += _check_target(f"/moves/{index}/parent", move.parent_id, move.parent_ref, refs)
    outgoing: dict[UUID, list[int]] = defaultdict(list)
    seen: set[tuple[UUID, UUID | str | None]] = set()
    for index, edge in enumerate(body.edges):
        if edge.is_followed or body.kind != SuccessionKind.DISSOLVE:
            errors += _check_target(f"/edges/{index}/new_unit", edge.new_unit_id, edge.new_unit_ref, refs)
        pair = (edge.old_unit_id, edge.new_unit_id or edge.new_unit_ref)
        if pair in seen:
            errors.append(fault(f"/edges/{index}", "duplicate", "Cặp này đã có.", "This pair is listed already."))
        seen.add(pair)
        outgoing[edge.old_unit_id].append(index)
    for indices in outgoing.values():
        errors += _check_divided(body, indices)
    if errors:
        raise InvalidSuccession(errors=errors)


def _check_target(pointer: str, unit_id: UUID | None, ref: str | None, refs: Sequence[str]) -> list[FieldError]:
    if (unit_id is None) == (ref is None):
        return [_one_of(f"{pointer}_id")]
    return [unknown(f"{pointer}_ref")] if ref is not None and ref not in refs else []


def _check_divided(body: SuccessionCreate, indices: Sequence[int]) -> list[FieldError]:
    """A unit goes whole to one other, or in parts to several of which at most one got most of it."""
    edges = [(index, body.edges[index]) for index in indices]
    errors = [
        fault(
            f"/edges/{index}/new_unit_id",
            "missing",
            "Đơn vị này có đơn vị khác kế thừa: cần nêu đơn vị nhận phần này.",
            "Others follow this unit: say which of them gets this part.",
        )
        for index, edge in edges
        if len(edges) > 1 and body.kind == SuccessionKind.DISSOLVE and not edge.is_followed
    ]
    errors += [
        fault(
            f"/edges/{index}/partial",
            "must_be_whole",
            "Đơn vị giải thể mà không nêu đơn vị kế thừa thì giải thể toàn bộ.",
            "A unit that nobody is named to follow is dissolved as a whole.",
        )
        for index, edge in edges
        if len(edges) == 1 and body.kind == SuccessionKind.DISSOLVE and not edge.is_followed and edge.partial
    ]
    errors += [
        fault(
            f"/edges/{index}/partial",
            "must_be_partial",
            "Đơn vị được chia cho nhiều đơn vị mới: mỗi phần phải là partial.",
            "The unit is divided among several: each part is partial.",
        )
        for index, edge in edges
        if len(edges) > 1 and not edge.partial
    ]
    errors += [
        fault(
            f"/edges/{index}/is_default",
            "must_be_default",
            "Đơn vị chuyển toàn bộ thì phải là is_default.",
            "Where a unit goes as a whole, most of it goes.",
        )
        for index, edge in edges
        if not edge.partial and not edge.is_default
    ]
    errors += [
        fault(
            f"/edges/{index}/is_default",
            "second_default",
            "Chỉ một đơn vị mới nhận phần lớn.",
            "Most of a unit goes to one other only.",
        )
        for index, _ in [pair for pair in edges if pair[1].is_default][1:]
    ]
    return errors


_NOT_IN_FORCE = {
    "vi": "Đơn vị không có hiệu lực vào ngày này.",
    "en": "The unit is not in force on that day.",
}
_NOBODY = {
    "vi": "Không có đơn vị trực thuộc hoặc cấp trên nào để thay: cần nêu đơn vị kế thừa.",
    "en": "No unit below or above it can take its place: name one that follows it.",
}
_NO_PARENT = {
    "vi": "Cần nêu đơn vị cấp trên.",
    "en": "Say under which unit it lies.",
}


def _orphaned(unit_id: UUID) -> dict[str, str]:
    return {
        "vi": f"Cần nêu đơn vị cấp trên mới của đơn vị trực thuộc {unit_id}.",
        "en": f"Say under which unit {unit_id} lies now: its parent ends.",
    }


def _refuse(pointer: str, code: str, detail: Mapping[str, str]) -> NoReturn:
    raise InvalidSuccession(errors=[FieldError(pointer, code, detail)])


def _one_of(pointer: str) -> FieldError:
    return fault(pointer, "exactly_one", "Nêu đúng một: mã hoặc ref.", "Name exactly one: the id or the ref.")
