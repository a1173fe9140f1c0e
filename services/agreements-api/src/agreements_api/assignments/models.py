"""Kinds of work that a person of an organisation handles, and what can happen to an assignment."""

from enum import StrEnum


class SubjectKind(StrEnum):
    AGREEMENT = "agreement"
    TASK = "task"


class AssignmentAction(StrEnum):
    ASSIGNED = "assigned"
    RELEASED = "released"
    HANDED_OVER = "handed_over"


SUBJECT_WORDING: dict[SubjectKind, str] = {
    SubjectKind.AGREEMENT: "thỏa thuận",
    SubjectKind.TASK: "nhiệm vụ",
}
ACTION_WORDING: dict[AssignmentAction, str] = {
    AssignmentAction.ASSIGNED: "phân công xử lý",
    AssignmentAction.RELEASED: "thôi xử lý",
    AssignmentAction.HANDED_OVER: "bàn giao",
}
