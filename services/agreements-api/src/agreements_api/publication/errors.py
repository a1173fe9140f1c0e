"""What can be wrong with publishing, and with what the public asks for."""

from collections.abc import Sequence
from uuid import UUID

from shared.problems import Conflict, FieldError, Forbidden, InvalidTransition, NotFound, Problem, Unprocessable


class NotAllowed(Forbidden):
    """The caller sees the record, but publishing is not his."""


class NotPublic(NotFound):
    """It does not exist, or was never published: the public is not told which."""


class NoLongerPublic(Problem):
    """It was public once; whoever keeps a copy is to remove it."""

    status = 410
    code = "no_longer_public"
    title = {"vi": "Thỏa thuận không còn được công khai", "en": "The agreement is no longer public"}

    def __init__(self, agreement_id: UUID, removed_at: str) -> None:
        super().__init__(id=str(agreement_id), removed_at=removed_at)


class NeverInForce(Conflict):
    code = "never_in_force"
    title = {
        "vi": "Chỉ công khai được thỏa thuận đã từng có hiệu lực",
        "en": "Only an agreement that has been in force can be published",
    }


class NotPossible(InvalidTransition):
    def __init__(self, possible: Sequence[str]) -> None:
        wording = (
            {"vi": "Đang được công khai.", "en": "It is public."}
            if "unpublish" in possible
            else {"vi": "Chưa được công khai.", "en": "It is not public."}
        )
        super().__init__(wording, possible=possible)


class AgreementNotPublic(Conflict):
    code = "agreement_not_public"
    title = {
        "vi": "Cần công khai thỏa thuận trước khi công khai nhiệm vụ",
        "en": "The agreement has to be public before its task",
    }


class UnknownTask(Unprocessable):
    """A task that is none of this agreement."""

    def __init__(self, position: int) -> None:
        super().__init__(
            errors=[
                FieldError(
                    f"/task_ids/{position}",
                    "unknown_reference",
                    {"vi": "Không có nhiệm vụ này trong thỏa thuận.", "en": "The agreement has no such task."},
                )
            ]
        )
