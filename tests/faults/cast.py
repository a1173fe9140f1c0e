"""The organisations and accounts of the run: those of the story of Conclusion 352, founded through the gateway."""

import secrets
from dataclasses import dataclass, field

from lienvung.story import BEFORE_REFORM, LOCALITIES, PROVINCES
from tests.faults.client import Client, Journal, Json
from tests.faults.wire import Wire

ROLES = ("leader", "specialist")


@dataclass
class Cast:
    """Who acts: organisations by key, and for each of them a leader and a specialist."""

    organizations: dict[str, str] = field(default_factory=dict)
    people: dict[str, Client] = field(default_factory=dict)

    @property
    def committees(self) -> list[str]:
        """The bodies that draft and sign."""
        return [locality.key for locality in LOCALITIES]

    @property
    def executives(self) -> list[str]:
        """The bodies that carry out tasks."""
        return [f"ubnd-{locality.key}" for locality in LOCALITIES]

    @property
    def monitors(self) -> list[str]:
        return [key for key, _ in PROVINCES.values()]

    def leader(self, key: str) -> Client:
        return self.people[f"{key}.leader"]

    def specialist(self, key: str) -> Client:
        return self.people[f"{key}.specialist"]


async def found(wire: Wire, journal: Journal, operator: tuple[str, str]) -> Cast:
    """Three provinces and the two bodies of each of the five localities, with their accounts, signed in."""
    founder = await Client(wire, journal, *operator).sign_in()
    cast = Cast()
    for code, (key, name) in PROVINCES.items():
        await _organization(wire, journal, founder, cast, key, name, "standing_committee", ("province", code), None)
    for locality in LOCALITIES:
        place, above = ("district", locality.unit_code), PROVINCES[locality.province_code][0]
        for key, name, kind in (
            (locality.key, locality.committee, "standing_committee"),
            (f"ubnd-{locality.key}", locality.people, "peoples_committee"),
        ):
            await _organization(wire, journal, founder, cast, key, name, kind, place, above)
    return cast


async def _organization(
    wire: Wire,
    journal: Journal,
    founder: Client,
    cast: Cast,
    key: str,
    name: str,
    kind: str,
    place: tuple[str, str],
    above: str | None,
) -> None:
    level, code = place
    page = await founder.read(f"/v1/units?level={level}&code={code}&on={BEFORE_REFORM.isoformat()}")
    organization = await _create(
        founder,
        "/v1/organizations",
        {
            "name": name,
            "kind": kind,
            "unit_id": page.body["items"][0]["id"],
            "superior_organization_id": cast.organizations[above] if above else None,
        },
    )
    cast.organizations[key] = organization["id"]
    for role in ROLES:
        username, password = f"{key}.{role}", secrets.token_urlsafe(15)
        user = await _create(
            founder,
            "/v1/users",
            {
                "organization_id": organization["id"],
                "username": username,
                "password": password,
                "name": f"{role} {name}",
                "email": f"{username}@demo.lienvung.example",
                "roles": [role],
                "language": "vi",
            },
        )
        client = Client(wire, journal, username, password, account_id=user["id"])
        cast.people[username] = await client.sign_in()


async def _create(founder: Client, path: str, body: Json) -> Json:
    answer = await founder.create(path, body)
    if answer.status != 201:
        raise RuntimeError(f"{path}: {answer.status} {answer.body}")
    return answer.body
