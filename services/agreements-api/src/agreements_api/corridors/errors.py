"""What can be wrong with a corridor or a segment."""

from collections.abc import Sequence

from shared.problems import FieldError, Forbidden, InvalidTransition, NotFound, Unprocessable


class CorridorNotFound(NotFound):
    """It does not exist, or the caller's organisation is no member of its agreement."""


class SegmentNotFound(NotFound):
    """It does not exist, or the caller's organisation is no member of its agreement."""


class NotAllowed(Forbidden):
    """The caller sees the record, but this step is not his."""


class AgreementNotInForce(InvalidTransition):
    def __init__(self, status: str) -> None:
        super().__init__({"vi": f"Thỏa thuận đang ở trạng thái {status}.", "en": f"The agreement is {status}."})


class Withdrawn(InvalidTransition):
    """A segment that was taken out of its corridor stays as it was."""

    def __init__(self) -> None:
        super().__init__({"vi": "Đoạn tuyến đã được rút khỏi tuyến.", "en": "The segment has been withdrawn."})


class NotTaken(Unprocessable):
    """Fields that are well formed but cannot be taken."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__(errors=errors)


def unknown_reference(pointer: str) -> FieldError:
    return FieldError(pointer, "unknown_reference", {"vi": "Không có bản ghi này.", "en": "There is no such record."})


def no_member(pointer: str) -> FieldError:
    return FieldError(
        pointer,
        "no_member",
        {
            "vi": "Cơ quan này chưa tham gia thỏa thuận.",
            "en": "This organisation takes no part in the agreement.",
        },
    )


def owner_only(pointer: str) -> FieldError:
    return FieldError(
        pointer,
        "owner_only",
        {
            "vi": "Chỉ địa phương quản lý đoạn tuyến tự cập nhật thông tin này.",
            "en": "Only the locality that owns the segment says this.",
        },
    )


def same_owner(pointer: str) -> FieldError:
    return FieldError(pointer, "same_owner", {"vi": "Cần nêu một cơ quan khác.", "en": "Name another organisation."})


def position_taken(pointer: str) -> FieldError:
    return FieldError(
        pointer,
        "position_taken",
        {"vi": "Vị trí này đã có đoạn tuyến khác.", "en": "Another segment has this position."},
    )


def too_many_segments(limit: int) -> FieldError:
    return FieldError(
        "",
        "too_many",
        {"vi": f"Một tuyến có nhiều nhất {limit} đoạn.", "en": f"A corridor has at most {limit} segments."},
    )


def too_many_positions(limit: int) -> FieldError:
    return FieldError(
        "/geometry",
        "too_many",
        {
            "vi": f"Tổng số điểm của cả tuyến nhiều nhất là {limit}.",
            "en": f"All segments of a corridor have at most {limit} positions.",
        },
    )


def refused(pointer: str, code: str, vi: str, en: str) -> FieldError:
    return FieldError(pointer, code, {"vi": vi, "en": en})
