"""Reading the history of administration in tests."""

from typing import Any
from uuid import uuid4

from agreements_api.localities.models import Organization
from agreements_api.policy import Role
from tests.agreements_api.conftest import PASSWORD, Caller, Registry

Json = dict[str, Any]


async def administered(registry: Registry, **more: Any) -> tuple[Caller, Organization, str]:
    """An organisation of its own with its administrator, and its path."""
    organization = await registry.organization(**more)
    return await registry.caller(organization, Role.ADMINISTRATOR), organization, f"/v1/organizations/{organization.id}"


async def history(caller: Caller, path: str, **query: Any) -> list[Json]:
    """What was done to a record, the newest first."""
    answer = await caller.get(f"{path}/history", **query)
    assert answer.status_code == 200, answer.text
    items: list[Json] = answer.json()["items"]
    return items


def told(entry: Json) -> dict[str, tuple[Any, Any]]:
    """From where to where each field went."""
    return {change["field"]: (change["from"], change["to"]) for change in entry["changes"]}


def steps(entries: list[Json]) -> list[tuple[int, str]]:
    return [(entry["version"], entry["action"]) for entry in entries]


def user(**more: Any) -> Json:
    name = f"u{uuid4().hex[:12]}"
    return {"username": name, "name": "Chuyên viên (minh họa)", "email": None, "roles": ["specialist"], **more}


async def new_user(administrator: Caller, **more: Any) -> Json:
    """An account with a password, made by the administrator."""
    answer = await administrator.post("/v1/users", user(password=PASSWORD, **more))
    assert answer.status_code == 201, answer.text
    created: Json = answer.json()
    return created


def by(caller: Caller) -> Json:
    """How an entry names who made it."""
    actor = caller.actor
    organization = str(actor.organization_id) if actor.organization_id else None
    return {"id": str(actor.id), "kind": "user", "name": actor.name, "organization_id": organization}
