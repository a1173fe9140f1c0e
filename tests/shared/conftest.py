"""A database with outbox, inbox and idempotency, and a role's settings for it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from lienvung.postgres import DatabaseAddress
from shared.db import Database
from shared.settings import Environment, ServiceSettings


@pytest.fixture
def settings(reporting_database: DatabaseAddress, kafka: str, topic_prefix: str) -> ServiceSettings:
    return ServiceSettings(
        service_name="shared-test",
        database_url=reporting_database.url,
        migration_database_url=reporting_database.owner_url,
        kafka_bootstrap_servers=kafka,
        kafka_topic_prefix=topic_prefix,
        environment=Environment.TEST,
    )


@pytest.fixture
async def database(settings: ServiceSettings) -> AsyncIterator[Database]:
    opened = Database(settings)
    await opened.start()
    yield opened
    await opened.stop()


@pytest.fixture
async def owner(settings: ServiceSettings) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """A connection that row-level security does not bind."""
    connection = await asyncpg.connect(settings.migration_database_url)
    yield connection
    await connection.close()
