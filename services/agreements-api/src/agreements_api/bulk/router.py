"""HTTP of many changes at once."""

from fastapi import APIRouter, Request, Response

from agreements_api.bulk import service
from agreements_api.bulk.schemas import BulkChanges, BulkResult
from agreements_api.dependencies import SettingsDep
from agreements_api.representation import json_response
from shared.dependencies import ActorDep, DatabaseDep, IdempotencyKey
from shared.idempotency import run_idempotent

router = APIRouter(tags=["tasks"])


@router.post("/tasks/bulk", operation_id="change_tasks", response_model=BulkResult)
async def change_tasks(
    body: BulkChanges,
    request: Request,
    database: DatabaseDep,
    actor: ActorDep,
    key: IdempotencyKey,
    settings: SettingsDep,
) -> Response:
    """Up to 100 changes of tasks in one transaction: all of them, or none and what is wrong with each.

    More of them are an import (`POST /imports`).
    """
    service.check_may_send(actor)
    async with database.write(actor) as connection:

        async def handle() -> Response:
            days = service.Days(response=settings.response_working_days, obstacle=settings.obstacle_working_days)
            result = await service.change_all(connection, actor, body.changes, days)
            return json_response(result.model_dump_json())

        return await run_idempotent(request, connection, actor, key, handle)
