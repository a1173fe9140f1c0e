"""A task between two provinces: what stands in its way, a later deadline, and a confirmation that is first refused."""

from datetime import date, timedelta

from lienvung.story import tasks
from lienvung.story.cast import Cast
from lienvung.story.stage import Json, StoryError
from shared import clock

LEAD = "ubnd-dongtrieu"
REFUSING, AGREEING = "ubnd-kinhmon", "ubnd-chilinh"
ABOVE = "quangninh"


async def fulfil(cast: Cast, task: Json) -> Json:
    """The task from its acceptance until every coordinating party has confirmed it."""
    await cast.specialist(LEAD).act(_path(task), "accept")
    await _report(cast, task, 40)
    await _overcome_an_obstacle(cast, task)
    await _ask_for_time(cast, task)
    await _report(cast, task, 100)
    await _submit(cast, task)
    await _refuse(cast, task)
    await _report(cast, task, 100)
    await _submit(cast, task)
    for key in (REFUSING, AGREEING):
        task = await cast.leader(key).act(_path(task), "confirm", {"remark": "Nhất trí"})
        cast.say(f"Confirmed from the other side by {key} → {task['status']}")
    if task["status"] != "completed":
        raise StoryError(f"both coordinating parties confirmed, and the task is {task['status']}")
    return task


async def _overcome_an_obstacle(cast: Cast, task: Json) -> None:
    """Raised by one side, passed up by the other, settled by the province; the measure goes on meanwhile."""
    raised = await cast.specialist(REFUSING).create(
        f"{_path(task)}/obstacles", {"text": "Hồ sơ địa chính hai bên chưa khớp (minh họa)"}
    )
    path = f"/v1/obstacles/{raised['id']}"
    cast.say(
        f"Obstacle raised by {raised['raised_by_organization_name']}: {raised['text']}"
        f" → {raised['organization_name']}, until {_day(raised['respond_by'])}"
    )
    planned = await cast.specialist(LEAD).act(
        path,
        "measures",
        {
            "text": "Đo đạc lại ranh giới tại thực địa (minh họa)",
            "organization_id": cast.organizations[LEAD],
            "due_on": (clock.today() + timedelta(days=14)).isoformat(),
        },
    )
    measure = planned["measures"][-1]
    cast.say(f"Measure of {measure['organization_name']}: {measure['text']}, until {_day(measure['due_on'])}")
    passed_up = await cast.leader(REFUSING).act(
        path, "escalate", {"reason": "Vượt thẩm quyền của hai địa phương (minh họa)"}
    )
    cast.say(f"Escalated {raised['level']} → {passed_up['level']}: in the hands of {passed_up['organization_name']}")
    await cast.show_mail(cast.leader(ABOVE), raised["id"])
    await cast.specialist(LEAD).patch(path, f"measures/{measure['id']}", {"done": True, "remark": "Đã đo đạc xong"})
    settled = await cast.leader(ABOVE).act(
        path, "resolve", {"resolution": "Thống nhất ranh giới theo kết quả đo đạc (minh họa)"}
    )
    cast.say(f"Settled by {ABOVE}.leader after the measure was carried out: {settled['resolution']}")


async def _ask_for_time(cast: Cast, task: Json) -> None:
    """Asked for by the lead, decided above it; the first deadline stays on record."""
    later = clock.today() + timedelta(days=60)
    asked = await cast.specialist(LEAD).act(
        _path(task),
        "extensions",
        {"due_on": later.isoformat(), "reason": "Chờ kết quả đo đạc lại ranh giới (minh họa)"},
    )
    cast.say(
        f"Extension asked for by {asked['requested_by_name']}:"
        f" {_day(asked['due_on'])} → {_day(asked['requested_due_on'])}"
    )
    granted = await cast.leader(ABOVE).act(
        f"{_path(task)}/extensions/{asked['id']}", "grant", {"remark": "Đồng ý (minh họa)"}
    )
    task = await cast.specialist(LEAD).get(_path(task))
    if (task["due_on"], task["original_due_on"]) != (asked["requested_due_on"], asked["due_on"]):
        raise StoryError(f"an extension was granted, and the deadlines are {task['due_on']}, {task['original_due_on']}")
    cast.say(
        f"Granted by {granted['decided_by_name']}: the deadline is {_day(task['due_on'])},"
        f" the original one {_day(task['original_due_on'])} is kept; extensions so far: {task['extension_count']}"
    )


async def _refuse(cast: Cast, task: Json) -> None:
    """One party confirms, the other refuses: that voids the confirmation and opens an obstacle for the lead."""
    await cast.leader(AGREEING).act(_path(task), "confirm", {"remark": "Nhất trí"})
    reason = "Biên bản chưa có chữ ký của phía Kinh Môn (minh họa)"
    refused = await cast.leader(REFUSING).act(_path(task), "refuse", {"reason": reason})
    if any(party["confirmed_at"] for party in refused["coordinating"]):
        raise StoryError("a submission was refused, and a confirmation of it still stands")
    cast.say(f"Refused by {REFUSING}: {reason} → {refused['status']}; the confirmation by {AGREEING} is void")
    opened = await cast.leader(LEAD).get("/v1/obstacles", task_id=task["id"], status="open")
    obstacle = next((one for one in opened["items"] if one["origin"] == "refusal"), None)
    if obstacle is None:
        raise StoryError("a submission was refused, and no obstacle came of it")
    cast.say(
        f"The refusal opened an obstacle: {obstacle['organization_name']} settles it until"
        f" {_day(obstacle['respond_by'])}"
    )
    settled = await cast.leader(LEAD).act(
        f"/v1/obstacles/{obstacle['id']}", "resolve", {"resolution": "Hai bên đã ký biên bản (minh họa)"}
    )
    cast.say(f"Settled by {LEAD}.leader: {settled['resolution']}")


async def _report(cast: Cast, task: Json, percent: int) -> None:
    narrative = f"Đã rà soát {percent} % khu vực giáp ranh (số liệu minh họa)."
    await tasks.report(cast.specialist(LEAD), task, percent, narrative)
    cast.say(f"Progress reported: {percent} %")


async def _submit(cast: Cast, task: Json) -> None:
    submitted = await cast.leader(LEAD).act(_path(task), "submit", {"note": "Đề nghị các bên phối hợp xác nhận"})
    cast.say(f"Submitted: both sides answer until {_day(submitted['coordinating'][0]['respond_by'])}")
    await cast.show_mail(cast.leader(REFUSING), task["id"])


def _path(task: Json) -> str:
    return f"/v1/tasks/{task['id']}"


def _day(value: str) -> str:
    return f"{date.fromisoformat(value):%d/%m/%Y}"
