"""Towns that promise something and end, each made for one test."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID, uuid4

from agreements_api.history.verification import verify
from agreements_api.localities.models import OrganizationKind, Unit, UnitLevel
from agreements_api.party_succession.runs import Progress, work_off
from agreements_api.policy import Role
from shared.auth import Actor
from tests.agreements_api.agreements.world import Json, Person, World, accepted, signature
from tests.agreements_api.conftest import Caller

EFFECTIVE = "2026-06-01"
LEGAL_BASIS = "Nghị quyết minh họa"
_numbers = count(1)


@dataclass
class Town:
    """A district-level unit with its party committee and its people's committee, which `key` and `ubnd` name."""

    unit: Unit
    key: str

    @property
    def ubnd(self) -> str:
        return f"ubnd-{self.key}"


@dataclass
class Reform:
    """The world, and what happens to its units."""

    world: World
    provinces: dict[str, Unit] = field(default_factory=dict)

    @property
    def operator(self) -> Caller:
        actor = Actor(id=uuid4(), kind="user", name="Quản trị hệ thống", roles=frozenset({Role.OPERATOR.value}))
        return self.world.registry.as_actor(actor)

    async def province(self, name: str = "Tỉnh Thử") -> tuple[Unit, str]:
        """A province of its own with its party committee; gives the unit and the committee's key."""
        registry, key = self.world.registry, f"tinh{next(_numbers)}"
        unit = await registry.unit(f"{name} {key}", level=UnitLevel.PROVINCE)
        self.world.organizations[key] = await registry.organization(
            f"Ban Thường vụ Tỉnh ủy {key}", unit=unit, kind=OrganizationKind.STANDING_COMMITTEE
        )
        return unit, key

    async def town(self, province: tuple[Unit, str] | None = None) -> Town:
        registry, world, key = self.world.registry, self.world, f"thixa{next(_numbers)}"
        above, above_key = province or await self.province()
        unit = await registry.unit(f"Thị xã {key}", parent=above)
        superior = world.organizations[above_key]
        world.organizations[key] = await registry.organization(
            f"Ban Thường vụ Thị ủy {key}", unit=unit, superior=superior, kind=OrganizationKind.STANDING_COMMITTEE
        )
        world.organizations[f"ubnd-{key}"] = await registry.organization(
            f"UBND thị xã {key}", unit=unit, superior=superior
        )
        return Town(unit, key)

    async def commune(self, parent: Unit, name: str | None = None) -> Unit:
        return await self.world.registry.unit(
            name or f"Phường {uuid4().hex[:6]}", level=UnitLevel.COMMUNE, parent=parent
        )

    async def ward(self) -> Unit:
        """A commune of a new province."""
        return await self.commune((await self.province())[0])

    async def dissolve(self, *edges: tuple[Unit, Unit, Json], effective_on: str = EFFECTIVE) -> Json:
        """Record that units end and which follow them; carried out by whoever works on the queue."""
        body = {
            "kind": "rearrangement",
            "effective_on": effective_on,
            "legal_basis": LEGAL_BASIS,
            "edges": [{"old_unit_id": str(old.id), "new_unit_id": str(new.id), **more} for old, new, more in edges],
        }
        return accepted(await self.operator.post("/v1/successions", body), 201)

    async def dissolve_alone(
        self,
        *units: Unit,
        edges: Sequence[tuple[Unit, Unit, Json]] = (),
        moves: Sequence[tuple[Unit, Unit]] = (),
        effective_on: str = EFFECTIVE,
    ) -> Json:
        """Record that units end with nobody named to follow them, beside others that go on and units that move."""
        body = {
            "kind": "dissolve",
            "effective_on": effective_on,
            "legal_basis": LEGAL_BASIS,
            "edges": [
                *({"old_unit_id": str(unit.id)} for unit in units),
                *({"old_unit_id": str(old.id), "new_unit_id": str(new.id), **more} for old, new, more in edges),
            ],
            "moves": [{"unit_id": str(unit.id), "parent_id": str(parent.id)} for unit, parent in moves],
        }
        return accepted(await self.operator.post("/v1/successions", body), 201)

    async def carry_out(self, *, batch: int = 3, limit: int | None = None) -> Progress:
        return await work_off(self.world.registry.database, batch=batch, limit=limit)

    async def agreement(self, *towns: Town, **changes: Any) -> Json:
        """An agreement in force between towns, drafted by Đông Triều for them."""
        parties = [{"organization_id": self.world.id(town.key)} for town in towns]
        opened = await self.world.opened(parties=parties, **changes)
        path = f"/v1/agreements/{opened['id']}"
        for town in towns:
            opened = await self.world.person(town.key).step(path, "sign", signature(town.key))
        return opened | {"clauses": (await self.world.person("dongtrieu").read(f"{path}/clauses"))["items"]}

    async def acting(self, name: str, role: Role = Role.LEADER) -> Person:
        """Whoever works for an organisation of this name: it may have been founded by a succession."""
        [row] = await self.world.rows("select id from organization where name = $1", name)
        return self.of(row["id"], role)

    def of(self, organization_id: str | UUID, role: Role = Role.LEADER) -> Person:
        actor = Actor(
            id=uuid4(),
            kind="user",
            name=f"{role} (minh họa)",
            organization_id=UUID(str(organization_id)),
            roles=frozenset({role.value}),
        )
        caller = self.world.registry.as_actor(actor)
        return Person(caller.http, caller.actor, caller.token)

    async def types(self, record_id: str) -> list[str]:
        return [event["type"].split(".", 2)[2] for event in await self.world.registry.outbox(UUID(record_id))]

    async def proven(self) -> bool:
        """Whether history holds, link by link, and says what the records say."""
        proof = await verify(self.world.registry.database)
        return proof.first_break is None


def whole(old: Unit, new: Unit) -> tuple[Unit, Unit, Json]:
    return old, new, {}


def most(old: Unit, new: Unit) -> tuple[Unit, Unit, Json]:
    return old, new, {"partial": True, "is_default": True}


def part(old: Unit, new: Unit) -> tuple[Unit, Unit, Json]:
    return old, new, {"partial": True, "is_default": False}


def committee(unit: Unit) -> str:
    """How the party committee of a commune is named that a succession founds."""
    return f"Ban Thường vụ Đảng ủy {unit.name[0].lower()}{unit.name[1:]}"


def people(unit: Unit) -> str:
    return f"UBND {unit.name[0].lower()}{unit.name[1:]}"
