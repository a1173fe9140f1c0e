"""Events for tests of the outbox and the inbox."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from shared.events import EventActor, TaskAssigned, TaskParty, TaskSnapshot, TaskUpdated

NOW = datetime(2026, 11, 24, tzinfo=UTC)
ACTOR = EventActor(id=uuid4(), kind="user", name="A")


def task_event(
    task_id: UUID | None = None, version: int = 1, *, agreement_id: UUID | None = None, title: str = "Nhiệm vụ"
) -> TaskAssigned | TaskUpdated:
    """A task's event: its assignment as version 1, an update as any later one."""
    task = TaskSnapshot(
        id=task_id or uuid4(),
        version=version,
        agreement_id=agreement_id or uuid4(),
        agreement_title="Kế hoạch",
        title=title,
        status="not_started",
        lead=TaskParty(organization_id=uuid4(), name="UBND"),
        created_at=NOW,
        updated_at=NOW,
    )
    kind = TaskAssigned if version == 1 else TaskUpdated
    return kind(version=version, actor=ACTOR, occurred_at=NOW, members=[uuid4()], task=task)
