"""The database of a service: transactions for changes, a read pool for hot statements, and who is asking."""

from shared.db.database import Database, as_system, driver_connection
from shared.db.faults import DATABASE_ERRORS, is_database_away
from shared.db.parameters import Parameters

__all__ = ["DATABASE_ERRORS", "Database", "Parameters", "as_system", "driver_connection", "is_database_away"]
