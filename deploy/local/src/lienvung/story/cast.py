"""The organisations of the story and the people who act for them."""

import asyncio
import secrets
from datetime import date

import httpx

from lienvung.story.case import BEFORE_REFORM, LOCALITIES, PROVINCES
from lienvung.story.mailbox import Mailbox, address_of
from lienvung.story.person import Person
from lienvung.story.stage import Json, Say, Stage, StoryError


class Cast:
    """Everybody who acts, the stage on which they do, and the voice that tells of it."""

    def __init__(self, stage: Stage, http: httpx.AsyncClient, operator: Person, say: Say) -> None:
        self.stage = stage
        self.operator = operator
        self.say = say
        self._http = http
        self._mailbox = Mailbox(stage.mail)
        self.organizations: dict[str, str] = {}
        self.people: dict[str, Person] = {}

    async def found_organizations(self) -> None:
        for code, (key, name) in PROVINCES.items():
            unit = await unit_of(self.operator, "province", code, BEFORE_REFORM)
            await self._found(key, name, "standing_committee", unit, superior=None, roles=("leader", "specialist"))
        for locality in LOCALITIES:
            unit = await unit_of(self.operator, "district", locality.unit_code, BEFORE_REFORM)
            province = PROVINCES[locality.province_code][0]
            await self._found(
                locality.key,
                locality.committee,
                "standing_committee",
                unit,
                superior=province,
                roles=("leader", "specialist"),
            )
            await self._found(
                f"ubnd-{locality.key}",
                locality.people,
                "peoples_committee",
                unit,
                superior=province,
                roles=("leader", "specialist"),
            )
        self.say(f"{len(self.organizations)} organisations with {len(self.people)} accounts")

    async def hire_for(self, task: Json, username: str) -> Person:
        """Somebody who works for whoever leads the task by now."""
        lead = (await self.leader("quangninh").get(f"/v1/tasks/{task['id']}"))["lead"]
        return await self._hire(lead["organization_id"], lead["name"], username, "specialist")

    def leader(self, key: str) -> Person:
        return self.people[f"{key}.leader"]

    def specialist(self, key: str) -> Person:
        return self.people[f"{key}.specialist"]

    async def show_mail(self, person: Person, about: str) -> None:
        """Wait for the next message to somebody about something, and say how it is headed."""
        subject = await self._mailbox.message(person.username, about)
        self.say(f"Mail to {address_of(person.username)}: {subject}")

    async def _found(
        self, key: str, name: str, kind: str, unit: Json, *, superior: str | None, roles: tuple[str, ...]
    ) -> None:
        organization = await self.operator.create(
            "/v1/organizations",
            {
                "name": name,
                "kind": kind,
                "unit_id": unit["id"],
                "superior_organization_id": self.organizations[superior] if superior else None,
            },
        )
        self.organizations[key] = organization["id"]
        # At once: each password takes a core for a tenth of a second, twice.
        await asyncio.gather(*(self._hire(organization["id"], name, f"{key}.{role}", role) for role in roles))

    async def _hire(self, organization_id: str, name: str, username: str, role: str) -> Person:
        password = secrets.token_urlsafe(15)
        await self.operator.create(
            "/v1/users",
            {
                "organization_id": organization_id,
                "username": username,
                "password": password,
                "name": f"{'Lãnh đạo' if role == 'leader' else 'Chuyên viên'} {name} (minh họa)",
                "email": address_of(username),
                "roles": [role],
                "language": "vi",
            },
        )
        self.stage.remember({"username": username, "password": password, "organization": name, "roles": [role]})
        self.people[username] = await Person(self._http, username, password).sign_in()
        return self.people[username]


async def unit_of(person: Person, level: str, code: str, on: date) -> Json:
    """The one unit that had this code on a day."""
    page = await person.get("/v1/units", level=level, code=code, on=on.isoformat())
    if len(page["items"]) != 1:
        raise StoryError(f"{level} {code} on {on}: {len(page['items'])} units where one was expected")
    unit: Json = page["items"][0]
    return unit
