"""What can be wrong with a call about alerts."""

from shared.problems import FieldError, NotFound, Unprocessable


class AlertNotFound(NotFound):
    """It does not exist, or it is somebody else's."""


class SnoozeOutOfRange(Unprocessable):
    code = "snooze_out_of_range"
    title = {"vi": "Thời điểm nhắc lại không hợp lệ", "en": "The moment to remind again is out of range"}

    def __init__(self, days: int) -> None:
        super().__init__(
            errors=[
                FieldError(
                    "/until",
                    "out_of_range",
                    {
                        "vi": f"Phải sau thời điểm hiện tại, trong vòng {days} ngày.",
                        "en": f"Has to lie after now and within {days} days.",
                    },
                )
            ]
        )
