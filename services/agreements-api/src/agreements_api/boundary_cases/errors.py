"""What can be wrong with a dossier of a boundary area."""

from collections.abc import Sequence

from agreements_api.boundary_cases.models import STATE_WORDING, CaseState
from shared.problems import Conflict, FieldError, Forbidden, InvalidTransition, NotFound, Unprocessable


class CaseNotFound(NotFound):
    """It does not exist, or the caller's organisation is no member of its agreement."""


class StepNotFound(NotFound):
    """The dossier has no such step."""


class NotAllowed(Forbidden):
    """The caller sees the dossier, but this step is not his."""


class NotPossible(InvalidTransition):
    def __init__(self, state: str, possible: Sequence[str]) -> None:
        super().__init__(
            {"vi": f"Hồ sơ {STATE_WORDING[CaseState(state)]}.", "en": f"The dossier is {state}."}, possible=possible
        )


class TaskOver(Conflict):
    code = "task_over"
    title = {
        "vi": "Nhiệm vụ đã hoàn thành hoặc đã hủy nên không mở thêm hồ sơ",
        "en": "The task is completed or cancelled: no dossier is opened for it",
    }


class EarlierStepOpen(Conflict):
    """Steps are confirmed in their order; `step_id` names the one that is to be completed first."""

    code = "earlier_step_open"
    title = {"vi": "Bước trước chưa được hai bên xác nhận", "en": "An earlier step is not completed yet"}


class AlreadyConfirmed(Conflict):
    code = "already_confirmed"
    title = {"vi": "Bên này đã xác nhận bước này", "en": "This side has confirmed the step"}


class NotConfirmed(Conflict):
    code = "not_confirmed"
    title = {"vi": "Bên này chưa xác nhận bước này", "en": "This side has not confirmed the step"}


class StepCompleted(Conflict):
    """Both sides have confirmed it: neither takes that back by itself."""

    code = "step_completed"
    title = {"vi": "Hai bên đã xác nhận bước này", "en": "Both sides have confirmed the step"}


class NotTaken(Unprocessable):
    """One field that is well formed but cannot be taken."""

    def __init__(self, pointer: str, code: str, vi: str, en: str) -> None:
        super().__init__(errors=[FieldError(pointer, code, {"vi": vi, "en": en})])


def not_in_task(pointer: str) -> NotTaken:
    return NotTaken(
        pointer,
        "not_in_task",
        "Cơ quan phải chủ trì hoặc phối hợp thực hiện nhiệm vụ.",
        "The organisation must be the task's lead or one of its coordinating parties.",
    )


def same_locality(pointer: str) -> NotTaken:
    return NotTaken(
        pointer, "same_locality", "Hai bên phải thuộc hai địa phương.", "The two sides must be of two localities."
    )


def steps_fixed(pointer: str) -> NotTaken:
    return NotTaken(
        pointer,
        "steps_fixed",
        "Đã có bên xác nhận: không thay được các bước.",
        "A side has confirmed a step: the steps cannot be replaced.",
    )
