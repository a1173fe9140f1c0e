"""A command line to be forked from a nursery."""

import os
import sys
import time

import typer

from shared.ids import new_id

app = typer.Typer()
IMPORTED_BY = os.getpid()


@app.command()
def who() -> None:
    """Print who one is."""
    typer.echo(f"{IMPORTED_BY} {os.getpid()} {os.environ.get('ROLE')} {sys.argv} {new_id()}")


@app.command()
def stay() -> None:
    """Run until told otherwise."""
    typer.echo("here I am")
    time.sleep(300)


@app.command()
def fail(code: int) -> None:
    """End with a code."""
    raise typer.Exit(code)


@app.command()
def crash() -> None:
    """End with an error."""
    raise KeyError("no such key")
