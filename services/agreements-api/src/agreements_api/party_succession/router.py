"""HTTP of who answers."""

from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from agreements_api.agreements import errors
from agreements_api.agreements.permissions import may_read
from agreements_api.party_succession import service
from agreements_api.party_succession.schemas import Responsible
from agreements_api.representation import json_response
from shared import clock
from shared.dependencies import ActorDep, DatabaseDep

router = APIRouter(tags=["agreements"])


@router.get("/agreements/{agreement_id}/responsible", operation_id="list_responsible", response_model=Responsible)
async def list_responsible(
    agreement_id: UUID,
    database: DatabaseDep,
    actor: ActorDep,
    on: Annotated[date | None, Query(description="The day asked about, today unless given.")] = None,
) -> Response:
    """Who answers for each promise of the agreement on a day, through every merger, division and dissolution."""
    if not may_read(actor):
        raise errors.NotAllowed
    async with database.read(actor) as connection:
        found = await service.responsible(connection, actor.organization_id, agreement_id, on or clock.today())
    return json_response(found.model_dump_json())
