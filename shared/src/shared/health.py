"""Whether a process lives, and whether it can do its work."""

import asyncio
from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.auth import SYSTEM

CHECK_TIMEOUT = 2.0

router = APIRouter(include_in_schema=False)


@router.get("/health/live")
async def live() -> Response:
    """No dependency is asked: a restart would not bring one back."""
    return Response(b'{"status":"live"}', media_type="application/json")


@router.get("/health/ready")
async def ready(request: Request) -> Response:
    """Ready with the database; without Kafka degraded but ready, because the outbox absorbs it."""
    database, kafka = await asyncio.gather(_database(request.app), _kafka(request.app))
    status = "unavailable" if not database else "ready" if kafka else "degraded"
    checks = {"database": "up" if database else "down", "kafka": "up" if kafka else "down"}
    return Response(
        orjson.dumps({"status": status, "checks": checks}),
        200 if database else 503,
        media_type="application/json",
    )


@router.get("/metrics")
async def metrics() -> Response:
    return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


async def _database(app: Any) -> bool:
    try:
        async with asyncio.timeout(CHECK_TIMEOUT), app.state.database.read(SYSTEM) as connection:
            return bool(await connection.fetchval("select true"))
    # Whatever keeps the database from answering is what this question is about.
    except Exception:  # noqa: BLE001
        return False


async def _kafka(app: Any) -> bool:
    host, _, port = app.state.settings.kafka_bootstrap_servers.split(",")[0].rpartition(":")
    try:
        async with asyncio.timeout(CHECK_TIMEOUT):
            _, writer = await asyncio.open_connection(host, int(port))
    except (OSError, TimeoutError, ValueError):
        return False
    writer.close()
    return True
