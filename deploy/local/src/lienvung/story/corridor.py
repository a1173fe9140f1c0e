"""A connecting road through three provinces: whose part is finished, whose is late, whose has no money."""

from datetime import date, timedelta

from lienvung.story.case import DEMONSTRATION_ROADS, PLAN_PERIOD
from lienvung.story.cast import Cast
from lienvung.story.stage import Json, StoryError
from shared import clock

LEAD, ABOVE = "ubnd-chilinh", "haiduong"
# What has to come out of the three segments below.
EXPECTED = {"skew", "stub", "not_in_plan"}


async def draw(cast: Cast, plan: Json, task: Json) -> Json:
    """The corridor with each locality's own segment, how they keep step, and whether the plan has money for them."""
    corridor = await cast.specialist("dongtrieu").create(
        f"/v1/agreements/{plan['id']}/corridors",
        {
            "name": "Tuyến kết nối Đông Triều – Chí Linh – Lục Nam (minh họa)",
            "from_place": "Đông Triều",
            "to_place": "Lục Nam",
            "description": DEMONSTRATION_ROADS,
            "task_id": task["id"],
            "clause_ids": [task["clause_id"]],
            "demonstration": True,
        },
    )
    path = f"/v1/corridors/{corridor['id']}"
    cast.say(f"Corridor: {corridor['name']}")
    for key, segment in _segments(clock.today()):
        added = await cast.specialist(key).create(f"{path}/segments", segment)
        cast.say(f"Segment of {added['organization_name']}: {_told(added)}, funding {added['funding']['status']}")
    synchrony = await cast.leader("dongtrieu").get(f"{path}/synchrony")
    if found := EXPECTED - {finding["kind"] for finding in synchrony["findings"]}:
        raise StoryError(f"the segments do not keep step, and nothing is said of {', '.join(sorted(found))}")
    for finding in synchrony["findings"]:
        cast.say(f"Synchrony, {finding['kind']}: {finding['message']}")
    await _ask_for_funding(cast, task)
    return corridor


async def _ask_for_funding(cast: Cast, task: Json) -> None:
    """The task needs the plan that the article names; where that has closed without it, those above hear of it."""
    path = f"/v1/tasks/{task['id']}/funding"
    funding = await cast.specialist(LEAD).put(
        path,
        {
            "needs_public_investment": True,
            "plan_period": PLAN_PERIOD,
            "status": "proposed",
            "remark": DEMONSTRATION_ROADS,
        },
    )
    cast.say(f"Funding gate {funding['gate']}: {funding['message']}")
    if funding["gate"] == "missed":
        await cast.show_mail(cast.leader(ABOVE), path)


def _segments(today: date) -> list[tuple[str, Json]]:
    """One is finished at the boundary, the next is under way and only proposed, the last is not even that."""

    def day(days: int) -> str:
        return (today + timedelta(days=days)).isoformat()

    return [
        (
            "ubnd-dongtrieu",
            {
                "name": "Đoạn qua Đông Triều (minh họa)",
                "funding": {"plan_period": PLAN_PERIOD, "status": "allocated"},
                "planned_start": day(-700),
                "planned_finish": day(-90),
                "actual_start": day(-700),
                "actual_finish": day(-60),
            },
        ),
        (
            "ubnd-chilinh",
            {
                "name": "Đoạn qua Chí Linh (minh họa)",
                "funding": {"plan_period": PLAN_PERIOD, "status": "proposed"},
                "planned_start": day(-30),
                "planned_finish": day(300),
                "actual_start": day(-30),
                "percent": 10,
            },
        ),
        (
            "ubnd-lucnam",
            {
                "name": "Đoạn qua Lục Nam (minh họa)",
                "planned_start": day(200),
                "planned_finish": day(760),
            },
        ),
    ]


def _told(segment: Json) -> str:
    if segment["actual_finish"]:
        return f"finished on {date.fromisoformat(segment['actual_finish']):%d/%m/%Y}"
    return f"{segment['percent']} %, to be finished on {date.fromisoformat(segment['planned_finish']):%d/%m/%Y}"
