"""Kinds and states of dossiers of boundary areas, with their Vietnamese wording."""

from enum import StrEnum


class CaseKind(StrEnum):
    CROSS_CULTIVATED = "cross_cultivated"
    CROSS_INHABITED = "cross_inhabited"
    BOTH = "both"


class CaseState(StrEnum):
    OPEN = "open"
    HANDED_OVER = "handed_over"
    CLOSED = "closed"


class Side(StrEnum):
    """One of the two localities, in the order in which the dossier names them."""

    FIRST = "first"
    SECOND = "second"


KIND_WORDING: dict[CaseKind, str] = {
    CaseKind.CROSS_CULTIVATED: "xâm canh",
    CaseKind.CROSS_INHABITED: "xâm cư",
    CaseKind.BOTH: "xâm canh, xâm cư",
}
STATE_WORDING: dict[CaseState, str] = {
    CaseState.OPEN: "đang bàn giao",
    CaseState.HANDED_OVER: "đã bàn giao",
    CaseState.CLOSED: "đã kết thúc",
}
