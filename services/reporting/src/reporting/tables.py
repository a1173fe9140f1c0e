"""The base of this service's tables: a registry of its own, so that services can live in one process."""

from sqlalchemy.orm import registry
from sqlmodel import SQLModel


class Table(SQLModel, registry=registry()):
    """What every table of the reporting service inherits from."""
