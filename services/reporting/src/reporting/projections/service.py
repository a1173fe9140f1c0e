"""How each event changes the projections."""

from collections.abc import Sequence
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from reporting.projections import repository
from shared.events import AgreementDiscarded, AgreementEvent, Envelope, OrganizationEvent, TaskEvent, TaskParty


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
        # Whoever is told of the end of a draft does not see it any more.
        members=() if isinstance(event, AgreementDiscarded) else event.members,
    )


async def apply_tasks(session: AsyncSession, envelopes: Sequence[Envelope]) -> None:
    """Add versions to the tasks' histories; what is already known changes nothing."""
    events = [envelope.data for envelope in envelopes]
    await repository.add_task_versions(
        session,
        [_version(event) for event in events if isinstance(event, TaskEvent)],
        # The last event of a task says who its members are.
        {event.task.id: sorted(set(event.members)) for event in events if isinstance(event, TaskEvent)},
    )


def _version(event: TaskEvent) -> dict[str, Any]:
    task = event.task
    return {
        "task_id": task.id,
        "version": event.version,
        "valid_from": event.occurred_at,
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
    }


def _participants(parties: Sequence[TaskParty]) -> list[dict[str, Any]]:
    return [party.model_dump(mode="json") for party in parties]
