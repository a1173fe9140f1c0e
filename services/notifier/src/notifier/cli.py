"""The command line of the notifier."""

import asyncio

import typer

from notifier.alerts.scheduler import schedule_role
from notifier.app import create_app
from notifier.config import Settings
from notifier.deadlines import consumers
from notifier.deadlines.consumers import deadlines_consumer
from notifier.delivery.sender import send_role
from notifier.feed.consumers import feed_consumer
from shared.cli import ServiceCli
from shared.db import Database
from shared.outbox.relay import Relay
from shared.roles import Role, supervise


def consume_role(settings: Settings, database: Database) -> Role:
    """Both consumers, each with its own group: what stops the one does not stop the other."""

    async def run(stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as both:
            both.create_task(supervise("deadlines", deadlines_consumer(settings, database).run, stop))
            both.create_task(supervise("feed", feed_consumer(settings, database).run, stop))

    return run


_cli = ServiceCli(
    package="notifier",
    settings=Settings,
    create_app=create_app,
    workers={
        "consume": consume_role,
        "schedule": schedule_role,
        "send": send_role,
        "relay": lambda settings, database: Relay(settings, database).run,
    },
)
app = _cli.app


@app.command()
def rebuild() -> None:
    """Forget the deadlines and wait until the running consumers have learned them again; alerts stay."""
    _cli.run(consumers.rebuild)
    typer.echo("The deadlines are learned again.")
