"""Kinds of work that waits, the steps that end it, why it is due, and how urgent it is."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class WorkScope(StrEnum):
    """Whose worklist it is."""

    PERSON = "person"
    ORGANIZATION = "organization"


class WorkKind(StrEnum):
    ACCEPT = "accept"
    REPORT = "report"
    CONFIRM = "confirm"
    SIGN = "sign"
    ANSWER = "answer"
    DECIDE = "decide"


class Urgency(StrEnum):
    """By the day that counts: before today, today, soon as timeliness has it, or after that."""

    OVERDUE = "overdue"
    TODAY = "today"
    SOON = "soon"
    LATER = "later"


KIND_WORDING: dict[WorkKind, str] = {
    WorkKind.ACCEPT: "nhận nhiệm vụ",
    WorkKind.REPORT: "báo cáo",
    WorkKind.CONFIRM: "xác nhận",
    WorkKind.SIGN: "ký",
    WorkKind.ANSWER: "trả lời",
    WorkKind.DECIDE: "quyết định",
}
URGENCY_WORDING: dict[Urgency, str] = {
    Urgency.OVERDUE: "quá hạn",
    Urgency.TODAY: "hạn hôm nay",
    Urgency.SOON: "sắp đến hạn",
    Urgency.LATER: "chưa gấp",
}


class WorkSubjectKind(StrEnum):
    """What the work is about, as the API names it."""

    TASK = "task"
    AGREEMENT = "agreement"
    URGING = "urging"
    EXPLANATION = "explanation"
    EXTENSION = "extension"
    OBSTACLE = "obstacle"
    BOUNDARY_CASE = "boundary_case"
    SUCCESSION_CASE = "succession_case"
    MEETING = "meeting"


class Step(StrEnum):
    """A step that waits for an organisation, as the table of open work has it."""

    ACCEPT = "accept"
    REPORT = "report"
    CONFIRM = "confirm"
    COMPLETE = "complete"
    CONFIRM_HANDOVER = "confirm_handover"
    SIGN = "sign"
    ANSWER_URGING = "answer_urging"
    ANSWER_EXPLANATION = "answer_explanation"
    DECIDE_EXTENSION = "decide_extension"
    RESOLVE_OBSTACLE = "resolve_obstacle"
    DECIDE_SUCCESSION = "decide_succession"
    ASSIGN_OUTCOME = "assign_outcome"


class WorkReason(StrEnum):
    """Why something stands in the list."""

    TO_LEAD = "to_lead"
    TO_COORDINATE = "to_coordinate"
    # The deadline of the work itself is near or past: it is to be finished and submitted.
    DEADLINE = "deadline"
    # A submission came back, or a task that was over was reopened.
    RETURNED = "returned"
    REOPENED = "reopened"
    # An official period has ended without a report of it.
    PERIOD_REPORT = "period_report"
    # The other side waits until the window closes, which counts as a confirmation.
    WINDOW = "window"
    TO_COMPLETE = "to_complete"
    HANDOVER_STEP = "handover_step"
    SIGNATURE = "signature"
    URGED = "urged"
    EXPLANATION_ASKED = "explanation_asked"
    EXTENSION_REQUESTED = "extension_requested"
    OBSTACLE_OPEN = "obstacle_open"
    OBSTACLE_ESCALATED = "obstacle_escalated"
    SUCCESSION_OPEN = "succession_open"
    OUTCOME_OPEN = "outcome_open"


@dataclass(frozen=True)
class Way:
    """How a step is taken: which action of the permission table it is, and where and by which method."""

    kind: WorkKind
    permission: str
    relations: frozenset[str]
    subject: WorkSubjectKind
    # As `allowed_actions` of the subject names it.
    action: str
    # The subject's address, and the step's below it, with {task}, {subject} and {part} to fill in.
    href: str
    verb: str


# What a report is sent by, beside `submit`, which is where its way leads at a deadline.
REPORT_ACTION, REPORT_VERB = "report", "reports"

WAYS: dict[Step, Way] = {
    Step.ACCEPT: Way(
        WorkKind.ACCEPT,
        "task.accept",
        frozenset({"lead", "coordinating"}),
        WorkSubjectKind.TASK,
        "accept",
        "/v1/tasks/{subject}",
        "accept",
    ),
    Step.REPORT: Way(
        WorkKind.REPORT,
        "task.submit",
        frozenset({"lead"}),
        WorkSubjectKind.TASK,
        "submit",
        "/v1/tasks/{subject}",
        "submit",
    ),
    Step.CONFIRM: Way(
        WorkKind.CONFIRM,
        "task.confirm",
        frozenset({"coordinating"}),
        WorkSubjectKind.TASK,
        "confirm",
        "/v1/tasks/{subject}",
        "confirm",
    ),
    Step.COMPLETE: Way(
        WorkKind.CONFIRM,
        "task.complete",
        frozenset({"monitor", "custodian"}),
        WorkSubjectKind.TASK,
        "complete",
        "/v1/tasks/{subject}",
        "complete",
    ),
    Step.CONFIRM_HANDOVER: Way(
        WorkKind.CONFIRM,
        "boundary_case.confirm",
        frozenset({"own"}),
        WorkSubjectKind.BOUNDARY_CASE,
        "confirm",
        "/v1/boundary-cases/{subject}",
        "steps/{part}/confirm",
    ),
    Step.SIGN: Way(
        WorkKind.SIGN,
        "agreement.sign",
        frozenset({"party"}),
        WorkSubjectKind.AGREEMENT,
        "sign",
        "/v1/agreements/{subject}",
        "sign",
    ),
    Step.ANSWER_URGING: Way(
        WorkKind.ANSWER,
        "urging.answer",
        frozenset({"own"}),
        WorkSubjectKind.URGING,
        "answer",
        "/v1/tasks/{task}/urgings/{subject}",
        "answer",
    ),
    Step.ANSWER_EXPLANATION: Way(
        WorkKind.ANSWER,
        "explanation.answer",
        frozenset({"own"}),
        WorkSubjectKind.EXPLANATION,
        "answer",
        "/v1/tasks/{task}/explanations/{subject}",
        "answer",
    ),
    Step.DECIDE_EXTENSION: Way(
        WorkKind.DECIDE,
        "extension.grant",
        frozenset({"custodian", "monitor", "superior"}),
        WorkSubjectKind.EXTENSION,
        "grant",
        "/v1/tasks/{task}/extensions/{subject}",
        "grant",
    ),
    Step.RESOLVE_OBSTACLE: Way(
        WorkKind.DECIDE,
        "obstacle.resolve",
        frozenset({"lead", "superior"}),
        WorkSubjectKind.OBSTACLE,
        "resolve",
        "/v1/obstacles/{subject}",
        "resolve",
    ),
    Step.DECIDE_SUCCESSION: Way(
        WorkKind.DECIDE,
        "succession.decide",
        frozenset({"party", "custodian", "superior"}),
        WorkSubjectKind.SUCCESSION_CASE,
        "decide",
        "/v1/successions/worklist/{subject}",
        "decide",
    ),
    Step.ASSIGN_OUTCOME: Way(
        WorkKind.DECIDE,
        "agreement.assign_task",
        frozenset({"party", "custodian"}),
        WorkSubjectKind.MEETING,
        "assign",
        "/v1/meetings/{part}",
        "outcomes/{subject}/assign",
    ),
}


@dataclass(frozen=True)
class Cycle:
    """How the tasks of one frequency are reported today: the last period that has ended, and when its report is due."""

    frequency: str
    starts_on: date
    ended_on: date
    due_on: date
