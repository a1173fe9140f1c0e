"""Which errors mean that the database is away for a moment, and not that a statement is wrong."""

import asyncpg
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# What a loop that reads on its own rides out: it has nobody to tell, and comes again anyway. asyncpg's internal error
# is what a statement meets while the server's farewell is being read from its connection.
DATABASE_ERRORS = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)

# Connection exceptions, insufficient resources, operator intervention; deadlocks and serialization pass as well.
_TRANSIENT_CLASSES = ("08", "53", "57", "40")


def is_database_away(error: BaseException) -> bool:
    """True where trying again later can help."""
    if isinstance(error, DisconnectionError | PoolTimeout):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or (error.orig is not None and _away(error.orig))
    return _away(error)


def _away(error: BaseException) -> bool:
    sqlstate = getattr(error, "sqlstate", None)
    if isinstance(sqlstate, str):
        return sqlstate.startswith(_TRANSIENT_CLASSES)
    cause = error.__cause__
    if isinstance(cause, asyncpg.PostgresError) and cause.sqlstate:
        return cause.sqlstate.startswith(_TRANSIENT_CLASSES)
    # asyncpg's internal error is what a query meets while the server's farewell is being read from the same connection.
    return isinstance(
        error,
        asyncpg.InterfaceError
        | asyncpg.InternalClientError
        | OSError
        | TimeoutError
        | asyncpg.ConnectionDoesNotExistError,
    )
