"""The database of a service: transactions for changes, a read pool for hot statements, and who is asking."""

from shared.db.database import Database, driver_connection
from shared.db.faults import DATABASE_ERRORS, is_database_away

__all__ = ["DATABASE_ERRORS", "Database", "driver_connection", "is_database_away"]
