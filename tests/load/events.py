"""Synthetic events: whole and valid, so that a consumer has with them all the work that it has with real ones."""

from datetime import timedelta
from uuid import UUID

from shared import clock
from shared.auth import SYSTEM
from shared.events import EventActor, LastReport, TaskParty, TaskProgressReported, TaskSnapshot
from shared.ids import new_id
from tests.load.dataset import synthetic_id

AGREEMENTS = 200
ORGANIZATIONS = 50


def progress_report(number: int, task_id: UUID | None = None) -> TaskProgressReported:
    """A report on a new task of one of the synthetic agreements."""
    now = clock.now()
    today = clock.today()
    parties = [_party((number + 7 * place) % ORGANIZATIONS) for place in range(3)]
    task = TaskSnapshot(
        id=task_id or new_id(),
        version=1,
        agreement_id=synthetic_id("agreement", number % AGREEMENTS),
        agreement_title=f"Kế hoạch phối hợp thử tải số {number % AGREEMENTS}",
        agreement_number=f"{number % AGREEMENTS}/KH-TT",
        title=f"Nhiệm vụ thử tải {number}: rà soát tuyến đường kết nối giữa các địa phương",
        description="Bản ghi tổng hợp để đo tải, không phải nhiệm vụ thật. " + "Nội dung thử. " * 8,
        deliverable="Báo cáo thử tải",
        field="giao thông",
        status="in_progress",
        due_on=today + timedelta(days=number % 300),
        original_due_on=today + timedelta(days=number % 300),
        percent=45,
        demonstration=True,
        lead=parties[0],
        coordinating=parties[1:],
        last_report=LastReport(
            period_start=today - timedelta(days=30),
            period_end=today,
            percent=45,
            narrative="Báo cáo tổng hợp để đo tải: không phải số liệu thật.",
            reported_at=now,
        ),
        created_at=now,
        updated_at=now,
    )
    return TaskProgressReported(
        version=1,
        actor=EventActor.of(SYSTEM),
        occurred_at=now,
        members=[party.organization_id for party in parties],
        task=task,
    )


def _party(number: int) -> TaskParty:
    return TaskParty(
        organization_id=synthetic_id("organization", number),
        name=f"UBND địa phương thử tải {number}",
        unit_id=synthetic_id("unit", number),
        unit_name=f"Địa phương thử tải {number}",
    )
