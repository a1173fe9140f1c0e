"""What can be wrong with a decision about who answers."""

from collections.abc import Sequence

from shared.problems import FieldError, Forbidden, InvalidTransition, NotFound, Unprocessable


class CaseNotFound(NotFound):
    """It does not exist, or the caller's organisation is no member of its agreement."""


class RunNotFound(NotFound):
    """There is no such run."""


class NotAllowed(Forbidden):
    """The caller sees it, but does not decide it."""


class NotPossible(InvalidTransition):
    def __init__(self, state: str, possible: Sequence[str] = ()) -> None:
        super().__init__(
            {"vi": f"Việc kế thừa đang ở trạng thái {state}.", "en": f"The succession is {state}."}, possible=possible
        )


class NotACandidate(Unprocessable):
    """The unit named does not follow the one that ended."""

    code = "not_a_candidate"
    title = {"vi": "Không phải đơn vị có thể kế thừa", "en": "Not one of those that can take the place"}

    def __init__(self) -> None:
        super().__init__(
            errors=[
                FieldError(
                    "/unit_id",
                    "not_a_candidate",
                    {"vi": "Đơn vị này không kế thừa đơn vị cũ.", "en": "This unit does not follow the old one."},
                )
            ]
        )


class NotConcerned(Unprocessable):
    """A task that the decision cannot be about."""

    code = "not_concerned"
    title = {"vi": "Nhiệm vụ không thuộc việc kế thừa này", "en": "The task is none of this succession"}

    def __init__(self, places: Sequence[int]) -> None:
        super().__init__(
            errors=[
                FieldError(
                    f"/task_ids/{place}",
                    "not_concerned",
                    {
                        "vi": "Không phải nhiệm vụ đang mở của đơn vị cũ.",
                        "en": "It is no open task in which the old unit has this part.",
                    },
                )
                for place in places
            ]
        )
