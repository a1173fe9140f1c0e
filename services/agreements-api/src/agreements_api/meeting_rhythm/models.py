"""How often meetings can be promised and what becomes of a promised one, with their Vietnamese wording."""

from enum import StrEnum


class Frequency(StrEnum):
    """One meeting in each official period of this kind."""

    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    HALF_YEARLY = "half_yearly"
    YEARLY = "yearly"


class PeriodState(StrEnum):
    HELD = "held"
    # Made up for after its period was over.
    LATE = "late"
    MISSING = "missing"
    # The period lasts, and nobody has met in it yet.
    DUE = "due"


FREQUENCY_WORDING: dict[Frequency, str] = {
    Frequency.MONTHLY: "hằng tháng",
    Frequency.QUARTERLY: "hằng quý",
    Frequency.HALF_YEARLY: "6 tháng một lần",
    Frequency.YEARLY: "hằng năm",
}
STATE_WORDING: dict[PeriodState, str] = {
    PeriodState.HELD: "đã họp",
    PeriodState.LATE: "họp muộn",
    PeriodState.MISSING: "không họp",
    PeriodState.DUE: "chưa đến hạn",
}
