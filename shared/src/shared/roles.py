"""Worker roles: run until told to stop, start again after a failure, end cleanly on SIGTERM."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from typing import Any

import structlog
import uvicorn

from shared.db import is_database_away

Role = Callable[[asyncio.Event], Awaitable[None]]

FIRST_BACKOFF = 0.2
LONGEST_BACKOFF = 15.0
STEADY_AFTER = 30.0
GRACE = 15.0
AWAY_PAUSE = 1.0

_log = structlog.get_logger(__name__)


async def run_role(name: str, role: Role) -> None:
    """Run one role as this process's whole work."""
    await run_all({name: role})


async def run_all(roles: Mapping[str, Role]) -> None:
    """Run every role of a service in one process, each with its own restarts, until SIGTERM or SIGINT."""
    async with stop_on_signal() as stop:
        workers = [asyncio.create_task(supervise(name, role, stop), name=name) for name, role in roles.items()]
        await stop.wait()
        _, late = await asyncio.wait(workers, timeout=GRACE)
        for worker in late:
            _log.warning("role_cancelled", role=worker.get_name())
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)


async def supervise(name: str, role: Role, stop: asyncio.Event) -> None:
    """The outermost loop of a role: whatever it dies of is logged, and it starts again after a pause."""
    loop = asyncio.get_running_loop()
    pause = FIRST_BACKOFF
    while not stop.is_set():
        started = loop.time()
        _log.info("role_started", role=name)
        try:
            await role(stop)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise
            # Nobody cancelled this role: a client gave up a connection and cancelled what had waited for it.
            _log.error("role_cancelled_from_within", role=name, again_in=pause)
        except Exception:  # noqa: BLE001 - the outermost loop
            if loop.time() - started > STEADY_AFTER:
                pause = FIRST_BACKOFF
            _log.exception("role_failed", role=name, again_in=pause)
        else:
            if stop.is_set():
                break
            _log.error("role_ended_by_itself", role=name, again_in=pause)
        await wait_or_stop(stop, pause)
        pause = min(pause * 2, LONGEST_BACKOFF)
    _log.info("role_stopped", role=name)


async def poll(stop: asyncio.Event, work: Callable[[], Awaitable[bool]], *, role: str, idle_seconds: float) -> None:
    """Work until told to stop: again at once while `work` says that there may be more, else after a pause.

    A database that is away is waited for; whatever else goes wrong ends the role, which starts again.
    """
    while not stop.is_set():
        try:
            more = await work()
        except Exception as error:
            if not is_database_away(error):
                raise
            _log.warning("database_away", role=role, error=type(error).__name__)
            await wait_or_stop(stop, AWAY_PAUSE)
            continue
        if not more:
            await wait_or_stop(stop, idle_seconds)


async def wait_or_stop(stop: asyncio.Event, seconds: float) -> bool:
    """Sleep, but wake at once when told to stop; true when told to."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
    return stop.is_set()


@contextlib.asynccontextmanager
async def stop_on_signal() -> AsyncIterator[asyncio.Event]:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def stopping_of(app: Any) -> asyncio.Event:
    """What is set when the server of this application begins to stop; never, where no role serves it."""
    return getattr(app.state, "stopping", None) or asyncio.Event()


def http_role(app: Any, *, uds: str | None = None, host: str = "127.0.0.1", port: int = 8000) -> Role:
    """The HTTP server as a role, so that `serve` and `all` stop in the same way as the workers."""

    async def serve(stop: asyncio.Event) -> None:
        # Answers that have no end of their own (event streams) end by it, or the server would wait for them.
        if (state := getattr(app, "state", None)) is not None:
            state.stopping = stop
        config = uvicorn.Config(
            app,
            uds=uds,
            host=host,
            port=port,
            access_log=False,
            log_config=None,
            proxy_headers=False,
            server_header=False,
            # Longer than the gateway keeps an idle connection, or a request would meet a closing one.
            timeout_keep_alive=75,
            timeout_graceful_shutdown=5,
        )
        server = _Server(config)
        stopper = asyncio.create_task(_stop_server(server, stop))
        try:
            await server.serve()
        finally:
            stopper.cancel()

    return serve


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        # The process has one answer to a signal, and `stop_on_signal` gives it.
        yield


async def _stop_server(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True
