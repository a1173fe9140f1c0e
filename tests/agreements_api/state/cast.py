"""Who acts: several bodies of several localities, each with its people and its systems, and one that has no part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from agreements_api import policy
from agreements_api.accounts.models import Account
from agreements_api.localities.models import OrganizationKind, Unit, UnitLevel
from agreements_api.policy import Role
from shared import clock
from tests.agreements_api.agreements.world import BODIES, Person, World
from tests.agreements_api.conftest import Caller

# The bodies that take part, and whoever takes part in nothing.
CUSTODIANS = ("dongtrieu", "chilinh")
PARTIES = ("dongtrieu", "chilinh", "kinhmon", "quangninh")
WORKERS = ("ubnd-dongtrieu", "ubnd-kinhmon", "ubnd-chilinh", "ubnd-sondong")
ABOVE = ("quangninh", "haiduong", "bacgiang")
STRANGER = "elsewhere"
BODIES_AT_WORK = tuple(dict.fromkeys((*PARTIES, *WORKERS, *ABOVE)))

# Units that may end during a walk, and the wards that follow each: most of it went to the first.
WARDS = {
    "Thị xã Kinh Môn": ("Phường Kinh Môn", "Phường Nhị Chiểu"),
    "Thành phố Chí Linh": ("Phường Chí Linh", "Phường Chu Văn An"),
}


def heir(key: str, ward: int) -> str:
    """The body that does for a ward, counted from 1, what a body did for the unit that ended."""
    return f"{key}-{ward}"


# Key, ward, body, and the key of the body above it.
_HEIRS = tuple(
    (
        heir(key, at),
        ward,
        f"UBND {ward.lower()}" if key.startswith("ubnd") else f"Ban Thường vụ Đảng ủy {ward.lower()}",
        above,
    )
    for key, unit, _, _, above in BODIES
    for at, ward in enumerate(WARDS.get(unit, ()), start=1)
)
# Who has no part in anything until a unit ends, and which one that is.
FOLLOWS = {heir(key, ward): unit for key, unit, *_ in BODIES for ward, _ in enumerate(WARDS.get(unit, ()), start=1)}
HEIRS = tuple(FOLLOWS)
SUPERIOR = {key: above for key, _, _, _, above in BODIES if above is not None}
SUPERIOR |= {key: above for key, _, _, above in _HEIRS if above is not None}
UNIT = {key: unit for key, unit, _, _, _ in BODIES} | {key: ward for key, ward, *_ in _HEIRS}
# A token lasts fifteen minutes, and a walk is shorter than five.
_FRESH = timedelta(minutes=5)
_ROLES = (Role.LEADER, Role.SPECIALIST, Role.VIEWER, Role.ADMINISTRATOR)


@dataclass(frozen=True)
class Player:
    """Somebody with a role in a body: a person, or a system with or without scopes."""

    key: str
    role: str
    person: Person

    def __str__(self) -> str:
        return f"{self.role} of {self.key}"

    @property
    def is_person(self) -> bool:
        return self.person.actor.kind == "user"


@dataclass
class Cast:
    """Everybody, with an account where it is a person."""

    world: World
    accounts: dict[tuple[str, str], Account]
    players: list[Player]
    # Whoever runs the whole system, and stands in nothing.
    operator: Player
    signed_in_at: datetime | None = None

    @classmethod
    async def gather(cls, world: World) -> Cast:
        await _found_heirs(world)
        accounts = {
            (key, role.value): await world.registry.account(world.organizations[key], role)
            for key in (*BODIES_AT_WORK, *HEIRS, STRANGER)
            for role in _ROLES
        }
        operator = Player("", Role.OPERATOR.value, _as_person(await world.registry.caller(None, Role.OPERATOR)))
        cast = cls(world, accounts, [], operator)
        cast.sign_in()
        return cast

    def sign_in(self) -> None:
        """New tokens for everybody, once those that there are have grown old: a long run outlives them."""
        now = clock.wall_now()
        if self.signed_in_at is not None and now - self.signed_in_at < _FRESH:
            return
        self.signed_in_at = now
        self.operator = replace(self.operator, person=self._again(self.operator.person))
        self.players = [
            *(
                Player(key, role, _as_person(self.world.registry.as_account(account, self.world.organizations[key])))
                for (key, role), account in self.accounts.items()
            ),
            *(
                Player(key, "system", self.world.client(key, *policy.scopes()))
                for key in ("chilinh", "ubnd-dongtrieu", STRANGER)
            ),
            *(Player(key, "system without scopes", self.world.client(key)) for key in ("dongtrieu", "ubnd-kinhmon")),
        ]

    def _again(self, person: Person) -> Person:
        return _as_person(self.world.registry.as_actor(person.actor))

    def of(self, key: str, role: Role = Role.LEADER) -> Player:
        return next(player for player in self.players if (player.key, player.role) == (key, role.value))

    @property
    def strangers(self) -> Sequence[Player]:
        return [player for player in self.players if player.key == STRANGER]

    def unit_id(self, key: str) -> str:
        return str(self.world.organizations[key].unit_id)

    def id(self, key: str) -> str:
        return self.world.id(key)

    def key(self, organization_id: str | None) -> str:
        return next(key for key, one in self.world.organizations.items() if str(one.id) == organization_id)

    def account_id(self, key: str, role: Role = Role.LEADER) -> str:
        return str(self.accounts[key, role.value].id)


async def _found_heirs(world: World) -> None:
    """Registered beforehand, so that there are people to act for them; a succession takes them before it founds any."""
    units: dict[str, Unit] = {}
    for key, ward, name, above in _HEIRS:
        if ward not in units:
            units[ward] = await world.registry.unit(ward, level=UnitLevel.COMMUNE)
        world.organizations[key] = await world.registry.organization(
            name,
            unit=units[ward],
            superior=world.organizations[above] if above else None,
            kind=OrganizationKind.PEOPLES_COMMITTEE if key.startswith("ubnd") else OrganizationKind.STANDING_COMMITTEE,
        )


def _as_person(caller: Caller) -> Person:
    return Person(caller.http, caller.actor, caller.token)
