"""Which failures are the message's own, and which are the world's and pass."""

import asyncpg
from aiokafka.errors import KafkaError
from sqlalchemy.exc import DBAPIError, DisconnectionError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

# Classes of SQLSTATE that say nothing about a message: connection, rollback by conflict, resources, locks, operator,
# system; and 42, a statement that does not fit the schema, which is a release that runs before its migration.
_TRANSIENT_CLASSES = ("08", "40", "42", "53", "55", "57", "58")
_READ_ONLY = "25006"


class TransientError(Exception):
    """A handler raises it to be tried again later, whatever the cause."""


def is_transient(error: BaseException) -> bool:
    if isinstance(
        error,
        TransientError | KafkaError | OSError | TimeoutError | DisconnectionError | InterfaceError | PoolTimeout,
    ):
        return True
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _passes(getattr(error.orig, "sqlstate", None))
    if isinstance(error, asyncpg.PostgresError):
        return _passes(error.sqlstate)
    # The internal error is what a query meets while the server's farewell is being read from the same connection.
    return isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError)


def describe(error: BaseException) -> str:
    """For the error column: SQLAlchemy's own text would repeat the statement's parameters, a task's text among them."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return f"{type(cause).__name__}: {cause}"[:2000]


def _passes(sqlstate: str | None) -> bool:
    return sqlstate is None or sqlstate == _READ_ONLY or sqlstate.startswith(_TRANSIENT_CLASSES)
