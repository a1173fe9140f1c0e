"""What can be asked of an organisation in a task, and how that stands."""

from enum import StrEnum


class UrgingKind(StrEnum):
    URGING = "urging"
    EXPLANATION = "explanation"


class UrgingStatus(StrEnum):
    OPEN = "open"
    ANSWERED = "answered"


KIND_WORDING: dict[UrgingKind, str] = {
    UrgingKind.URGING: "đôn đốc",
    UrgingKind.EXPLANATION: "yêu cầu giải trình",
}
STATUS_WORDING: dict[UrgingStatus, str] = {
    UrgingStatus.OPEN: "chờ trả lời",
    UrgingStatus.ANSWERED: "đã trả lời",
}
