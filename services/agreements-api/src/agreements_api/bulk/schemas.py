"""What the API takes and shows of many changes at once."""

from enum import StrEnum
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from pydantic import ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from agreements_api.extensions.schemas import ExtensionCreate
from agreements_api.tasks.models import TaskStatus
from agreements_api.tasks.schemas import (
    ProgressReportCreate,
    Reason,
    Reassignment,
    Remark,
    Submission,
    TaskCreate,
    TaskUpdate,
)
from shared.schemas import Model

_TASK = "01990000-0000-7000-8000-0000000000b1"


class BulkAction(StrEnum):
    ASSIGN = "assign"
    UPDATE = "update"
    ACCEPT = "accept"
    REPORT = "report"
    SUBMIT = "submit"
    CONFIRM = "confirm"
    RETURN = "return"
    REFUSE = "refuse"
    COMPLETE = "complete"
    SUSPEND = "suspend"
    RESUME = "resume"
    REOPEN = "reopen"
    CANCEL = "cancel"
    REASSIGN = "reassign"
    EXTEND = "extend"


class _OfTask(Model):
    """A change of one version of a task."""

    task_id: UUID
    if_match: Annotated[str, Field(min_length=1, max_length=200)] = Field(
        description="The ETag of the task that was read.", examples=['"v3"']
    )


class AssignChange(TaskCreate):
    """A new task."""

    model_config = ConfigDict(json_schema_extra={"examples": []})

    action: Literal[BulkAction.ASSIGN]
    agreement_id: UUID


class UpdateChange(_OfTask, TaskUpdate):
    """A merge patch beside the task: what is absent stays, null clears."""

    model_config = ConfigDict(json_schema_extra={"examples": []})

    action: Literal[BulkAction.UPDATE]


class AcceptChange(_OfTask):
    action: Literal[BulkAction.ACCEPT]


class ReportChange(_OfTask, ProgressReportCreate):
    """The progress of a period."""

    model_config = ConfigDict(json_schema_extra={"examples": []})

    action: Literal[BulkAction.REPORT]


class SubmitChange(_OfTask, Submission):
    model_config = ConfigDict(json_schema_extra={"examples": []})

    action: Literal[BulkAction.SUBMIT]


class RemarkedChange(_OfTask, Remark):
    """The task is confirmed, or completed by decision; with a remark where there is something to say."""

    model_config = ConfigDict(json_schema_extra={"examples": []})

    action: Literal[BulkAction.CONFIRM, BulkAction.COMPLETE]


class ReasonedChange(_OfTask, Reason):
    """A step that is taken only with a reason."""

    model_config = ConfigDict(json_schema_extra={"examples": []})

    action: Literal[
        BulkAction.RETURN,
        BulkAction.REFUSE,
        BulkAction.SUSPEND,
        BulkAction.RESUME,
        BulkAction.REOPEN,
        BulkAction.CANCEL,
    ]


class ReassignChange(_OfTask, Reassignment):
    """Who leads, coordinates and monitors from now on; what is absent stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": []})

    action: Literal[BulkAction.REASSIGN]


class ExtendChange(_OfTask, ExtensionCreate):
    """The lead asks for a later deadline."""

    model_config = ConfigDict(json_schema_extra={"examples": []})

    action: Literal[BulkAction.EXTEND]


Change: TypeAlias = (
    AssignChange
    | UpdateChange
    | AcceptChange
    | ReportChange
    | SubmitChange
    | RemarkedChange
    | ReasonedChange
    | ReassignChange
    | ExtendChange
)
_BY_ACTION: dict[str, type[Change]] = {
    BulkAction.ASSIGN: AssignChange,
    BulkAction.UPDATE: UpdateChange,
    BulkAction.ACCEPT: AcceptChange,
    BulkAction.REPORT: ReportChange,
    BulkAction.SUBMIT: SubmitChange,
    BulkAction.CONFIRM: RemarkedChange,
    BulkAction.RETURN: ReasonedChange,
    BulkAction.REFUSE: ReasonedChange,
    BulkAction.COMPLETE: RemarkedChange,
    BulkAction.SUSPEND: ReasonedChange,
    BulkAction.RESUME: ReasonedChange,
    BulkAction.REOPEN: ReasonedChange,
    BulkAction.CANCEL: ReasonedChange,
    BulkAction.REASSIGN: ReassignChange,
    BulkAction.EXTEND: ExtendChange,
}


def _by_action(value: Any) -> Change:
    """The change that `action` says it is, so that errors name its fields and nothing between."""
    if not isinstance(value, dict):
        raise PydanticCustomError("dict_type", "Input should be a valid dictionary")
    action = value.get("action")
    model = _BY_ACTION.get(action) if isinstance(action, str) else None
    if model is None:
        _Action.model_validate(value)
        raise AssertionError("an action without a model")
    return model.model_validate(value)


class _Action(Model):
    """Only says of a change that its action is none, or missing."""

    model_config = ConfigDict(extra="ignore")

    action: BulkAction


AnyChange = Annotated[Change, PlainValidator(_by_action, json_schema_input_type=Change)]


class BulkChanges(Model):
    """Up to 100 changes in one transaction, in their order; one for each task."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "changes": [
                        {"action": "update", "task_id": _TASK, "if_match": '"v3"', "due_on": "2027-01-31"},
                        {
                            "action": "accept",
                            "task_id": "01990000-0000-7000-8000-0000000000b2",
                            "if_match": '"v1"',
                        },
                    ]
                }
            ]
        }
    )

    changes: Annotated[list[AnyChange], Field(min_length=1)]


class ChangedTask(Model):
    task_id: UUID
    version: int
    etag: str
    status: TaskStatus


class BulkResult(Model):
    """The tasks after the changes, in the order of these."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"changed": [{"task_id": _TASK, "version": 4, "etag": '"v4"', "status": "in_progress"}]}]
        }
    )

    changed: list[ChangedTask]
