"""Whether the fields of a funding go together. Pure functions, no database."""

from agreements_api.funding import errors
from agreements_api.funding.models import FundingStatus
from agreements_api.funding.schemas import FundingReplace
from shared.problems import FieldError


def refusals(body: FundingReplace) -> list[FieldError]:
    """What cannot be taken; a task with a need names the period whose plan it has to get into."""
    if body.needs_public_investment:
        return [] if body.plan_period is not None else [errors.period_missing("/plan_period")]
    given = {
        "plan_period": body.plan_period is not None,
        "source": body.source is not None,
        "amount": body.amount is not None,
        "status": body.status is not FundingStatus.NONE,
    }
    return [errors.not_needed(f"/{name}") for name, present in given.items() if present]
