"""What is kept of successions: how a place was taken, why somebody could take it, and how far carrying out has come."""

from enum import StrEnum


class CaseState(StrEnum):
    """How it came that another answers."""

    # One whole successor: nobody is asked.
    AUTOMATIC = "automatic"
    # Several: the proposed one answers until somebody decides.
    OPEN = "open"
    DECIDED = "decided"
    # A later decision about an earlier succession left nothing of it.
    SUPERSEDED = "superseded"


class Reason(StrEnum):
    """Why a unit can take the place of another."""

    WHOLE = "whole"
    MOST = "most"
    PART = "part"
    COMMUNES = "communes"
    PROVINCE = "province"
    # Of a unit that was dissolved with nobody named to follow it.
    SUBUNITS = "subunits"
    SUBUNIT = "subunit"
    ABOVE = "above"


class RunState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    FINISHED = "finished"


STATE_WORDING: dict[CaseState, str] = {
    CaseState.AUTOMATIC: "kế thừa toàn bộ",
    CaseState.OPEN: "tạm thời, chờ quyết định",
    CaseState.DECIDED: "đã quyết định",
    CaseState.SUPERSEDED: "đã được thay thế",
}
REASON_WORDING: dict[Reason, dict[str, str]] = {
    Reason.WHOLE: {"vi": "kế thừa toàn bộ đơn vị cũ", "en": "the whole of the old unit went there"},
    Reason.MOST: {"vi": "nhận phần lớn đơn vị cũ", "en": "most of the old unit went there"},
    Reason.PART: {"vi": "nhận một phần đơn vị cũ", "en": "a part of the old unit went there"},
    Reason.COMMUNES: {
        "vi": "nhận xã, phường của đơn vị cấp huyện cũ",
        "en": "communes of the old district went there",
    },
    Reason.PROVINCE: {"vi": "cấp tỉnh có địa bàn đơn vị cũ", "en": "the province in which the old unit lies"},
    Reason.SUBUNITS: {
        "vi": "nhận đơn vị trực thuộc của đơn vị đã giải thể",
        "en": "units that lay under the dissolved one went there",
    },
    Reason.SUBUNIT: {"vi": "từng trực thuộc đơn vị đã giải thể", "en": "it lay under the dissolved unit"},
    Reason.ABOVE: {
        "vi": "cấp trên của đơn vị đã giải thể, hoặc đơn vị kế thừa cấp trên đó",
        "en": "the unit above the dissolved one, or what followed that",
    },
}
RUN_WORDING: dict[RunState, str] = {
    RunState.WAITING: "chờ thực hiện",
    RunState.RUNNING: "đang thực hiện",
    RunState.FINISHED: "đã thực hiện xong",
}
