"""Agreements as they were at an instant, and the lists of their parts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

import asyncpg
import orjson

from agreements_api.agreements import errors, reading_repository, texts_repository
from agreements_api.agreements.past import repository
from agreements_api.agreements.schemas import AgreementPublic, ClausePublic, PartyPublic, TextKind
from agreements_api.history.past import Json, NotOfThePast, Past, body_of, each_shown, refuse_words, shown, state_at
from agreements_api.representation import with_actions
from shared.auth import Actor


async def read(
    connection: asyncpg.Connection[asyncpg.Record], actor: Actor, agreement_id: UUID, as_of: datetime
) -> Past:
    """Raises AgreementNotFound where it was not there yet, or the caller may not see it."""
    past = await state_at(connection, actor, agreement_id, as_of)
    # A task is a record as well, and has no parties.
    if past is None or "parties" not in past.state:
        raise errors.AgreementNotFound
    return past


def body(state: Json) -> str:
    agreement = shown(AgreementPublic, state) | {"parties": each_shown(PartyPublic, state["parties"])}
    return with_actions(body_of(agreement), ())


def parties(past: Past) -> list[str]:
    return [body_of(party) for party in each_shown(PartyPublic, past.state["parties"])]


async def clauses(
    connection: asyncpg.Connection[asyncpg.Record],
    actor: Actor,
    agreement_id: UUID,
    past: Past,
    as_of: datetime,
    on: date | None,
) -> list[str]:
    """The clauses that were known at the instant to hold on a day, or all that were."""
    counts = await repository.count_tasks(connection, actor.organization_id, agreement_id, as_of)
    return [
        body_of(clause | {"task_count": counts.get(UUID(clause["id"]), 0)})
        for clause in each_shown(ClausePublic, past.state["clauses"])
        if on is None or _holds(clause, past.state["in_force_on"], on)
    ]


async def signatures(
    connection: asyncpg.Connection[asyncpg.Record], actor: Actor, agreement_id: UUID, past: Past
) -> list[str]:
    """The signatures that there were. They become void and nothing else about them changes: the rest is today's row."""
    kept = {signature["id"]: signature for signature in past.state["signatures"]}
    found = []
    for row in await reading_repository.read_parts(connection, actor.organization_id, agreement_id, "signatures"):
        signature: Json = orjson.loads(row)
        if signature["id"] in kept:
            if kept[signature["id"]]["voided_at"] is None:
                signature |= {"voided_at": None, "void_reason": None}
            found.append(orjson.dumps(signature).decode())
    return found


async def text(
    connection: asyncpg.Connection[asyncpg.Record], actor: Actor, agreement_id: UUID, as_of: datetime
) -> asyncpg.Record | None:
    """The text that was open for signature or signed at the instant."""
    digest = (await read(connection, actor, agreement_id, as_of)).state["text_digest"]
    if digest is None:
        return None
    return await texts_repository.read_text_of(connection, actor.organization_id, agreement_id, digest)


async def texts(
    connection: asyncpg.Connection[asyncpg.Record], actor: Actor, agreement_id: UUID, as_of: datetime
) -> list[str]:
    """Those of the texts that had been frozen by the instant, each as its agreement stood then."""
    await read(connection, actor, agreement_id, as_of)
    found = []
    for item in await texts_repository.read_texts(connection, actor.organization_id, agreement_id):
        entry: Json = orjson.loads(item)
        if datetime.fromisoformat(entry["opened_at"]) > as_of:
            continue
        was = (await read(connection, actor, UUID(entry["agreement_id"]), as_of)).state
        entry |= {name: was[name] for name in ("number", "title", "status")}
        if entry["withdrawn_at"] is None or datetime.fromisoformat(entry["withdrawn_at"]) > as_of:
            entry |= {name: was[name] for name in ("signed_on", "in_force_on")}
            entry |= {"kind": was["amendment_kind"] or TextKind.ORIGINAL, "withdrawn_at": None, "withdrawal": None}
        found.append(orjson.dumps(entry).decode())
    return found


def check_narrowing(sort: str, words: str | None) -> None:
    """What a list of the past can be asked for."""
    refuse_words(words)
    if sort not in ("created_at", "-created_at"):
        raise NotOfThePast(
            "sort",
            "Danh sách của quá khứ xếp theo created_at hoặc -created_at.",
            "A list of the past is ordered by created_at or -created_at.",
        )


def bodies(rows: Sequence[asyncpg.Record]) -> list[str]:
    return [body(orjson.loads(row["state"])) for row in rows]


def _holds(clause: Json, in_force_on: str | None, on: date) -> bool:
    # ISO dates sort as days do.
    day = on.isoformat()
    return (clause["started_on"] or in_force_on or day) <= day and (clause["ended_on"] or "9999") > day
