"""The command line of the reporting service."""

import typer

from reporting.app import create_app
from reporting.config import Settings
from reporting.projections.consumers import GROUP, HANDLERS, consume_role, forget, sizes
from reporting.reports.jobs import render_role
from shared.auth import SYSTEM
from shared.cli import ServiceCli
from shared.db import Database
from shared.inbox import discard, replay, waiting
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


@app.command(name="dead-letters")
def show_dead_letters() -> None:
    """List the events that were put aside, the oldest first, with the topic and the key that wait behind them."""

    async def work(_: Settings, database: Database) -> None:
        after = 0
        while True:
            async with database.transaction(SYSTEM) as session:
                page = await waiting(session, GROUP, after=after)
            for letter in page:
                typer.echo(f"{letter.id} {letter.topic} {letter.key} {letter.reason} {letter.error or ''}".rstrip())
            if not page:
                return
            after = page[-1].id

    _cli.run(work)


@app.command(name="replay")
def replay_key(topic: str, key: str) -> None:
    """Apply what waits for a key, in order; what fails again stays, and the command ends with 1."""
    stopped: list[str] = []

    async def work(_: Settings, database: Database) -> None:
        outcome = await replay(database, GROUP, topic, key, HANDLERS)
        typer.echo(f"{outcome.applied} applied")
        if outcome.stopped_at is not None:
            stopped.append(f"{outcome.stopped_at} failed again: {outcome.error}")

    _cli.run(work)
    for line in stopped:
        typer.echo(line, err=True)
        raise typer.Exit(1)


@app.command(name="discard")
def discard_letter(letter: int) -> None:
    """Give one event up; its key goes on after `replay`."""
    given_up: list[bool] = []

    async def work(_: Settings, database: Database) -> None:
        async with database.transaction(SYSTEM) as session:
            given_up.append(await discard(session, GROUP, letter))

    _cli.run(work)
    if not given_up[0]:
        typer.echo(f"No event {letter} waits.", err=True)
        raise typer.Exit(1)
