"""Running a service's Alembic migrations, with its owner's role."""

import asyncio
from importlib import resources
from pathlib import Path

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

# A migration that waits for a lock makes everybody behind it wait as well; it gives up first and is run again.
LOCK_TIMEOUT = "5s"
MIGRATION_LOCK = 0x6C76_6D69_6772  # one migration of a database at a time


def upgrade(package: str, url: str, revision: str = "head") -> None:
    """Bring the database to a revision."""
    command.upgrade(_config(package, url), revision)


def downgrade(package: str, url: str, revision: str) -> None:
    command.downgrade(_config(package, url), revision)


def new_revision(package: str, url: str, message: str) -> None:
    """Write an empty, dated migration."""
    command.revision(_config(package, url), message=message)


def run_environment() -> None:
    """The whole of every `migrations/env.py`."""
    url = context.config.get_main_option("sqlalchemy.url")
    assert url is not None
    asyncio.run(_run(url))


async def _run(url: str) -> None:
    engine = create_async_engine(
        url.replace("postgresql://", "postgresql+asyncpg://", 1),
        poolclass=NullPool,
    )
    try:
        async with engine.connect() as connection:
            await connection.run_sync(_migrate)
            await connection.commit()
    finally:
        await engine.dispose()


def _migrate(connection: Connection) -> None:
    context.configure(connection=connection, transactional_ddl=True)
    with context.begin_transaction():
        connection.execute(text("select pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
        connection.execute(text("select set_config('lock_timeout', :timeout, true)"), {"timeout": LOCK_TIMEOUT})
        context.run_migrations()


def _config(package: str, url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(str(resources.files(package))) / "migrations"))
    config.set_main_option("file_template", "%%(year)d%%(month).2d%%(day).2d_%%(rev)s_%%(slug)s")
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config
