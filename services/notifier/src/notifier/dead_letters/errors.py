"""What can be wrong with a call about dead letters."""

from shared.problems import NotFound


class LetterNotFound(NotFound):
    """It does not exist, or it is settled."""
