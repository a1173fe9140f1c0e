"""What can be wrong with a call about the feed."""

from shared.problems import Problem


class CursorExpired(Problem):
    """Events after this cursor are no longer retained; `cursor` is where the feed begins now."""

    status = 410
    code = "cursor_expired"
    title = {"vi": "Con trỏ đã quá cũ", "en": "The cursor is too old"}

    def __init__(self, cursor: str) -> None:
        super().__init__(
            {
                "vi": "Đọc lại toàn bộ trạng thái, rồi tiếp tục từ `cursor`.",
                "en": "Read the whole state anew, then go on from `cursor`.",
            },
            cursor=cursor,
        )
