"""What can be wrong with a request for a report."""

from shared.problems import (
    Conflict,
    FieldError,
    Forbidden,
    InvalidTransition,
    NotFound,
    ServiceUnavailable,
    Unprocessable,
)


class ReportNotFound(NotFound):
    code = "report_not_found"
    title = {"vi": "Không tìm thấy báo cáo", "en": "Report not found"}


class AgreementNotFound(NotFound):
    """The agreement does not exist, or the caller's organization is no member of it."""

    code = "agreement_not_found"
    title = {"vi": "Không tìm thấy thỏa thuận", "en": "Agreement not found"}


class ReportNotReady(Conflict):
    code = "report_not_ready"
    title = {"vi": "Báo cáo chưa hoàn thành", "en": "The report is not ready"}

    def __init__(self, status: str) -> None:
        super().__init__(
            detail={"vi": f"Trạng thái hiện tại: {status}.", "en": f"Its status is {status}."},
        )


class NotCancellable(InvalidTransition):
    """Only a report that is still in the making can be cancelled."""


class NotAllowed(Forbidden):
    code = "report_forbidden"
    title = {"vi": "Không có quyền lập báo cáo", "en": "Not allowed to make reports"}


class PeriodInvalid(Unprocessable):
    code = "period_invalid"
    title = {"vi": "Kỳ báo cáo không hợp lệ", "en": "The period is not valid"}

    def __init__(self) -> None:
        super().__init__(
            errors=[
                FieldError(
                    pointer="/period",
                    code="period_invalid",
                    detail={"vi": "Kỳ báo cáo không tồn tại.", "en": "There is no such period."},
                )
            ]
        )


class PeriodNotBegun(Unprocessable):
    code = "period_not_begun"
    title = {"vi": "Kỳ báo cáo chưa bắt đầu", "en": "The period has not begun"}

    def __init__(self) -> None:
        super().__init__(
            errors=[
                FieldError(
                    pointer="/period",
                    code="period_not_begun",
                    detail={"vi": "Kỳ báo cáo chưa bắt đầu.", "en": "The period has not begun."},
                )
            ]
        )


class BeingRebuilt(ServiceUnavailable):
    """The projections are being made again: what is not known now may be known in a moment."""

    code = "being_rebuilt"
    title = {"vi": "Dữ liệu báo cáo đang được dựng lại", "en": "The reports' data are being made again"}

    def __init__(self) -> None:
        super().__init__(headers={"Retry-After": "5"})


class FactsMissing(Exception):
    """The agreement or the issuer is not in the projections."""


class ProjectionsBehind(Exception):
    """The projections do not hold all that the report must not miss."""
