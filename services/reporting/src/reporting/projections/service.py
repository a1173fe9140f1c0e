"""How each event changes the projections."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from reporting.projections import repository
from shared.events import AgreementEvent, Envelope, OrganizationEvent, TaskEvent, TaskParty


async def apply_organization(session: AsyncSession, envelope: Envelope) -> None:
    """Keep the organization's last state."""
    event = envelope.data
    assert isinstance(event, OrganizationEvent)
    organization = event.organization
    province = organization.unit.province
    await repository.put_organization(
        session,
        {
            "id": organization.id,
            "version": event.version,
            "name": organization.name,
            "short_name": organization.short_name,
            "kind": organization.kind,
            "unit_id": organization.unit.id,
            "unit_code": organization.unit.code,
            "unit_name": organization.unit.name,
            "unit_level": organization.unit.level,
            "province_id": province.id if province else None,
            "province_name": province.name if province else None,
            "superior_organization_id": organization.superior_organization_id,
        },
    )


async def apply_agreement(session: AsyncSession, envelope: Envelope) -> None:
    """Keep the agreement's last state with its parties and clauses."""
    event = envelope.data
    assert isinstance(event, AgreementEvent)
    agreement = event.agreement
    await repository.put_agreement(
        session,
        {
            "id": agreement.id,
            "version": event.version,
            "instrument": agreement.instrument,
            "number": agreement.number,
            "title": agreement.title,
            "status": agreement.status,
            "parent": agreement.parent.model_dump(mode="json") if agreement.parent else None,
            "fields": agreement.fields,
            "custodian_organization_id": agreement.custodian_organization_id,
            "term_from": agreement.term_from,
            "term_to": agreement.term_to,
            "in_force_on": agreement.in_force_on,
            "signed_on": agreement.signed_on,
            "demonstration": agreement.demonstration,
            "source_url": agreement.source_url,
        },
        parties=[{**party.model_dump(mode="json"), "agreement_id": agreement.id} for party in agreement.parties],
        clauses=[{**clause.model_dump(mode="json"), "agreement_id": agreement.id} for clause in agreement.clauses],
        members=_members(event.members),
    )


async def apply_task(session: AsyncSession, envelope: Envelope) -> None:
    """Add a version to the task's history; what is already known changes nothing."""
    event = envelope.data
    assert isinstance(event, TaskEvent)
    task = event.task
    await repository.add_task_version(
        session,
        {
            "task_id": task.id,
            "version": event.version,
            "valid_from": event.occurred_at,
            "valid_to": "infinity",
            "agreement_id": task.agreement_id,
            "clause_id": task.clause_id,
            "title": task.title,
            "description": task.description,
            "deliverable": task.deliverable,
            "field": task.field,
            "status": task.status,
            "due_on": task.due_on,
            "original_due_on": task.original_due_on,
            "percent": task.percent,
            "completed_at": task.completed_at,
            "submitted_at": task.submitted_at,
            "demonstration": task.demonstration,
            "lead_organization_id": task.lead.organization_id,
            "lead_name": task.lead.name,
            "lead_unit_id": task.lead.unit_id,
            "lead_unit_name": task.lead.unit_name,
            "coordinating": _participants(task.coordinating),
            "monitoring": _participants(task.monitoring),
            "last_report": task.last_report.model_dump(mode="json") if task.last_report else None,
            "created_at": task.created_at,
        },
        _members(event.members),
    )


def _participants(parties: Sequence[TaskParty]) -> list[dict[str, Any]]:
    return [party.model_dump(mode="json") for party in parties]


def _members(organization_ids: Sequence[UUID]) -> list[UUID]:
    # In one order everywhere, so that two batches cannot wait for each other in a circle.
    return sorted(set(organization_ids))
