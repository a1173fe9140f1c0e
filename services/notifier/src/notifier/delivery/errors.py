"""What can be wrong with a delivery or with the link in a mail."""

from shared.problems import BadRequest


class UnknownToken(BadRequest):
    """The link is not one of ours, or it was cut off on its way."""

    code = "unknown_token"
    title = {"vi": "Liên kết không hợp lệ", "en": "The link is not valid"}


class ServerAway(Exception):
    """The mail server could not be reached; that says nothing about any mail."""


class Refused(Exception):
    """The mail server answered and did not take the mail; `reason` names no person."""

    def __init__(self, reason: str, *, for_good: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.for_good = for_good
