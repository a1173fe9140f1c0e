"""What a progress report names as its evidence (tài liệu minh chứng): files of its task that anybody can open."""

from collections.abc import Sequence
from uuid import UUID

from agreements_api.documents import repository
from agreements_api.documents.models import HELD
from agreements_api.tasks import errors
from agreements_api.tasks.steps import Connection
from shared.auth import Actor
from shared.events import ReportEvidence
from shared.problems import FieldError


async def named(
    connection: Connection, actor: Actor, task_id: UUID, document_ids: Sequence[UUID]
) -> list[ReportEvidence]:
    """The documents in the order in which a report of the locked task names them.

    Whoever removes one holds the task first, so that it is either gone by now or kept from now on.
    """
    if not document_ids:
        return []
    rows = await repository.evidence(connection, actor.organization_id, task_id, document_ids)
    known = {row["id"]: row for row in rows}
    found: list[FieldError] = []
    for at, document_id in enumerate(document_ids):
        pointer, row = f"/evidence_ids/{at}", known.get(document_id)
        if row is None:
            found.append(errors.evidence_unknown(pointer))
        elif document_id in document_ids[:at]:
            found.append(errors.evidence_twice(pointer))
        elif row["removed_at"] is not None:
            found.append(errors.evidence_removed(pointer))
        elif row["state"] in HELD:
            found.append(errors.evidence_held(pointer, row["state"]))
    if found:
        raise errors.EvidenceNotTaken(errors=found)
    return [
        ReportEvidence(document_id=document_id, **{name: known[document_id][name] for name in _TOLD})
        for document_id in document_ids
    ]


_TOLD = ("name", "media_type", "size", "digest")
