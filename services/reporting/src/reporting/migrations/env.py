"""The environment that Alembic runs the migrations in."""

from shared.db.migrate import run_environment

run_environment()
