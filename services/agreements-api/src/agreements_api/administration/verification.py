"""Proving the log of administration: every link recomputed, and each record held to what was last told of it."""

from datetime import datetime
from functools import partial

from agreements_api.administration import repository
from agreements_api.administration.models import SubjectKind
from agreements_api.history.verification import Break, Proof, Test, add_heads, in_batches
from shared.auth import SYSTEM
from shared.db import Database


async def verify(database: Database) -> Proof:
    """Prove all that was told of users, clients and organisations; `head` stands for the whole of it."""
    proof = Proof(place="entry")
    for kind in SubjectKind:
        async for subject_id, rows in in_batches(database, partial(repository.links_of, kind=kind)):
            proof.add(kind.value, subject_id, rows)
    async with database.read(SYSTEM) as connection:
        for row in await repository.orphans(connection):
            proof.note(Break(row["subject_kind"], row["subject_id"], row["version"], row["occurred_at"], Test.RECORD))
    return proof


async def head_at(database: Database, at: datetime) -> Proof:
    """The head of all that was told until an instant, without proving it."""
    proof = Proof(place="entry")
    for kind in SubjectKind:
        await add_heads(proof, database, partial(repository.heads_of, kind=kind, at=at))
    return proof
