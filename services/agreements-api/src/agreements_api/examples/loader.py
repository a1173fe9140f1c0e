"""Loading the example agreements as drafts, with the organisations that are their parties."""

from dataclasses import dataclass, field
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from agreements_api.agreements import service as agreements
from agreements_api.examples import repository
from agreements_api.examples.facts import DAY, Body, draft_of, examples
from agreements_api.localities import service as localities
from agreements_api.localities.schemas import OrganizationCreate
from shared.auth import SYSTEM, Actor
from shared.db import Database, driver_connection


class UnitsMissing(Exception):
    """The units have to be loaded first."""


@dataclass
class Loaded:
    """What was made; what was there already stays as it is."""

    agreements: list[str] = field(default_factory=list)
    organizations: list[str] = field(default_factory=list)
    present: int = 0


async def load_examples(database: Database) -> Loaded:
    """Add what is not there yet, in one transaction; may be run again."""
    loaded = Loaded()
    async with database.transaction(SYSTEM) as session:
        connection = await driver_connection(session)
        await repository.lock(connection)
        for example in examples():
            if await repository.is_there(connection, example.id):
                loaded.present += 1
                continue
            organizations = {body.name: await _organization(session, body, loaded) for body in example.parties}
            custodian = Actor(
                id=SYSTEM.id,
                kind=SYSTEM.kind,
                name=SYSTEM.name,
                organization_id=organizations[example.parties[0].name],
            )
            body = draft_of(example, organizations)
            await agreements.draft(session, custodian, body, agreement_id=example.id)
            loaded.agreements.append(example.key)
    return loaded


async def _organization(session: AsyncSession, body: Body, loaded: Loaded) -> UUID:
    """The registered body of this name, or a new one under no other."""
    connection = await driver_connection(session)
    unit_id = await repository.unit(connection, body.level, body.unit, DAY)
    if unit_id is None:
        raise UnitsMissing(f"there is no unit {body.unit}: run `agreements-api load-units`")
    await session.flush()
    known = await repository.organization(connection, unit_id, body.name)
    if known is not None:
        return known
    wanted = OrganizationCreate(name=body.name, kind=body.kind, unit_id=unit_id)
    made = await localities.create_organization(session, SYSTEM, wanted)
    loaded.organizations.append(body.name)
    return made.id
