"""The FastAPI application that every service is: its routes amid problems, health, metrics, traces and the database."""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any

from fastapi import APIRouter, FastAPI

from shared import clock, health, logs, telemetry
from shared.auth import SYSTEM, TokenVerifier
from shared.body import BodyGuard
from shared.calendar import WorkingCalendar
from shared.db import Database
from shared.idempotency import Fingerprints, sweep
from shared.pagination import Cursors
from shared.problem_handlers import install_problem_handlers
from shared.routes import add_routes
from shared.settings import ServiceSettings

Hook = Callable[[FastAPI], AbstractAsyncContextManager[None]]

VERSION = "0.1.0"


def create_service_app(
    settings: ServiceSettings,
    *,
    title: str,
    routers: Sequence[APIRouter],
    lifespan_hooks: Sequence[Hook] = (),
    description: str = "",
    streamed: Collection[str] = (),
    larger_bodies: Mapping[str, int] | None = None,
) -> FastAPI:
    """The service's routes under /v1; `lifespan_hooks` run while the application does, after the database is open.

    `streamed` are the paths whose bodies are files, which their routes read by themselves; `larger_bodies` gives paths
    by which smaller files come in whole, and how many bytes they may have.
    """
    logs.configure(settings.service_name, settings.log_level)
    telemetry.configure(settings.service_name, settings.otlp_endpoint)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        database = Database(settings)
        await database.start()
        app.state.database = database
        async with database.read(SYSTEM) as connection:
            secret: bytes = await connection.fetchval("select value from service_secret where name = 'cursor'")
        app.state.cursors = Cursors(secret)
        app.state.fingerprints = Fingerprints(secret)
        sweeper = asyncio.create_task(sweep(database), name="idempotency-sweep")
        async with contextlib.AsyncExitStack() as hooks:
            for hook in lifespan_hooks:
                await hooks.enter_async_context(hook(app))
            # Its first question loads the rules of every country, which takes half a second that no caller should wait.
            WorkingCalendar().is_working_day(clock.today())
            # What was imported stays for the life of the process: no collection needs to look at it again.
            gc.collect()
            gc.freeze()
            yield
        sweeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await sweeper
        await database.stop()

    app = FastAPI(
        title=title,
        description=description,
        version=VERSION,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        # RequestTelemetry makes the one span of a request; FastAPI's own would triple them and log texts of errors.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        lifespan=lifespan,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.settings = settings
    app.state.verifier = TokenVerifier(settings.jwks_path)
    add_routes(app, health.router)
    for router in routers:
        add_routes(app, router, prefix="/v1", responses=PROBLEM_RESPONSES)
    install_problem_handlers(app)
    app.add_middleware(BodyGuard, streamed=streamed, larger=larger_bodies)
    app.add_middleware(telemetry.RequestTelemetry, service=settings.service_name)
    return app


_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457 problem document.",
    "required": ["type", "title", "status", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "trace_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
PROBLEM_RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": description, "content": {"application/problem+json": {"schema": _PROBLEM_SCHEMA}}}
    for status, description in (
        (401, "Not signed in."),
        (404, "Not found, or not visible to the caller."),
        (422, "A field is not valid; `errors` names it."),
    )
}
