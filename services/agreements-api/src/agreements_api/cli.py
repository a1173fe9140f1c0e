"""The command line of agreements-api: its roles, its reference data, its keys and its operator."""

from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from agreements_api import policy
from agreements_api.accounts import service as accounts
from agreements_api.accounts.passwords import Passwords
from agreements_api.accounts.schemas import Password, Username
from agreements_api.app import create_app
from agreements_api.config import Settings
from agreements_api.localities.loader import load_units as load
from shared.auth import SYSTEM, TokenIssuer
from shared.cli import ServiceCli
from shared.db import Database
from shared.outbox.relay import Relay

cli = ServiceCli(
    package="agreements_api",
    settings=Settings,
    create_app=create_app,
    workers={"relay": lambda settings, database: Relay(settings, database).run},
)
app = cli.app
keys = typer.Typer(no_args_is_help=True, help="The keys that sign access tokens.")
app.add_typer(keys, name="keys")


@app.command("load-units")
def load_units() -> None:
    """Load the units of both eras and their successions; may be run again."""

    async def work(settings: Settings, database: Database) -> None:
        loaded = await load(database)
        typer.echo(f"new: {loaded.units} units, {loaded.parents} parents, {loaded.successions} successions")

    cli.run(work)


@app.command("create-operator")
def create_operator(username: Annotated[str, typer.Argument(help="Name to sign in with.")]) -> None:
    """The system's operator, with the password in LIENVUNG_OPERATOR_PASSWORD; sets it again if it exists."""

    async def work(settings: Settings, database: Database) -> None:
        password = settings.operator_password
        if password is None:
            raise typer.BadParameter("LIENVUNG_OPERATOR_PASSWORD is not set")
        try:
            TypeAdapter(Username).validate_python(username)
            password = TypeAdapter(Password).validate_python(password)
        except ValidationError as error:
            raise typer.BadParameter("; ".join(detail["msg"] for detail in error.errors())) from error
        passwords = Passwords(at_once=1, waiting=0)
        async with passwords.turn(), database.transaction(SYSTEM) as session:
            outcome = await accounts.ensure_operator(session, passwords, username=username, password=password)
        typer.echo(f"operator {username}: {outcome}")

    cli.run(work)


@app.command("policy")
def print_policy() -> None:
    """Print the table of permissions: role, action and relation."""
    typer.echo(policy.as_markdown())


@keys.command("rotate")
def rotate_keys() -> None:
    """Make a new signing key and publish it; the one before still verifies."""
    settings = Settings()
    issuer = TokenIssuer(settings.keys_dir)
    kid = issuer.rotate()
    issuer.write_jwks(settings.jwks_path)
    typer.echo(f"signing key {kid}")


@keys.command("publish")
def publish_keys() -> None:
    """Write the public keys to JWKS_PATH."""
    settings = Settings()
    TokenIssuer(settings.keys_dir).write_jwks(settings.jwks_path)
    typer.echo(str(settings.jwks_path))
