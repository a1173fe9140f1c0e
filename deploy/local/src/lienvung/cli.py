"""The command `lienvung`: the product on one machine, and what its operator does with it."""

import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from lienvung import kafka, product_clock
from lienvung.display import show_addresses, show_rows
from lienvung.memory import MEGABYTE, resident, resident_alone
from lienvung.postgres import Postgres
from lienvung.processes import Ledger
from lienvung.settings import StackSettings
from lienvung.stack import clear_ledgers
from lienvung.up import AlreadyRunning, is_running, last_environment, run, stop_other
from shared.settings import Environment

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
clock = typer.Typer(no_args_is_help=True, help="The product's clock, which development may move.")
app.add_typer(clock, name="clock")


@app.command()
def up(
    demo: Annotated[bool | None, typer.Option(help="Play the story on the first start.")] = None,
    exit_after_story: Annotated[bool | None, typer.Option(help="Stop once the story was told.")] = None,
) -> None:
    """Start the whole product here and keep it running."""
    settings = StackSettings()
    if demo is not None:
        settings.demo = demo
    if exit_after_story is not None:
        settings.exit_after_story = exit_after_story
    try:
        code = asyncio.run(run(settings, _console()))
    except AlreadyRunning as error:
        _fail(str(error))
    raise typer.Exit(code)


@app.command()
def down() -> None:
    """Stop what runs in this clone."""
    run_dir = StackSettings().run_dir
    pid = stop_other(run_dir)
    clear_ledgers(run_dir)
    typer.echo(f"Stopped (process {pid})." if pid else "Nothing runs here.")


@app.command()
def reset() -> None:
    """Stop what runs in this clone and remove the database, wherever it had to lie."""
    run_dir = StackSettings().run_dir
    stop_other(run_dir)
    clear_ledgers(run_dir)
    if (run_dir / "postgres").exists():
        Postgres(run_dir / "postgres").remove()


@app.command()
def status() -> None:
    """Show what runs in this clone."""
    run_dir = StackSettings().run_dir
    if not is_running(run_dir):
        typer.echo("Nothing runs here.")
        raise typer.Exit(1)
    rows = [
        (name, str(process.pid), f"{_resident(name, process.pid) / MEGABYTE:,.0f} MB")
        for folder in (run_dir / "ledger").glob("*")
        for name, process in Ledger(folder).running().items()
    ]
    show_rows(_console(), ("part", "process", "memory"), rows)
    description = run_dir / "stack.json"
    if description.exists():
        show_addresses(_console(), json.loads(description.read_text(encoding="utf-8")))


@app.command()
def policy() -> None:
    """Print who may do what."""
    # Not above: the other commands need none of the services.
    from lienvung import rules

    typer.echo(rules.as_markdown())


@app.command(name="lock-kafka")
def lock_kafka(version: str) -> None:
    """Resolve the jars of Apache Kafka again and write their versions and checksums to the lock file."""
    path = Path(__file__).with_name("kafka.lock")
    path.write_text(kafka.write_lock(version), encoding="utf-8")
    typer.echo(f"{path}: {len(kafka.locked_jars())} jars")


@clock.command()
def show() -> None:
    """Print how far the product's clock is ahead."""
    urls = _owner_urls()
    for name, offset in zip(urls, asyncio.run(product_clock.read(urls.values())), strict=True):
        typer.echo(f"{name:<12} {_ahead(offset)}")


@clock.command()
def jump(by: Annotated[str, typer.Argument(help="How far: 3d, 12h, 1d12h, 90m.")]) -> None:
    """Move the product's clock ahead in all three databases."""
    try:
        product_clock.refuse_in_production(_environment())
        offset = asyncio.run(product_clock.jump(_owner_urls().values(), product_clock.parse_duration(by)))
    except product_clock.ClockRefused as error:
        _fail(str(error))
    typer.echo(f"The product's clock is {_ahead(offset)}.")


@clock.command(name="reset")
def reset_clock() -> None:
    """Set the product's clock back to the real time."""
    try:
        product_clock.refuse_in_production(_environment())
    except product_clock.ClockRefused as error:
        _fail(str(error))
    asyncio.run(product_clock.reset(_owner_urls().values()))
    typer.echo("The product's clock shows the real time.")


def _resident(name: str, pid: int) -> int:
    # What was forked from a nursery has a line of its own.
    return resident_alone(pid) if name.startswith("nursery-") else resident(pid)


def _environment() -> str:
    """Production if either this shell or the running stack says so."""
    settings = StackSettings()
    started_as = last_environment(settings.run_dir)
    return started_as if started_as == Environment.PRODUCTION else settings.environment


def _owner_urls() -> dict[str, str]:
    run_dir = StackSettings().run_dir
    if not is_running(run_dir) or not (run_dir / "stack.json").exists():
        _fail("Nothing runs here: `make run` starts it.")
    databases = json.loads((run_dir / "stack.json").read_text(encoding="utf-8"))["databases"]
    return {name: database["owner_url"] for name, database in databases.items()}


def _ahead(offset: timedelta) -> str:
    return f"ahead by {offset}" if offset else "the real time"


def _console() -> Console:
    return Console(file=sys.stdout)


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(1)
