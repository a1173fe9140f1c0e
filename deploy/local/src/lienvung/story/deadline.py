"""A deadline passes, and whoever must know is told."""

from lienvung.story import tasks
from lienvung.story.cast import Cast
from lienvung.story.stage import Json
from shared import clock
from shared.calendar import WorkingCalendar

LEAD = "ubnd-chilinh"


async def let_it_pass(cast: Cast, plan: Json) -> Json:
    """An overdue task and two that come due; gives the overdue one."""
    calendar = WorkingCalendar()
    # Today may be a day off, which is no overdue working day yet.
    overdue_since = calendar.add_working_days(calendar.last_working_day(clock.today()), -5)
    task = await tasks.assign(
        cast,
        plan,
        0,
        lead=LEAD,
        coordinating=("ubnd-dongtrieu", "ubnd-kinhmon"),
        due_on=overdue_since,
        product="Danh mục tuyến đường đề xuất đưa vào kế hoạch trung hạn",
    )
    await cast.specialist(LEAD).act(f"/v1/tasks/{task['id']}", "accept")
    for clause, lead, other in ((2, "ubnd-kinhmon", "ubnd-sondong"), (3, "ubnd-lucnam", "ubnd-sondong")):
        await tasks.assign(
            cast,
            plan,
            clause,
            lead=lead,
            coordinating=(other,),
            due_on=calendar.add_working_days(clock.today(), 3),
            product="Báo cáo kết quả phối hợp",
        )
    cast.say(f"Overdue by five working days: {task['title']}")
    await cast.show_mail(cast.specialist(LEAD), task["id"])
    alerts = await cast.specialist(LEAD).get("/v1/alerts")
    cast.say(f"In the alert list of {cast.specialist(LEAD).username}: {len(alerts['items'])}")
    return task
