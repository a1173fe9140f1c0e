"""The whole product in a folder of its own: it starts, survives what happens to it, and leaves nothing behind."""

import asyncio
import json
import stat
from collections.abc import AsyncIterator

import httpx
import psutil
import pytest
import pytest_asyncio

from lienvung.stack import SERVICES, Stack
from shared.kafka import admin_client, cluster_id_of, declared_topics


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    # Deep enough that the addresses of its sockets would be too long.
    run_dir = tmp_path_factory.mktemp("stack") / ("a-clone-that-lies-deep/" * 5) / ".run"
    stack = Stack(run_dir, durable=False)
    await stack.start()
    pids = list(stack.processes.values())
    yield stack
    await stack.stop()
    assert [pid for pid in pids if psutil.pid_exists(pid)] == []


async def test_every_role_of_every_service_is_a_process_of_its_own(stack: Stack) -> None:
    roles = {f"{service.name}-{worker}" for service in SERVICES for worker in service.workers}
    expected = {"postgres", "kafka", "mail", "gateway", *roles, *(service.name for service in SERVICES)}
    assert set(stack.processes) == expected
    assert len(set(stack.processes.values())) == len(expected)


async def test_the_operator_signs_in_through_the_gateway(stack: Stack) -> None:
    username, password = stack.operator
    async with httpx.AsyncClient(base_url=stack.gateway, timeout=30) as http:
        answer = await http.post("/v1/sessions", json={"username": username, "password": password})
        assert answer.status_code == 201, answer.text
        units = await http.get(
            "/v1/units",
            params={"level": "district", "code": "205", "on": "2024-10-18"},
            headers={"Authorization": f"Bearer {answer.json()['access_token']}"},
        )
    assert [unit["name"] for unit in units.json()["items"]] == ["Thị xã Đông Triều"]


async def test_the_description_is_for_its_owner_only(stack: Stack) -> None:
    stack.remember({"username": "a.leader", "password": "p", "organization": "A", "roles": ["leader"]})
    path = stack.write_description()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    described = json.loads(path.read_text())
    assert set(described) == {"gateway", "accounts", "mail", "kafka", "databases"}
    assert [account["username"] for account in described["accounts"]] == ["operator", "a.leader"]
    assert described["mail"] == str(stack.mail)


@pytest.mark.parametrize("name", ["agreements-api", "notifier-send", "kafka", "postgres", "gateway", "mail"])
async def test_whatever_is_killed_comes_back(stack: Stack, name: str) -> None:
    killed = stack.kill(name)
    await stack.wait_gone(name, killed)
    await stack.wait_ready()
    assert stack.processes[name] != killed
    async with httpx.AsyncClient(base_url=stack.gateway, timeout=30) as http:
        assert (await http.get("/v1/.well-known/jwks.json")).status_code == 200


async def test_a_wiped_broker_is_empty_and_has_its_topics(stack: Stack) -> None:
    async with admin_client(stack.kafka) as admin:
        before = await cluster_id_of(admin)
    await stack.wipe_broker()
    await stack.wait_ready()
    async with admin_client(stack.kafka) as admin:
        assert await cluster_id_of(admin) != before
        declared = {topic.name for topic in declared_topics()}
        # The broker knows a topic a moment after the controller made it.
        for _ in range(100):
            if declared <= set(await admin.list_topics()):
                break
            await asyncio.sleep(0.1)
        else:
            pytest.fail("the topics did not come back")
