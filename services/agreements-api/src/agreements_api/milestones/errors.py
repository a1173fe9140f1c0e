"""What can be wrong with a milestone."""

from agreements_api.tasks.errors import NotTaken
from shared.problems import Conflict, NotFound


class MilestoneNotFound(NotFound):
    """The task has no such milestone."""


class TooManyMilestones(Conflict):
    code = "too_many_milestones"
    title = {"vi": "Nhiệm vụ đã có quá nhiều mốc", "en": "The task has as many milestones as it can have"}


def after_deadline() -> NotTaken:
    return NotTaken(
        "/due_on",
        "after_deadline",
        "Mốc phải đạt được trước hoặc trong thời hạn của nhiệm vụ.",
        "A milestone has to be reached by the deadline of its task.",
    )
