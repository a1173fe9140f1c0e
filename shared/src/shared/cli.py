"""The command line that every service has: one command a role, and its migrations."""

import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Generic, TypeVar

import typer
import uvloop
from fastapi import FastAPI

from shared import logs, telemetry
from shared.db import Database
from shared.roles import Role, http_role, run_all
from shared.settings import ServiceSettings

S = TypeVar("S", bound=ServiceSettings)

Worker = Callable[[S, Database], Role]
Uds = Annotated[Path | None, typer.Option(help="Unix socket to listen on.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(help="Port to listen on, where no socket is given.")]


class ServiceCli(Generic[S]):
    """Builds `app` from what the service is made of."""

    def __init__(
        self,
        *,
        package: str,
        settings: Callable[..., S],
        create_app: Callable[[S], FastAPI],
        workers: Mapping[str, Callable[[S, Database], Role]],
    ) -> None:
        self.app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, add_completion=False)
        self._package = package
        self._settings = settings
        self._create_app = create_app
        self._workers = dict(workers)
        self._add_commands()

    def run(self, work: Callable[[S, Database], Awaitable[None]]) -> None:
        """Run a command that needs the database, once."""
        settings = self._configured()

        async def with_database() -> None:
            database = Database(settings)
            await database.start()
            try:
                await work(settings, database)
            finally:
                await database.stop()

        uvloop.run(with_database())

    def _add_commands(self) -> None:
        self.app.command("serve", help="Answer HTTP requests.")(self._serve)
        self.app.command("all", help="Every role in one process, for a small machine.")(self._all)
        self.app.command("migrate", help="Bring the database up to date.")(self._migrate)
        self.app.command("migration", help="Write a new, empty migration.")(self._migration)
        self.app.command("openapi", help="Print the OpenAPI document.")(self._openapi)
        for name in self._workers:
            self.app.command(name, help=f"Run the role `{name}`.")(self._worker_command(name))

    def _worker_command(self, name: str) -> Callable[[], None]:
        def command() -> None:
            self.run(lambda settings, database: run_all({name: self._workers[name](settings, database)}))

        return command

    def _serve(self, uds: Uds = None, host: Host = "127.0.0.1", port: Port = 8000) -> None:
        settings = self._configured()
        uvloop.run(run_all({"serve": self._http(settings, uds, host, port)}))

    def _all(self, uds: Uds = None, host: Host = "127.0.0.1", port: Port = 8000) -> None:
        async def work(settings: S, database: Database) -> None:
            roles = {name: worker(settings, database) for name, worker in self._workers.items()}
            await run_all({"serve": self._http(settings, uds, host, port), **roles})

        self.run(work)

    def _migrate(self) -> None:
        # Imported here, as below: no running role needs Alembic in its memory.
        from shared.db.migrate import upgrade

        settings = self._configured()
        upgrade(self._package, _migration_url(settings))

    def _migration(self, message: str) -> None:
        from shared.db.migrate import new_revision

        new_revision(self._package, _migration_url(self._configured()), message)

    def _openapi(self) -> None:
        # No database is opened, but the settings ask for an address.
        settings = self._settings(database_url="postgresql://localhost/unused")
        typer.echo(json.dumps(self._create_app(settings).openapi(), ensure_ascii=False, indent=1))

    def _configured(self) -> S:
        settings = self._settings()
        logs.configure(settings.service_name, settings.log_level)
        telemetry.configure(settings.service_name, settings.otlp_endpoint)
        return settings

    def _http(self, settings: S, uds: Path | None, host: str, port: int) -> Role:
        # A new application each time the role starts: a lifespan is not made to run twice.
        async def serve(stop: Any) -> None:
            await http_role(self._create_app(settings), uds=str(uds) if uds else None, host=host, port=port)(stop)

        return serve


def _migration_url(settings: ServiceSettings) -> str:
    if settings.migration_database_url is None:
        raise typer.BadParameter("the address of the database with its owner's role is not set")
    return settings.migration_database_url
