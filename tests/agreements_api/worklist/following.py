"""Whether the table of open work is what follows from the records, whatever has happened to them."""

from tests.agreements_api.agreements.world import World

SOURCES = ("task", "signing", "urging", "extension", "obstacle", "boundary_case", "succession", "outcome")
_DUE = " union all ".join(f"select * from open_work_of_{source}" for source in SOURCES)
_COLUMNS = "subject_id, organization_id, step, relation, agreement_id, task_id, due_on, reported_to, cycle, came_back"
DIFFERENCES = f"""
with due as materialized (select {_COLUMNS} from ({_DUE}) d), present as (select {_COLUMNS} from open_work)
select 'stale: ' || s::text as found from (select * from present except select * from due) s
union all select 'missing: ' || m::text from (select * from due except select * from present) m
union all select 'handled by others: ' || w::text from open_work w
where w.handlers <> open_work_handlers(w.organization_id, w.handled_id)
"""


async def differences(world: World) -> list[str]:
    """Rows that are there and do not follow, or follow and are not there."""
    return [row["found"] for row in await world.rows(DIFFERENCES)]
