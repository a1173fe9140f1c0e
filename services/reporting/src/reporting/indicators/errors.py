"""What can be wrong with a question about figures."""

from shared.problems import FieldError, NotFound, Unprocessable


class NoOrganization(NotFound):
    """An account without an organization is a member of no agreement."""

    code = "indicators_not_found"
    title = {"vi": "Không có số liệu", "en": "There are no figures"}


class PeriodInvalid(Unprocessable):
    code = "period_invalid"
    title = {"vi": "Kỳ báo cáo không hợp lệ", "en": "The period is not valid"}

    def __init__(self, pointer: str) -> None:
        super().__init__(
            errors=[
                FieldError(
                    pointer=pointer,
                    code="period_invalid",
                    detail={
                        "vi": "Kỳ có dạng quarter:2024-4, hoặc cả hai ngày from và to.",
                        "en": "A period is written quarter:2024-4, or as both days, from and to.",
                    },
                )
            ]
        )


class MomentInFuture(Unprocessable):
    code = "as_of_in_future"
    title = {"vi": "Thời điểm chưa đến", "en": "The moment has not come"}

    def __init__(self, pointer: str) -> None:
        super().__init__(
            errors=[
                FieldError(
                    pointer=pointer,
                    code="as_of_in_future",
                    detail={"vi": "Thời điểm ở tương lai.", "en": "The moment lies in the future."},
                )
            ]
        )
