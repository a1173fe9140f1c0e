"""Rules of dependencies: within one agreement, without cycles; each change is a version of the task that waits."""

import asyncio
from datetime import date
from uuid import UUID

from agreements_api.task_dependencies import errors, repository
from agreements_api.task_dependencies.models import Dependency
from agreements_api.task_dependencies.schemas import DependencyCreate, Impact, ImpactItem
from agreements_api.task_dependencies.slips import Link, Planned, project, slip_of
from agreements_api.tasks import errors as task_errors
from agreements_api.tasks.models import TaskStatus
from agreements_api.tasks.steps import Connection, begin
from shared import clock
from shared.auth import Actor
from shared.calendar import WorkingCalendar
from shared.events import Change, TaskUpdated

# How far ahead a slip is followed.
MOST_YEARS = 5


async def add(
    connection: Connection, actor: Actor, task_id: UUID, if_match: str | None, body: DependencyCreate
) -> UUID:
    step = await begin(connection, actor, task_id, "set_dependencies", if_match)
    task, other_id = step.locked.task, body.depends_on_task_id
    await repository.lock(connection, task.agreement_id)
    status = await repository.status_of(connection, other_id, task.agreement_id)
    if status is None:
        raise task_errors.unknown_reference("/depends_on_task_id")
    if status == TaskStatus.CANCELLED:
        raise errors.cancelled()
    if await repository.waits_for(connection, other_id, task_id):
        raise errors.cycle()
    dependency = Dependency(
        agreement_id=task.agreement_id,
        task_id=task_id,
        depends_on_task_id=other_id,
        lag_working_days=body.lag_working_days,
        created_at=step.now,
    )
    if not await repository.insert(connection, dependency):
        raise errors.AlreadyDepends
    changes = [Change(field=f"dependencies/{other_id}", to=body.lag_working_days)]
    await step.end(step.after(), "add_dependency", TaskUpdated, changes=changes)
    return dependency.id


async def remove(
    connection: Connection, actor: Actor, task_id: UUID, dependency_id: UUID, if_match: str | None
) -> None:
    step = await begin(connection, actor, task_id, "set_dependencies", if_match)
    depended_on = await repository.delete(connection, task_id, dependency_id, step.now)
    if depended_on is None:
        raise errors.DependencyNotFound
    changes = [Change(field=f"dependencies/{depended_on}", from_="finish_to_start")]
    await step.end(step.after(), "remove_dependency", TaskUpdated, changes=changes)


async def impact(connection: Connection, actor: Actor, task_id: UUID, asked: date | None) -> Impact:
    """What becomes of the tasks behind, if this one is finished on the day asked for, or else today or when due."""
    today = clock.today()
    if asked is not None and asked.year > today.year + MOST_YEARS:
        raise errors.too_far()
    links, rows = await repository.graph(connection, actor.organization_id, task_id)
    known = {row["id"]: row for row in rows}
    if task_id not in known:
        raise task_errors.TaskNotFound
    tasks = {row["id"]: Planned(row["id"], row["status"], row["due_on"], row["finished_on"]) for row in known.values()}
    due_on = tasks[task_id].due_on
    finish = asked or tasks[task_id].finished_on or max(due_on or today, today)
    ways = [Link(link["task_id"], link["depends_on_task_id"], link["lag_working_days"]) for link in links]
    calendar = WorkingCalendar()
    # Long chains over years are walked day by day: not in the loop that answers everybody.
    projected = await asyncio.to_thread(project, tasks, ways, task_id, finish, calendar)
    return Impact(
        task_id=task_id,
        due_on=due_on,
        asked_due_on=finish,
        slip_working_days=slip_of(tasks[task_id].finish, finish, calendar),
        items=[
            ImpactItem(
                task_id=one.task_id,
                title=known[one.task_id]["title"],
                status=TaskStatus(known[one.task_id]["status"]),
                lead=known[one.task_id]["lead"],
                due_on=tasks[one.task_id].due_on,
                earliest_start_on=one.earliest_start_on,
                projected_due_on=one.due_on,
                slip_working_days=one.slip,
                cannot_be_met=one.cannot_be_met,
                behind=list(one.behind),
            )
            for one in projected
        ],
    )
