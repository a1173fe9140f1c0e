"""The five localities of Conclusion 352 with people who can call the API, and what they sign in tests."""

from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import asyncpg
import httpx

from agreements_api.localities.models import Organization, OrganizationKind, Unit, UnitLevel
from agreements_api.policy import Role
from lienvung.postgres import DatabaseAddress
from shared.auth import Actor
from tests.agreements_api.conftest import Caller, Registry

Json = dict[str, Any]

# Key, unit, level, body, the key of the body above it.
BODIES = (
    ("quangninh", "Tỉnh Quảng Ninh", UnitLevel.PROVINCE, "Ban Thường vụ Tỉnh ủy Quảng Ninh", None),
    ("haiduong", "Tỉnh Hải Dương", UnitLevel.PROVINCE, "Ban Thường vụ Tỉnh ủy Hải Dương", None),
    ("bacgiang", "Tỉnh Bắc Giang", UnitLevel.PROVINCE, "Ban Thường vụ Tỉnh ủy Bắc Giang", None),
    ("dongtrieu", "Thị xã Đông Triều", UnitLevel.DISTRICT, "Ban Thường vụ Thị ủy Đông Triều", "quangninh"),
    ("chilinh", "Thành phố Chí Linh", UnitLevel.DISTRICT, "Ban Thường vụ Thành ủy Chí Linh", "haiduong"),
    ("kinhmon", "Thị xã Kinh Môn", UnitLevel.DISTRICT, "Ban Thường vụ Thị ủy Kinh Môn", "haiduong"),
    ("sondong", "Huyện Sơn Động", UnitLevel.DISTRICT, "Ban Thường vụ Huyện ủy Sơn Động", "bacgiang"),
    ("lucnam", "Huyện Lục Nam", UnitLevel.DISTRICT, "Ban Thường vụ Huyện ủy Lục Nam", "bacgiang"),
    ("ubnd-dongtrieu", "Thị xã Đông Triều", UnitLevel.DISTRICT, "UBND thị xã Đông Triều", "quangninh"),
    ("ubnd-chilinh", "Thành phố Chí Linh", UnitLevel.DISTRICT, "UBND thành phố Chí Linh", "haiduong"),
    ("ubnd-kinhmon", "Thị xã Kinh Môn", UnitLevel.DISTRICT, "UBND thị xã Kinh Môn", "haiduong"),
    ("ubnd-sondong", "Huyện Sơn Động", UnitLevel.DISTRICT, "UBND huyện Sơn Động", "bacgiang"),
    # No party to anything here.
    ("elsewhere", "Tỉnh Hà Giang", UnitLevel.PROVINCE, "Ban Thường vụ Tỉnh ủy Hà Giang", None),
)
PARTIES = ("dongtrieu", "chilinh", "kinhmon", "sondong", "lucnam")

PLAN: Json = {
    "instrument": "plan",
    "title": "Kế hoạch phối hợp thực hiện Kết luận số 352-KL/TUQN-TUBG-TUHD",
    "parent": {"instrument": "conclusion", "number": "352-KL/TUQN-TUBG-TUHD", "title": "Kết luận về liên kết vùng"},
    "fields": ["hạ tầng giao thông", "du lịch"],
    "demonstration": True,
    "clauses": [
        {"heading": "Giao thông", "text": "Đưa các tuyến kết nối vào quy hoạch.", "field": "hạ tầng giao thông"},
        {"heading": "Xâm canh, xâm cư", "text": "Giải quyết vướng mắc khu vực xâm canh, xâm cư.", "field": "địa giới"},
    ],
}
REPORT: Json = {
    "period_start": "2026-10-15",
    "period_end": "2026-11-14",
    "percent": 40,
    "narrative": "Đã rà soát 40 % khu vực giáp ranh (số liệu minh họa).",
    "difficulties": "Hồ sơ địa chính hai bên chưa khớp (minh họa).",
}


class Person(Caller):
    """Somebody of the case, calling as a frontend would."""

    @property
    def organization(self) -> str:
        return str(self.actor.organization_id)

    async def read(self, path: str, **query: Any) -> Json:
        return accepted(await self.get(path, **query), 200)

    async def step(self, path: str, verb: str, body: Any = None) -> Json:
        """A transition that is expected to succeed; gives the state after it."""
        return accepted(await self.act(path, verb, body), 200, 201)

    async def act_blindly(self, path: str, verb: str, body: Any = None) -> httpx.Response:
        """A transition whatever the version is."""
        return await self.post(f"{path}/{verb}", body, **{"If-Match": "*"})

    async def change(self, path: str, patch: Any) -> httpx.Response:
        """A merge patch of the version that was just read."""
        seen = await self.get(path)
        return await self.patch(path, patch, **{"If-Match": seen.headers["etag"]})


