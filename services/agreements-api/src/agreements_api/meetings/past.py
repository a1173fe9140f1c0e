"""Meetings as they were at an instant."""

from __future__ import annotations

from uuid import UUID

import orjson

from agreements_api.history.past import Json, NotOfThePast, shown
from agreements_api.meetings.schemas import MeetingPublic


def as_it_was(state: str) -> Json:
    """A meeting of the past: nothing can be done with it, nor with what it concluded."""
    meeting: Json = orjson.loads(state)
    meeting["outcomes"] = [outcome | {"allowed_actions": []} for outcome in meeting["outcomes"]]
    return shown(MeetingPublic, meeting) | {"allowed_actions": []}


def check_narrowing(agreement_id: UUID | None) -> None:
    """What a list of the past can be asked for."""
    if agreement_id is None:
        raise NotOfThePast(
            "agreement_id",
            "Cần agreement_id khi hỏi as_of: hội nghị của quá khứ được liệt kê theo từng thỏa thuận.",
            "as_of needs agreement_id: meetings of the past are listed for one agreement.",
            code="missing",
        )
