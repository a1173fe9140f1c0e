"""The command line of agreements-api: its roles, its reference data, its keys and its operator."""

from datetime import UTC, datetime, timedelta
from typing import Annotated
from uuid import UUID

import typer
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from agreements_api import policy
from agreements_api.accounts import service as accounts
from agreements_api.accounts.passwords import Passwords
from agreements_api.accounts.schemas import Password, Username
from agreements_api.administration import verification as administration_trail
from agreements_api.agreements import verification
from agreements_api.agreements.errors import AgreementNotFound
from agreements_api.agreements.lifecycle import lifecycle_role
from agreements_api.agreements.schemas import Outcome, TextVerification
from agreements_api.app import create_app
from agreements_api.config import Settings
from agreements_api.documents.scanning import scan_role
from agreements_api.examples.loader import UnitsMissing
from agreements_api.examples.loader import load_examples as load_example_agreements
from agreements_api.history import verification as audit_trail
from agreements_api.history.instants import instant_of
from agreements_api.imports.jobs import import_role
from agreements_api.localities.loader import load_units as load
from agreements_api.party_succession import service as party_succession
from agreements_api.party_succession.models import RunState
from agreements_api.party_succession.runs import apply_all, succession_role
from shared import clock
from shared.auth import SYSTEM, TokenIssuer
from shared.cli import ServiceCli
from shared.db import Database
from shared.outbox.relay import Relay
from shared.roles import stop_on_signal

cli = ServiceCli(
    package="agreements_api",
    settings=Settings,
    create_app=create_app,
    workers={
        "relay": lambda settings, database: Relay(settings, database).run,
        "lifecycle": lifecycle_role,
        "succession": succession_role,
        "scan": scan_role,
        "imports": import_role,
    },
)
app = cli.app
keys = typer.Typer(no_args_is_help=True, help="The keys that sign access tokens.")
app.add_typer(keys, name="keys")
audit = typer.Typer(no_args_is_help=True, help="The chains of digests under history and the log of administration.")
app.add_typer(audit, name="audit")
successions = typer.Typer(no_args_is_help=True, help="Others take the places of those whose units ended.")
app.add_typer(successions, name="successions")
# Longer than any transaction lasts: by then all that happened until an instant has been committed.
SETTLED = timedelta(minutes=10)


@app.command("load-units")
def load_units() -> None:
    """Load the units of both eras and their successions; may be run again."""

    async def work(settings: Settings, database: Database) -> None:
        loaded = await load(database)
        typer.echo(f"new: {loaded.units} units, {loaded.parents} parents, {loaded.successions} successions")

    cli.run(work)


@app.command("load-examples")
def load_examples() -> None:
    """Load seven published agreements of the region as drafts, after the units; may be run again."""

    async def work(settings: Settings, database: Database) -> None:
        loaded = await load_example_agreements(database)
        typer.echo(
            f"new: {len(loaded.agreements)} agreements, {len(loaded.organizations)} organisations;"
            f" already there: {loaded.present} agreements"
        )
        for name in (*loaded.agreements, *loaded.organizations):
            typer.echo(f"  {name}")

    try:
        cli.run(work)
    except UnitsMissing as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


@successions.command("apply")
def apply_successions(
    limit: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many agreements; the next call goes on.")
    ] = None,
) -> None:
    """Carry out every succession of units until today; may be stopped at any time and goes on when called again."""

    async def work(settings: Settings, database: Database) -> None:
        async with stop_on_signal() as stop:
            run_id, done = await apply_all(database, batch=settings.succession_batch, limit=limit, stop=stop)
        async with database.read(SYSTEM) as connection:
            run = await party_succession.read_run(connection, SYSTEM, run_id)
        typer.echo(
            f"agreements: {done.agreements} looked at, {done.repointed} re-pointed; tasks: {done.tasks};"
            f" organisations founded: {done.founded}; to be decided: {done.decisions}"
        )
        left = run.agreements - run.done
        typer.echo("everything is carried out" if run.state == RunState.FINISHED else f"{left} agreements are left")

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


