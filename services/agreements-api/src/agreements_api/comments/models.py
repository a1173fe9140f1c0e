"""How a comment stands."""

from enum import StrEnum


class CommentState(StrEnum):
    PUBLISHED = "published"
    # Its author took it back; what it said stays in its versions.
    DELETED = "deleted"


STATE_WORDING: dict[CommentState, str] = {
    CommentState.PUBLISHED: "đang hiển thị",
    CommentState.DELETED: "đã thu hồi",
}
