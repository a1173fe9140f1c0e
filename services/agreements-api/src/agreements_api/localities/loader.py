"""Loading the reference data of the units: both eras, their parents and who succeeds whom."""

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import resources
from uuid import UUID, uuid5

from agreements_api.localities import repository
from agreements_api.localities.models import UnitLevel
from agreements_api.localities.repository import ParentRow, SuccessionRow, UnitRow
from shared import clock
from shared.auth import SYSTEM
from shared.db import Database
from shared.text import fold, nfc, vietnamese_sort_key

# Identifiers are made from level, code and first day, so that every installation gives a unit the same one.
_NAMESPACE = UUID("8f0c7a52-3c1e-5d6b-9a8e-0352a1b2c3d4")
_ABOVE = {UnitLevel.COMMUNE: UnitLevel.DISTRICT, UnitLevel.DISTRICT: UnitLevel.PROVINCE}
_FIRST, _LAST = date.min, date.max


@dataclass(frozen=True)
class ReferenceData:
    units: Sequence[UnitRow]
    parents: Sequence[ParentRow]
    successions: Sequence[SuccessionRow]


@dataclass(frozen=True)
class Loaded:
    """How many rows were new."""

    units: int
    parents: int
    successions: int


async def load_units(database: Database) -> Loaded:
    """Add what is not recorded yet, in one transaction; what is recorded stays as it is, so it may be run again.

    No events: these rows are the same in every installation, with the same identifiers, and whoever needs a unit gets
    it with the organisation that acts for it. 25,000 events would only stand before the first organisation in every
    consumer's way. A unit's first event is its first change, with version 2 and the whole unit.
    """
    data, now = read_reference_data(), clock.now()
    async with database.transaction(SYSTEM) as session:
        await repository.lock_successions(session)
        units = await repository.insert_units(session, data.units, now)
        parents = await repository.insert_parents(session, data.parents, now)
        successions = await repository.insert_successions(session, data.successions, now)
    return Loaded(units, parents, successions)


def read_reference_data() -> ReferenceData:
    """The package's own files, with every reference by code resolved on its date."""
    units: list[UnitRow] = []
    known: dict[tuple[str, str], list[UnitRow]] = defaultdict(list)
    parent_codes: dict[UUID, str] = {}
    for row in _rows("administrative_units.csv.gz"):
        unit = _unit(row)
        units.append(unit)
        known[unit.level, unit.code].append(unit)
        if row["parent_code"]:
            parent_codes[unit.id] = row["parent_code"]
    parents = [link for unit in units if unit.id in parent_codes for link in _links(unit, known, parent_codes[unit.id])]
    successions = [_succession(row, known) for row in _rows("unit_successions.csv.gz")]
    return ReferenceData(units, parents, successions)


def unit_id(level: str, code: str, valid_from: date | None) -> UUID:
    """The identifier of a unit of the reference data."""
    return uuid5(_NAMESPACE, f"{level}:{code}:{valid_from or ''}")


def _rows(name: str) -> Iterable[dict[str, str]]:
    path = resources.files("agreements_api").joinpath("data", name)
    with path.open("rb") as raw, gzip.open(raw, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def _unit(row: dict[str, str]) -> UnitRow:
    valid_from = _date(row["valid_from"])
    name = nfc(row["name"])
    return UnitRow(
        id=unit_id(row["level"], row["code"], valid_from),
        level=row["level"],
        code=row["code"],
        name=name,
        type=nfc(row["type"]),
        folded=fold(name),
        sort_key=vietnamese_sort_key(name),
        valid_from=valid_from,
        valid_to=_date(row["valid_to"]),
        latitude=float(row["latitude"]) if row["latitude"] else None,
        longitude=float(row["longitude"]) if row["longitude"] else None,
    )


def _links(unit: UnitRow, known: dict[tuple[str, str], list[UnitRow]], parent_code: str) -> Iterable[ParentRow]:
    """One link for each period of the parent: Đông Triều's communes lay under the town, then under the city."""
    # Since 01/07/2025 there are no districts: a commune lies right under its province.
    level = UnitLevel.PROVINCE if len(parent_code) == 2 else _ABOVE[UnitLevel(unit.level)]
    found = False
    for parent in known[level, parent_code]:
        first = max(unit.valid_from or _FIRST, parent.valid_from or _FIRST)
        last = min(unit.valid_to or _LAST, parent.valid_to or _LAST)
        if first > last:
            continue
        found = True
        yield ParentRow(
            id=uuid5(_NAMESPACE, f"{unit.id}>{parent.id}"),
            unit_id=unit.id,
            parent_id=parent.id,
            valid_from=None if first == _FIRST else first,
            valid_to=None if last == _LAST else last,
        )
    if not found:
        raise ValueError(f"{unit.level} {unit.code} has no parent {parent_code} in its time")


def _succession(row: dict[str, str], known: dict[tuple[str, str], list[UnitRow]]) -> SuccessionRow:
    effective_on = date.fromisoformat(row["effective_on"])
    old = next(
        unit
        for unit in known[row["old_level"], row["old_code"]]
        if unit.valid_to is not None and (effective_on - unit.valid_to).days == 1
    )
    new = next(unit for unit in known[row["new_level"], row["new_code"]] if unit.valid_from == effective_on)
    return SuccessionRow(
        id=uuid5(_NAMESPACE, f"{old.id}>{new.id}:{effective_on}"),
        old_unit_id=old.id,
        new_unit_id=new.id,
        effective_on=effective_on,
        partial=row["partial"] == "true",
        is_default=row["is_default"] == "true",
        kind=row["kind"],
        legal_basis=nfc(row["legal_basis"]) or None,
    )


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
