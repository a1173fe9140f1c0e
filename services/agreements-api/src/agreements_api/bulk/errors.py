"""What can be wrong with many changes at once."""

from collections.abc import Sequence

from shared.problems import FieldError, Forbidden, Problem, Unprocessable

MOST = 100


class NotAllowed(Forbidden):
    """The caller may change no task at all."""


class TooMany(Unprocessable):
    code = "too_many_changes"
    title = {"vi": f"Nhiều nhất {MOST} thay đổi một lần", "en": f"At most {MOST} changes at once"}

    def __init__(self, given: int) -> None:
        wording = {
            "vi": f"Có {given} thay đổi; nhiều nhất {MOST}. Nhiều hơn thì nhập từ tệp: POST /v1/imports.",
            "en": f"There are {given} changes; at most {MOST}. More go by a file: POST /v1/imports.",
        }
        super().__init__(
            wording, errors=[FieldError("/changes", self.code, wording)], limit=MOST, imports="/v1/imports"
        )


class NothingChanged(Unprocessable):
    """Some changes are not possible, so none was made; each error names its change."""

    code = "nothing_changed"
    title = {
        "vi": "Không thay đổi nào được thực hiện",
        "en": "None of the changes was made",
    }

    def __init__(self, found: Sequence[FieldError]) -> None:
        super().__init__(errors=found)


def of_change(at: int, problem: Problem) -> list[FieldError]:
    """What is wrong with one change, each error under its pointer."""
    place = f"/changes/{at}"
    if problem.errors:
        return [FieldError(place + error.pointer, error.code, error.detail) for error in problem.errors]
    pointer = place + _MEMBERS.get(problem.status, "")
    return [FieldError(pointer, problem.code, problem.detail or problem.title)]


# Which member of a change a problem without a pointer speaks of.
_MEMBERS = {404: "/task_id", 412: "/if_match", 428: "/if_match", 409: "/action"}


def named_twice(at: int) -> FieldError:
    return FieldError(
        f"/changes/{at}/task_id",
        "named_twice",
        {
            "vi": "Nhiệm vụ này đã có trong danh sách; mỗi nhiệm vụ một thay đổi.",
            "en": "The list has this task already; one change for each.",
        },
    )
