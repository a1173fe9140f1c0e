"""What can be wrong with the question for a worklist."""

from shared.problems import FieldError, Forbidden, Unprocessable


class NotAllowed(Forbidden):
    """A system without the scope, or a person who asks for a colleague's work without leading the organisation."""


class CannotNarrow(Unprocessable):
    """Parameters that are well formed and do not go together."""

    code = "cannot_narrow"
    title = {"vi": "Các điều kiện lọc không dùng cùng nhau được", "en": "These filters do not go together"}


def of_organization_only(pointer: str) -> FieldError:
    return FieldError(
        pointer,
        "of_organization_only",
        {
            "vi": "Chỉ lọc được trong danh sách của cơ quan (scope=organization).",
            "en": "It narrows the list of an organisation only (scope=organization).",
        },
    )


def contradicts_assignee(pointer: str) -> FieldError:
    return FieldError(
        pointer,
        "contradicts_assignee",
        {
            "vi": "Việc chưa phân công thì không có người xử lý.",
            "en": "What nobody handles has no assignee.",
        },
    )
