"""Proving texts from the tables: one agreement's, or every one, a batch at a time."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from agreements_api.agreements import errors, texts_repository
from agreements_api.agreements.schemas import Outcome, TextVerification
from agreements_api.agreements.texts import Records, verify
from agreements_api.agreements.texts_repository import Recorded
from shared.auth import SYSTEM
from shared.db import Database

BATCH = 200


async def verify_text(database: Database, agreement_id: UUID) -> TextVerification:
    """Recompute one agreement's text. Raises AgreementNotFound where none was ever opened for signature.

    Reads as the product itself: a member sees what comes out, even where he does not see all that it is made of.
    """
    found = await _verify(database, [agreement_id])
    if not found or not found[0].checks:
        raise errors.AgreementNotFound
    return found[0]


async def verify_all(database: Database) -> AsyncIterator[TextVerification]:
    """Every text, in the order of the agreements' keys; the memory it takes is that of one batch."""
    after: UUID | None = None
    while True:
        async with database.transaction(SYSTEM) as session:
            ids = await texts_repository.frozen_after(session, after, BATCH)
        if not ids:
            return
        for verification in await _verify(database, ids):
            yield verification
        after = ids[-1]


async def _verify(database: Database, ids: Sequence[UUID]) -> list[TextVerification]:
    found = await _read(database, ids, held=False)
    # Somebody may have signed between two of the statements: what differs is looked at again while nobody can. One at
    # a time, because who signs an amendment holds it while he waits for what it amends.
    return [one if one.valid else (await _read(database, [one.agreement_id], held=True))[0] for one in found]


async def _read(database: Database, ids: Sequence[UUID], *, held: bool) -> list[TextVerification]:
    async with database.transaction(SYSTEM) as session:
        recorded = await texts_repository.records_of(session, ids, held=held)
        return [_one(recorded, one) for one in ids if one in recorded.agreements]


def _one(recorded: Recorded, agreement_id: UUID) -> TextVerification:
    agreement = recorded.agreements[agreement_id]
    records = Records(
        agreement,
        [party for party in recorded.parties if party.agreement_id == agreement_id],
        [clause for clause in recorded.clauses if clause.agreement_id == agreement_id],
        recorded.agreements.get(agreement.amends_agreement_id) if agreement.amends_agreement_id else None,
        recorded.targets,
    )
    checks = verify(
        records,
        [signature for signature in recorded.signatures if signature.agreement_id == agreement_id],
        [text for text in recorded.withdrawn if text.agreement_id == agreement_id],
    )
    return TextVerification(
        agreement_id=agreement_id,
        text_format=agreement.text_format if agreement.frozen_text is not None else None,
        text_digest=agreement.text_digest,
        valid=all(check.outcome != Outcome.DIFFERS for check in checks),
        checks=checks,
    )
