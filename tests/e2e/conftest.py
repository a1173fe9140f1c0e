"""The whole product behind its gateway, and people who are signed in there."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from lienvung.stack import Stack

Json = dict[str, Any]


@dataclass(frozen=True)
class Signed:
    """Somebody signed in at the gateway."""

    http: httpx.AsyncClient
    token: str
    organization_id: str | None
    credentials: dict[str, str]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def unsafe(self, if_match: str | None = None) -> dict[str, str]:
        """Headers of a change: a new key, and the version that it was decided on."""
        headers = self.headers | {"Idempotency-Key": str(uuid4())}
        return headers | {"If-Match": if_match} if if_match else headers

    async def get(self, path: str, **query: Any) -> Json:
        answer = await self.http.get(path, params=query, headers=self.headers)
        assert answer.status_code == 200, answer.text
        body: Json = answer.json()
        return body

    async def create(self, path: str, body: Json) -> Json:
        answer = await self.http.post(path, json=body, headers=self.unsafe())
        assert answer.status_code in (201, 202), answer.text
        created: Json = answer.json()
        return created

    async def act(self, path: str, verb: str, body: Json | None = None) -> Json:
        """One transition, on the version that is current."""
        seen = await self.http.get(path, headers=self.headers)
        answer = await self.http.post(f"{path}/{verb}", json=body or {}, headers=self.unsafe(seen.headers["etag"]))
        assert answer.status_code in (200, 201, 202), answer.text
        changed: Json = answer.json()
        return changed


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    running = Stack(
        tmp_path_factory.mktemp("stack"),
        durable=False,
        # Tests come from one address, and faster than people do.
        environment={
            "GATEWAY_ADDRESS_LIMIT": '{"quota": 100000, "window_seconds": 1}',
            "GATEWAY_SUBJECT_LIMIT": '{"quota": 100000, "window_seconds": 1}',
            # People sign in once for all tests, which a busy machine takes its time for.
            "AGREEMENTS_API_ACCESS_TOKEN_MINUTES": "240",
        },
    )
    async with running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def gateway(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=stack.gateway, timeout=30) as http:
        yield http


async def sign_in(http: httpx.AsyncClient, username: str, password: str, organization_id: str | None = None) -> Signed:
    credentials = {"username": username, "password": password}
    answer = await http.post("/v1/sessions", json=credentials)
    assert answer.status_code == 201, answer.text
    return Signed(http, answer.json()["access_token"], organization_id, credentials)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def operator(stack: Stack, gateway: httpx.AsyncClient) -> Signed:
    return await sign_in(gateway, *stack.operator)


async def found(operator: Signed, name: str) -> str:
    """A new organisation of some district of 2024."""
    units = await operator.get("/v1/units", level="district", on="2024-10-18", limit=1)
    body = {"name": f"{name} {uuid4()}", "kind": "peoples_committee", "unit_id": units["items"][0]["id"]}
    organization = await operator.create("/v1/organizations", body)
    return str(organization["id"])


async def hire(operator: Signed, organization_id: str, role: str) -> Signed:
    """A new account of an organisation, signed in."""
    username, password = f"{role}.{secrets.token_hex(6)}", secrets.token_urlsafe(18)
    await operator.create(
        "/v1/users",
        {
            "organization_id": organization_id,
            "username": username,
            "password": password,
            "name": f"{role} (minh họa)",
            "email": f"{username}@demo.lienvung.example",
            "roles": [role],
            "language": "vi",
        },
    )
    return await sign_in(operator.http, username, password, organization_id)


async def in_force(operator: Signed) -> tuple[Signed, Json]:
    """An agreement of two organisations, and the leader of its custodian."""
    organizations = [await found(operator, name) for name in ("UBND công khai", "UBND cùng ký")]
    leaders = [await hire(operator, organization, "leader") for organization in organizations]
    agreement = await leaders[0].create(
        "/v1/agreements",
        {
            "instrument": "plan",
            "title": "Kế hoạch công khai (minh họa)",
            "parties": [{"organization_id": organization} for organization in organizations],
            "clauses": [{"text": "Điều thứ nhất"}],
            "note": "Ghi chú nội bộ",
            "demonstration": True,
        },
    )
    path = f"/v1/agreements/{agreement['id']}"
    await leaders[0].act(path, "open")
    for leader in leaders:
        agreement = await leader.act(path, "sign", {"signatory_name": "Người ký", "signatory_title": "Chủ tịch"})
    assert agreement["status"] == "in_force"
    return leaders[0], agreement


@dataclass(frozen=True)
class People:
    """Two parties to an agreement, and somebody who is neither."""

    specialist: Signed
    leader: Signed
    other_leader: Signed
    outsider: Signed


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def people(operator: Signed) -> People:
    first, second, third = [await found(operator, name) for name in ("Bên một", "Bên hai", "Người ngoài")]
    return People(
        specialist=await hire(operator, first, "specialist"),
        leader=await hire(operator, first, "leader"),
        other_leader=await hire(operator, second, "leader"),
        outsider=await hire(operator, third, "leader"),
    )


@pytest.fixture
def specialist(people: People) -> Signed:
    return people.specialist


@pytest.fixture
def leader(people: People) -> Signed:
    return people.leader


@pytest.fixture
def outsider(people: People) -> Signed:
    return people.outsider


@pytest.fixture
def credentials(people: People) -> dict[str, str]:
    return people.leader.credentials


@pytest_asyncio.fixture(loop_scope="session")
async def plan(people: People) -> Json:
    """An agreement between the two parties, open for signature."""
    drafted = await people.specialist.create(
        "/v1/agreements",
        {
            "instrument": "plan",
            "title": "Kế hoạch thử nghiệm",
            "fields": ["du lịch"],
            "demonstration": True,
            "parties": [{"organization_id": party.organization_id} for party in (people.leader, people.other_leader)],
            "clauses": [{"heading": "Điều 1", "text": "Nội dung", "field": "du lịch"}],
        },
    )
    return await people.leader.act(f"/v1/agreements/{drafted['id']}", "open")
