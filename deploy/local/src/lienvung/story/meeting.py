"""The parties meet; what they conclude becomes a task."""

from datetime import timedelta

from lienvung.story.case import DEMONSTRATION, LOCALITIES
from lienvung.story.cast import Cast
from lienvung.story.stage import Json
from shared import clock

# What the article says was discussed.
AGENDA = (
    "Đánh giá kết quả phối hợp thực hiện Kết luận số 352-KL/TUQN-TUBG-TUHD",
    "Tồn tại, hạn chế và nguyên nhân",
    "Nhiệm vụ, giải pháp trong thời gian tới",
)
_BORDER = 1  # the clause on cross-cultivated, cross-inhabited areas


async def meet(cast: Cast, plan: Json) -> Json:
    """A meeting from its invitation to the task that came of it; gives the task."""
    host = cast.specialist("dongtrieu")
    now = clock.now()
    meeting = await host.create(
        f"/v1/agreements/{plan['id']}/meetings",
        {
            "kind": "regular",
            "title": "Hội nghị giao ban thực hiện Kế hoạch phối hợp (minh họa)",
            "place": "Đông Triều (minh họa)",
            "starts_at": (now - timedelta(hours=2)).isoformat(),
            "ends_at": now.isoformat(),
            "agenda": [{"title": title} for title in AGENDA],
        },
    )
    path = f"/v1/meetings/{meeting['id']}"
    invited, points = len(meeting["participants"]), len(meeting["agenda"])
    cast.say(f"Meeting called by {meeting['host_name']}: {invited} parties invited, {points} points on the agenda")
    meeting = await host.act(path, "hold", {"attendance": _attendance(cast), "minutes": _minutes()})
    came = [one for one in meeting["participants"] if one["attendance"] == "attended"]
    sent = [one["organization_name"] for one in meeting["participants"] if one["attendance"] == "represented"]
    cast.say(
        f"Held: {len(came)} parties came, {', '.join(sent)} sent somebody else;"
        f" minutes written, revision {meeting['minutes_revision']}"
    )
    return await _make_a_task(cast, plan, path)


async def _make_a_task(cast: Cast, plan: Json, path: str) -> Json:
    clause = plan["clauses"][_BORDER]
    meeting = await cast.specialist("dongtrieu").act(
        path,
        "outcomes",
        {
            "text": clause["text"].rstrip("."),
            "responsible_organization_id": cast.organizations["ubnd-dongtrieu"],
            "due_on": (clock.today() + timedelta(days=30)).isoformat(),
        },
    )
    outcome = meeting["outcomes"][-1]
    cast.say(f"Concluded: {outcome['text']} — {outcome['responsible_name']}")
    meeting = await cast.leader("dongtrieu").act(
        path,
        f"outcomes/{outcome['id']}/assign",
        {
            "coordinating": [{"organization_id": cast.organizations[key]} for key in ("ubnd-kinhmon", "ubnd-chilinh")],
            "clause_id": clause["id"],
            "deliverable": "Biên bản giải quyết vướng mắc",
            "note": DEMONSTRATION,
        },
    )
    task = await cast.leader("dongtrieu").get(f"/v1/tasks/{meeting['outcomes'][-1]['task_id']}")
    cast.say(f"Task of it, in one call: {task['title']} — lead UBND thị xã Đông Triều, with Kinh Môn and Chí Linh")
    return task


def _attendance(cast: Cast) -> list[Json]:
    """All came but one, whose place somebody else took; the article names nobody."""
    *most, last = LOCALITIES
    return [
        {
            "organization_id": cast.organizations[locality.key],
            "attendance": attendance,
            "person_name": f"Đại diện {locality.committee} (minh họa)",
        }
        for locality, attendance in (*((one, "attended") for one in most), (last, "represented"))
    ]


def _minutes() -> str:
    points = "\n".join(f"{number}. {title}." for number, title in enumerate(AGENDA, start=1))
    return f"Biên bản minh họa.\n{points}\n{DEMONSTRATION}"
