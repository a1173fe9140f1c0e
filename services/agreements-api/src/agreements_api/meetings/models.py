"""Kinds and states of meetings and of attendance, with their Vietnamese wording."""

from enum import StrEnum


class MeetingKind(StrEnum):
    REGULAR = "regular"
    EXTRAORDINARY = "extraordinary"


class MeetingStatus(StrEnum):
    PLANNED = "planned"
    HELD = "held"
    CANCELLED = "cancelled"


class Attendance(StrEnum):
    ATTENDED = "attended"
    ABSENT = "absent"
    # Somebody else came in the place of whom the invitation meant.
    REPRESENTED = "represented"


KIND_WORDING: dict[MeetingKind, str] = {
    MeetingKind.REGULAR: "định kỳ",
    MeetingKind.EXTRAORDINARY: "đột xuất",
}
STATUS_WORDING: dict[MeetingStatus, str] = {
    MeetingStatus.PLANNED: "dự kiến",
    MeetingStatus.HELD: "đã họp",
    MeetingStatus.CANCELLED: "đã hủy",
}
ATTENDANCE_WORDING: dict[Attendance, str] = {
    Attendance.ATTENDED: "có mặt",
    Attendance.ABSENT: "vắng mặt",
    Attendance.REPRESENTED: "cử người dự thay",
}
