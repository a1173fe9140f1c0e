"""What the caller may do with a milestone: `task.set_milestones`, while the task is planned or under way."""

from collections.abc import Iterable

from agreements_api.policy import Caller, allowed
from agreements_api.tasks.permissions import STEPS

ACTION = "task.set_milestones"


def allowed_actions(caller: Caller, status: str, relations: Iterable[str]) -> tuple[str, ...]:
    possible = "set_milestones" in STEPS[status] and allowed(caller, ACTION, relations)
    return ("update", "delete") if possible else ()