@app.command("verify-text")
def verify_text(
    agreement: Annotated[UUID | None, typer.Argument(help="The agreement; or --all.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every agreement.")] = False,
) -> None:
    """Prove that texts are what was signed; ends with 1 and names what differs."""
    if every == (agreement is not None):
        raise typer.BadParameter("name one agreement, or say --all")
    counted = {"valid": 0, "invalid": 0}

    def tell(found: TextVerification) -> None:
        counted["valid" if found.valid else "invalid"] += 1
        for check in found.checks:
            if check.outcome == Outcome.DIFFERS:
                what = f"{check.check} {check.subject_id}" if check.subject_id else check.check
                typer.echo(
                    f"agreement {found.agreement_id}: {what} differs:"
                    f" expected {check.expected or 'nothing'}, found {check.found or 'nothing'}",
                    err=True,
                )

    async def work(settings: Settings, database: Database) -> None:
        if agreement is None:
            async for found in verification.verify_all(database):
                tell(found)
        else:
            tell(await verification.verify_text(database, agreement))

    try:
        cli.run(work)
    except AgreementNotFound:
        typer.echo(f"agreement {agreement}: no text was ever opened for signature", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"{counted['valid']} texts are what was signed, {counted['invalid']} differ")
    if counted["invalid"]:
        raise typer.Exit(1)


@audit.command("verify")
def verify_history(
    agreement: Annotated[UUID | None, typer.Option(help="Only this agreement and its tasks.")] = None,
) -> None:
    """Prove that history is complete and as it was written; ends with 1 and names the first broken link."""
    proofs: list[tuple[str, audit_trail.Proof]] = []

    async def work(settings: Settings, database: Database) -> None:
        proofs.append(("", await audit_trail.verify(database, agreement)))
        if agreement is None:
            proofs.append(("administration: ", await administration_trail.verify(database)))

    cli.run(work)
    if not proofs[0][1].records and agreement is not None:
        typer.echo(f"there is no agreement {agreement}", err=True)
        raise typer.Exit(1)
    for of, proof in proofs:
        typer.echo(f"{of}{proof.records} records, {proof.entries} entries, head {proof.head}")
    broken = [_broken(of, proof, proof.first_break) for of, proof in proofs if proof.first_break is not None]
    if not broken:
        typer.echo("every link holds")
        return
    for line in broken:
        typer.echo(line, err=True)
    raise typer.Exit(1)


def _broken(of: str, proof: audit_trail.Proof, found: audit_trail.Break) -> str:
    when = found.occurred_at.astimezone(UTC).isoformat() if found.occurred_at else "never"
    told = f": expected {found.expected}, found {found.found}" if found.expected or found.found else ""
    return (
        f"{of}{proof.broken} tests failed; the first broken link is version {found.version} of {found.subject_kind}"
        f" {found.subject_id}, of {when}: {found.test} ({audit_trail.TEST_WORDING[found.test][1]}){told}"
    )


@audit.command("head")
def head_of_history(
    at: Annotated[str | None, typer.Option(help="An instant (RFC 3339) or a day; ten minutes ago by default.")] = None,
) -> None:
    """One digest over each chain until an instant, to be written down elsewhere and asked for again."""

    async def work(settings: Settings, database: Database) -> None:
        try:
            instant = clock.now().replace(microsecond=0) - SETTLED if at is None else instant_of(at)
        except PydanticCustomError as error:
            raise typer.BadParameter(error.message()) from error
        for of, head_at in (("", audit_trail.head_at), ("administration: ", administration_trail.head_at)):
            proof = await head_at(database, instant)
            typer.echo(f"{_rfc3339(instant)} {of}{proof.records} records, {proof.entries} entries, head {proof.head}")

    cli.run(work)


def _rfc3339(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


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
