"""What can be wrong with an extension."""

from collections.abc import Sequence

from agreements_api.extensions.models import STATE_WORDING, ExtensionState
from agreements_api.tasks.errors import NotTaken
from shared.problems import Conflict, InvalidTransition, NotFound


class ExtensionNotFound(NotFound):
    """The task has no such request."""


class NotPossible(InvalidTransition):
    def __init__(self, state: str, possible: Sequence[str]) -> None:
        wording = STATE_WORDING[ExtensionState(state)]
        super().__init__({"vi": f"Đề nghị gia hạn {wording}.", "en": f"The request is {state}."}, possible=possible)


class ExtensionUndecided(Conflict):
    """Whoever asked waits for the decision; `extension_id` names the request."""

    code = "extension_undecided"
    title = {"vi": "Đã có đề nghị gia hạn chờ quyết định", "en": "Another request waits for its decision"}


class NoDeadline(Conflict):
    code = "no_deadline"
    title = {"vi": "Nhiệm vụ không có thời hạn để gia hạn", "en": "The task has no deadline that could be extended"}


def not_later() -> NotTaken:
    return NotTaken(
        "/due_on",
        "not_later",
        "Ngày gia hạn phải sau thời hạn hiện tại.",
        "An extension has to end after the deadline in force.",
    )


def past() -> NotTaken:
    return NotTaken("/due_on", "past", "Ngày gia hạn đã qua.", "This day has passed.")
