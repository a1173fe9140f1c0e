"""Corridors and segments as they were at an instant."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import orjson

from agreements_api.corridors.schemas import CorridorPublic, FundingPlan, SegmentPublic
from agreements_api.history.past import NotOfThePast, refuse_words, shown


def corridor(row: asyncpg.Record) -> CorridorPublic:
    state = orjson.loads(row["state"])
    was = shown(CorridorPublic, state) | {"agreement_title": row["agreement_title"], "allowed_actions": []}
    return CorridorPublic.model_validate(was)


def segment(row: asyncpg.Record) -> SegmentPublic:
    state = orjson.loads(row["state"])
    funding = FundingPlan(
        plan_period=state["plan_period"],
        source=state["funding_source"],
        amount=state["funding_amount"],
        status=state["funding_status"],
    )
    was = shown(SegmentPublic, state) | {"organization_name": row["organization_name"], "funding": funding}
    return SegmentPublic.model_validate(was | {"allowed_actions": []})


def check_narrowing(agreement_id: UUID | None, words: str | None) -> None:
    """What a list of the past can be asked for."""
    if agreement_id is None:
        raise NotOfThePast(
            "agreement_id",
            "Cần agreement_id khi hỏi as_of: tuyến của quá khứ được liệt kê theo từng thỏa thuận.",
            "as_of needs agreement_id: corridors of the past are listed for one agreement.",
            code="missing",
        )
    refuse_words(words)
