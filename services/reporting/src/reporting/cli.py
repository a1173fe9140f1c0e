"""The command line of the reporting service."""

import typer

from reporting.app import create_app
from reporting.config import Settings
from reporting.projections.consumers import consume_role, forget, sizes
from reporting.reports.jobs import render_role
from shared.cli import ServiceCli
from shared.db import Database
from shared.outbox.relay import Relay

_cli = ServiceCli(
    package="reporting",
    settings=Settings,
    create_app=create_app,
    workers={
        "consume": consume_role,
        "render": render_role,
        "relay": lambda settings, database: Relay(settings, database).run,
    },
)
app = _cli.app


@app.command()
def rebuild() -> None:
    """Empty the projections; the running consumers notice and make them again from the first event."""

    async def work(_: Settings, database: Database) -> None:
        await forget(database)

    _cli.run(work)
    typer.echo("The projections are empty; the consumers make them again.")


@app.command(name="sizes")
def show_sizes() -> None:
    """Print how many rows each projection has."""

    async def work(_: Settings, database: Database) -> None:
        for table, rows in (await sizes(database)).items():
            typer.echo(f"{table:<18} {rows:>12,}")

    _cli.run(work)