@dataclass(frozen=True)
class World:
    """The bodies of the case in a running application, and what they do."""

    registry: Registry
    http: httpx.AsyncClient
    address: DatabaseAddress
    organizations: dict[str, Organization]

    def person(self, key: str, role: Role = Role.LEADER) -> Person:
        """Whoever has this role in the body; the same account each time."""
        return self._sign_in(
            Actor(
                id=uuid5(NAMESPACE_OID, f"{key}.{role}"),
                kind="user",
                name=f"{role} {key}",
                organization_id=self.organizations[key].id,
                roles=frozenset({role.value}),
            )
        )

    def specialist(self, key: str) -> Person:
        return self.person(key, Role.SPECIALIST)

    def client(self, key: str, *scopes: str) -> Person:
        """The system of a district."""
        caller = self.registry.as_client(self.organizations[key], *scopes)
        return Person(caller.http, caller.actor, caller.token)

    def id(self, key: str) -> str:
        return str(self.organizations[key].id)

    async def draft(self, **changes: Any) -> Json:
        """A draft of Đông Triều with the five parties."""
        parties = [{"organization_id": self.id(key), "signatory_title": "Bí thư"} for key in PARTIES]
        body = PLAN | {"parties": parties} | changes
        return accepted(await self.specialist("dongtrieu").post("/v1/agreements", body), 201)

    async def opened(self, **changes: Any) -> Json:
        plan = await self.draft(**changes)
        return await self.person("dongtrieu").step(f"/v1/agreements/{plan['id']}", "open")

    async def plan(self, **changes: Any) -> Json:
        """A plan in force, with its clauses."""
        plan = await self.opened(**changes)
        path = f"/v1/agreements/{plan['id']}"
        for key in PARTIES:
            plan = await self.person(key).step(path, "sign", signature(key))
        assert plan["status"] == "in_force"
        return plan | {"clauses": (await self.person("dongtrieu").read(f"{path}/clauses"))["items"]}

    async def task(
        self,
        plan: Json,
        *,
        lead: str = "ubnd-dongtrieu",
        coordinating: tuple[str, ...] = ("ubnd-kinhmon", "ubnd-chilinh"),
        monitoring: tuple[str, ...] = (),
        **changes: Any,
    ) -> Json:
        """A task of the plan's second clause."""
        body = {
            "title": "Rà soát, giải quyết vướng mắc khu vực xâm canh, xâm cư",
            "clause_id": plan["clauses"][1]["id"],
            "deliverable": "Biên bản",
            "due_on": "2026-12-31",
            "lead_organization_id": self.id(lead),
            "coordinating": [{"organization_id": self.id(key)} for key in coordinating],
            "monitoring": [{"organization_id": self.id(key)} for key in monitoring],
            "demonstration": True,
        }
        answer = await self.person("dongtrieu").post(f"/v1/agreements/{plan['id']}/tasks", body | changes)
        return accepted(answer, 201)

    async def under_way(self, plan: Json | None = None, **given: Any) -> str:
        """The path of an accepted task."""
        task = await self.task(plan or await self.plan(), **given)
        path = f"/v1/tasks/{task['id']}"
        await self.specialist("ubnd-dongtrieu").step(path, "accept")
        return path

    async def submitted(self, plan: Json | None = None, **given: Any) -> str:
        """The path of a task that waits for its coordinating parties, with a report of 40 percent."""
        path = await self.under_way(plan, **given)
        worker = self.specialist("ubnd-dongtrieu")
        await worker.step(path, "reports", REPORT)
        await worker.step(path, "submit")
        return path

    async def rows(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """What the tables hold, seen by their owner."""
        connection = await asyncpg.connect(self.address.owner_url)
        try:
            return list(await connection.fetch(statement, *values))
        finally:
            await connection.close()

    async def columns(self, table: str) -> str:
        """The columns that an insert can give a value to."""
        rows = await self.rows(
            "select column_name from information_schema.columns"
            " where table_name = $1 and is_generated = 'NEVER' order by ordinal_position",
            table,
        )
        return ", ".join(row["column_name"] for row in rows)

    def _sign_in(self, actor: Actor) -> Person:
        caller = self.registry.as_actor(actor)
        return Person(caller.http, caller.actor, caller.token)


async def found(registry: Registry, http: httpx.AsyncClient, address: DatabaseAddress) -> World:
    """The bodies of the case, with nothing signed yet."""
    units: dict[str, Unit] = {}
    organizations: dict[str, Organization] = {}
    for key, unit, level, name, above in BODIES:
        if unit not in units:
            units[unit] = await registry.unit(unit, level=level)
        organizations[key] = await registry.organization(
            name,
            unit=units[unit],
            superior=organizations[above] if above else None,
            kind=OrganizationKind.PEOPLES_COMMITTEE if key.startswith("ubnd") else OrganizationKind.STANDING_COMMITTEE,
        )
    return World(registry, http, address, organizations)


def signature(key: str) -> Json:
    return {"signatory_name": f"Lãnh đạo {key} (minh họa)", "signatory_title": "Bí thư"}


def accepted(answer: httpx.Response, *expected: int) -> Json:
    assert answer.status_code in expected, f"{answer.status_code} {answer.text}"
    body: Json = answer.json()
    return body


def problem(answer: httpx.Response, status: int, code: str | None = None) -> Json:
    """The problem document of an answer."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.headers["content-type"] == "application/problem+json"
    body: Json = answer.json()
    assert code in (None, body["code"])
    return body


def pointers(body: Json) -> list[str]:
    return [error["pointer"] for error in body["errors"]]
