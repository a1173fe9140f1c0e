"""What the caller may do with a dependency: `task.set_dependencies` of the task that has to wait."""

from collections.abc import Iterable

from agreements_api.policy import Caller, allowed
from agreements_api.tasks.permissions import STEPS


def allowed_actions(caller: Caller, status: str, relations: Iterable[str]) -> tuple[str, ...]:
    possible = "set_dependencies" in STEPS[status] and allowed(caller, "task.set_dependencies", relations)
    return ("delete",) if possible else ()
