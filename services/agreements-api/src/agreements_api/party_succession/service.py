"""Who answers for each promise of an agreement on a day."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

import asyncpg

from agreements_api.agreements.errors import AgreementNotFound
from agreements_api.party_succession import repository
from agreements_api.party_succession.answering import Successor, judge
from agreements_api.party_succession.schemas import Answering, Candidate, Promise, Promiser, Responsible, UnitShown


async def responsible(
    connection: asyncpg.Connection[Any], organization_id: UUID | None, agreement_id: UUID, on: date
) -> Responsible:
    """Every party and everybody who takes part in a task, with who answers for them on that day."""
    promises = await repository.promises(connection, organization_id, agreement_id)
    if promises is None:
        raise AgreementNotFound
    known = await repository.organizations(connection, list({row["organization_id"] for row in promises}))
    ended = {row["unit_id"] for row in known.values() if row["valid_to"] is not None and row["valid_to"] < on}
    followed = await repository.successors(connection, list(ended), on)
    units = {one.unit_id for each in followed.values() for one in each}
    acting = await repository.acting_for(connection, list(units), list({row["kind"] for row in known.values()}))
    answers = {
        key: _answering(row, followed.get(row["unit_id"], []) if row["unit_id"] in ended else None, acting)
        for key, row in known.items()
    }
    return Responsible(
        agreement_id=agreement_id,
        on=on,
        items=[
            Promise(
                relation=row["relation"],
                party_id=row["party_id"],
                task_id=row["task_id"],
                task_title=row["task_title"],
                promised_by=Promiser(organization_id=row["organization_id"], name=row["name"]),
                **answers[row["organization_id"]],
            )
            for row in promises
        ],
    )


def _answering(
    organization: asyncpg.Record,
    followed: list[Successor] | None,
    acting: dict[tuple[UUID, str], asyncpg.Record],
) -> dict[str, Any]:
    if followed is None:
        unit = UnitShown(id=organization["unit_id"], name=organization["unit_name"], level=organization["unit_level"])
        itself = Answering(organization_id=organization["id"], name=organization["name"], unit=unit)
        return {"answers": itself, "provisional": False, "candidates": []}
    verdict = judge(followed)
    candidates = [_candidate(one, acting.get((one.unit_id, organization["kind"]))) for one in verdict.candidates]
    return {
        "answers": candidates[0].answering if candidates else None,
        "provisional": verdict.provisional,
        "candidates": candidates if verdict.provisional else [],
        "succession": candidates[0].succession if candidates else None,
    }


def _candidate(successor: Successor, acting: asyncpg.Record | None) -> Candidate:
    return Candidate.of(successor, acting["id"] if acting else None, acting["name"] if acting else None)
