"""Rules of plan periods: one register for the whole country, kept by the operator."""

from datetime import date
from typing import Any, TypeAlias

import asyncpg

from agreements_api.funding import errors, repository
from agreements_api.funding.gates import Period
from agreements_api.funding.permissions import may_add_periods
from agreements_api.funding.schemas import PlanPeriodCreate
from shared import clock
from shared.auth import Actor
from shared.problems import FieldError

Connection: TypeAlias = "asyncpg.Connection[Any]"

YEARS = 5


async def add(connection: Connection, actor: Actor, body: PlanPeriodCreate) -> str:
    """A period that begins and ends with a year and shares no day with another; gives its id."""
    if not may_add_periods(actor):
        raise errors.NotAllowed
    refused = refusals(body.first_on, body.last_on)
    if refused:
        raise errors.NotTaken(errors=refused)
    period = Period(f"{body.first_on.year}-{body.last_on.year}", body.first_on, body.last_on)
    if not await repository.add_period(connection, actor, period, clock.now()):
        # Whoever added it at the same time has committed by now.
        raise errors.PeriodsOverlap(await repository.overlapping(connection, period))
    return period.id


def refusals(first_on: date, last_on: date) -> list[FieldError]:
    """What no medium-term plan has for its days (Law on Public Investment: five years). Pure."""
    if (first_on.month, first_on.day) != (1, 1):
        return [errors.no_new_year("/first_on")]
    if last_on != date(first_on.year + YEARS - 1, 12, 31):
        return [errors.not_five_years("/last_on", date(first_on.year + YEARS - 1, 12, 31))]
    return []
