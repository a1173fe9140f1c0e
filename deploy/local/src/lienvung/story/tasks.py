"""Tasks of the plan, as their custodian assigns them and their lead reports on them."""

from datetime import date, timedelta

from lienvung.story.case import DEMONSTRATION
from lienvung.story.cast import Cast
from lienvung.story.person import Person
from lienvung.story.stage import Json
from shared import clock


async def assign(
    cast: Cast,
    plan: Json,
    clause: int,
    *,
    lead: str,
    coordinating: tuple[str, ...],
    due_on: date,
    product: str,
) -> Json:
    """A task that fulfils a clause of the plan in its own words."""
    chosen = plan["clauses"][clause]
    return await cast.leader("dongtrieu").create(
        f"/v1/agreements/{plan['id']}/tasks",
        {
            "title": chosen["text"].rstrip("."),
            "clause_id": chosen["id"],
            "field": chosen["field"],
            "deliverable": product,
            "due_on": due_on.isoformat(),
            "lead_organization_id": cast.organizations[lead],
            "coordinating": [{"organization_id": cast.organizations[key]} for key in coordinating],
            "monitoring": [],
            "demonstration": True,
            "note": DEMONSTRATION,
        },
    )


async def report(person: Person, task: Json, percent: int, narrative: str) -> Json:
    """Progress of the last thirty days."""
    today = clock.today()
    return await person.act(
        f"/v1/tasks/{task['id']}",
        "reports",
        {
            "period_start": (today - timedelta(days=30)).isoformat(),
            "period_end": today.isoformat(),
            "percent": percent,
            "narrative": narrative,
        },
    )
