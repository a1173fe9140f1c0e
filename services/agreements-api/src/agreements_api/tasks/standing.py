"""The parties of a task that was over, as they stand to it today: when it goes on, others may have their places."""

from agreements_api.party_succession.standing import in_task
from agreements_api.tasks.steps import Connection
from shared.events import Change, TaskParty, TaskSnapshot

_TAKEN = f"""
select named.id as taken_from, o.id as organization_id, o.name, o.unit_id, u.name as unit_name
from task t cross join unnest($2::uuid[]) named(id)
join organization o on o.id = {in_task("t.agreement_id", "t.id", "t.parties", "named.id")}
join unit u on u.id = o.unit_id
where t.id = $1 and o.id <> named.id
"""  # noqa: S608


async def as_of_today(connection: Connection, task: TaskSnapshot) -> tuple[TaskSnapshot, list[Change]]:
    """The task with whoever has each place by now, and which of them changed hands."""
    parties = (task.lead, *task.coordinating, *task.monitoring)
    named = list({party.organization_id for party in parties})
    taken = {row["taken_from"]: row for row in await connection.fetch(_TAKEN, task.id, named)}
    changes: list[Change] = []

    def today(party: TaskParty, what: str) -> TaskParty:
        if party.organization_id not in taken:
            return party
        heir = {name: value for name, value in taken[party.organization_id].items() if name != "taken_from"}
        changes.append(Change(field=what, from_=party.name, to=heir["name"]))
        promised = {
            "promised_by_organization_id": party.promised_by_organization_id or party.organization_id,
            "promised_by_name": party.promised_by_name or party.name,
        }
        return party.model_copy(update=heir | promised)

    after = task.model_copy(
        update={
            "lead": today(task.lead, "lead"),
            "coordinating": [today(party, "coordinating") for party in task.coordinating],
            "monitoring": [today(party, "monitoring") for party in task.monitoring],
        }
    )
    return after, changes
