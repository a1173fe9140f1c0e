"""How a task stands to its deadline, by the rule and by the SQL that lists go through."""

from datetime import UTC, date, datetime

import pytest

from agreements_api.tasks.models import TaskStatus
from agreements_api.tasks.timeliness import TIMELINESS_WORDING, Timeliness, soon_until, timeliness
from shared import clock
from tests.agreements_api.agreements.world import Json, World

TODAY = date(2026, 11, 24)
SOON = soon_until(TODAY)


def test_seven_working_days_ahead_are_soon() -> None:
    # Tuesday: the rest of this week, the whole next one without its weekend, and the Thursday after.
    assert date(2026, 12, 3) == SOON


@pytest.mark.parametrize(
    ("status", "due_on", "completed_at", "expected"),
    [
        ("not_started", None, None, "no_deadline"),
        ("submitted", None, None, "no_deadline"),
        ("not_started", date(2026, 12, 4), None, "not_due"),
        ("in_progress", date(2026, 12, 4), None, "in_time"),
        ("submitted", date(2026, 12, 4), None, "in_time"),
        ("suspended", date(2026, 12, 4), None, "in_time"),
        ("not_started", date(2026, 12, 3), None, "due_soon"),
        ("in_progress", TODAY, None, "due_soon"),
        ("not_started", date(2026, 11, 23), None, "overdue"),
        ("submitted", date(2026, 11, 23), None, "overdue"),
        ("completed", None, datetime(2026, 11, 24, tzinfo=UTC), "completed_on_time"),
        # 16:59 and 17:00 in UTC: the last minute of the 23rd in Vietnam, and the first of the 24th.
        ("completed", date(2026, 11, 23), datetime(2026, 11, 23, 16, 59, tzinfo=UTC), "completed_on_time"),
        ("completed", date(2026, 11, 23), datetime(2026, 11, 23, 17, 0, tzinfo=UTC), "completed_late"),
        ("cancelled", date(2026, 11, 1), None, None),
    ],
)
def test_a_task_stands_to_its_deadline(
    status: str, due_on: date | None, completed_at: datetime | None, expected: str | None
) -> None:
    assert timeliness(status, due_on, completed_at, today=TODAY, soon=SOON) == expected


def test_every_value_has_its_vietnamese_wording() -> None:
    assert set(TIMELINESS_WORDING) == set(Timeliness)


async def test_the_lists_say_what_the_rule_says(world: World, plan: Json) -> None:
    """Every status beside every kind of due date and completion, once each in the table."""
    today, soon = clock.today(), soon_until(clock.today())
    days = [None, *(date.fromordinal(day.toordinal() + step) for day in (today, soon) for step in (-1, 0, 1))]
    moments = [
        clock.start_of(today).astimezone(UTC),
        datetime.fromtimestamp(clock.start_of(today).timestamp() - 1, UTC),
    ]
    template = await world.task(plan)
    columns = await world.columns("task")
    made = await world.rows(
        f"""
        insert into task ({columns})
        select {columns}
        from (select t, s, d, m from task t, unnest($2::text[]) s, unnest($3::date[]) d, unnest($4::timestamptz[]) m
              where t.id = $1) as one,
             lateral jsonb_populate_record(one.t, jsonb_build_object('id', gen_random_uuid(), 'status', one.s,
                'due_on', one.d, 'completed_at', case when one.s = 'completed' then one.m end))
        returning id, status, due_on, completed_at
        """,
        template["id"],
        [status.value for status in TaskStatus],
        days,
        moments,
    )
    shown = await everything(world, plan)
    assert {row["id"]: shown[str(row["id"])]["timeliness"] for row in made} == {
        row["id"]: timeliness(row["status"], row["due_on"], row["completed_at"], today=today, soon=soon) for row in made
    }
    for value in Timeliness:
        narrowed = await everything(world, plan, timeliness=value.value)
        assert set(narrowed) == {task_id for task_id, task in shown.items() if task["timeliness"] == value}
    late_or_soon = await everything(world, plan, timeliness=["overdue", "due_soon"])
    assert {task["timeliness"] for task in late_or_soon.values()} == {"overdue", "due_soon"}


async def everything(world: World, plan: Json, **query: object) -> dict[str, Json]:
    person = world.person("dongtrieu")
    found: dict[str, Json] = {}
    page: Json = {"next_cursor": ""}
    while page["next_cursor"] is not None:
        more = {"cursor": page["next_cursor"]} if page["next_cursor"] else {}
        page = await person.read("/v1/tasks", agreement_id=plan["id"], limit=200, **query, **more)
        found |= {task["id"]: task for task in page["items"]}
    return found
