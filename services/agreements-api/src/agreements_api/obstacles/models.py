"""Where obstacles come from, how they stand, and in whose hands they are."""

from enum import StrEnum


class ObstacleOrigin(StrEnum):
    RAISED = "raised"
    # By a coordinating party that did not confirm a submission.
    REFUSAL = "refusal"


class ObstacleStatus(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


class ObstacleLevel(StrEnum):
    """Whose task it is to settle it: the lead's, or that of the body above the lead."""

    LOCALITY = "locality"
    PROVINCE = "province"


class Escalation(StrEnum):
    PERSON = "person"
    # Its clock ran out.
    RULE = "rule"


ORIGIN_WORDING: dict[ObstacleOrigin, str] = {
    ObstacleOrigin.RAISED: "do đơn vị thực hiện nêu",
    ObstacleOrigin.REFUSAL: "do bên phối hợp không xác nhận",
}
STATUS_WORDING: dict[ObstacleStatus, str] = {
    ObstacleStatus.OPEN: "chưa giải quyết",
    ObstacleStatus.RESOLVED: "đã giải quyết",
}
LEVEL_WORDING: dict[ObstacleLevel, str] = {
    ObstacleLevel.LOCALITY: "cấp địa phương",
    ObstacleLevel.PROVINCE: "cấp tỉnh",
}
ESCALATION_WORDING: dict[Escalation, str] = {
    Escalation.PERSON: "do lãnh đạo chuyển cấp",
    Escalation.RULE: "tự động chuyển cấp do quá thời hạn",
}
