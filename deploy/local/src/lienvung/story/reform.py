"""1 July 2025: the signatories end, and what they promised does not."""

from datetime import timedelta

from lienvung.story import tasks
from lienvung.story.case import AFTER_REFORM, BEFORE_REFORM, LOCALITIES
from lienvung.story.cast import Cast, unit_of
from lienvung.story.person import Person
from lienvung.story.stage import Json, Say, StoryError, until


async def show(cast: Cast) -> None:
    """The units of 2024 and what became of them."""
    for locality in LOCALITIES:
        unit = await unit_of(cast.operator, "district", locality.unit_code, BEFORE_REFORM)
        successors = await cast.operator.get(
            f"/v1/units/{unit['id']}/successors", on=AFTER_REFORM.isoformat(), default="true", limit=200
        )
        cast.say(f"{unit['name']} (2024) → {len(successors['items'])} communes and wards on 01/07/2025")


async def outlive(cast: Cast, plan: Json, late: Json) -> None:
    """All five districts end, and others answer for what was signed and promised.

    The story signs its plan today, so that nobody's place is taken until the operator asks for it.
    """
    path = f"/v1/agreements/{plan['id']}"
    above, operator, say = cast.leader("quangninh"), cast.operator, cast.say
    for day in (BEFORE_REFORM, AFTER_REFORM + timedelta(days=1)):
        answers = await above.get(f"{path}/responsible", on=day.isoformat())
        for item in answers["items"]:
            if item["relation"] == "party":
                say(f"{day:%d/%m/%Y}: for {item['promised_by']['name']} answers {_who_answers(item)}")
    run = await operator.create("/v1/successions/apply", {})
    run = await until(lambda: _finished(operator, run["id"]), "carrying out the successions")
    say(
        f"Re-pointed: {run['repointed']} agreement, {run['tasks']} open tasks;"
        f" {run['decisions']} successions wait for a decision"
    )
    seen = await cast.leader("chilinh").get(path)
    if seen["allowed_actions"]:
        raise StoryError(f"a dissolved body can still do {seen['allowed_actions']}")
    say(f"{seen['parties'][1]['organization_name']} reads on and decides nothing any more; its signature stands")
    case = await _decide(above, plan, cast.organizations["dongtrieu"], say)
    worker = await cast.hire_for(late, "phoihop.chilinh")
    task = await tasks.report(worker, late, 20, "Tiếp nhận hồ sơ tuyến đường từ đơn vị cũ (số liệu minh họa).")
    say(f"Progress reported by {task['lead']['name']} in the place of {task['lead']['promised_by_name']}: 20 %")
    history = await above.get(f"{path}/history", limit=2)
    say(f"History: {', '.join(entry['action'] for entry in history['items'])}; decision {case['id'][:8]}…")


async def _decide(leader: Person, plan: Json, promised_by: str, say: Say) -> Json:
    """The leader of the province gives a party's place to the second of those that could take it."""
    work = await leader.get("/v1/successions/worklist", agreement_id=plan["id"], limit=200)
    case = next(one for one in work["items"] if one["promised_by"]["organization_id"] == promised_by)
    chosen = case["candidates"][1]
    decided = await leader.act(
        f"/v1/successions/worklist/{case['id']}",
        "decide",
        {
            "unit_id": chosen["answering"]["unit"]["id"],
            "reason": "Khu vực giáp ranh nằm trên địa bàn (minh họa).",
            "whole_unit": True,
        },
    )
    say(
        f"Decided by {leader.username}: for {decided['promised_by']['name']} answers {decided['answers']['name']}"
        f" (proposed was {case['candidates'][0]['answering']['unit']['name']})"
    )
    return decided


def _who_answers(item: Json) -> str:
    if item["answers"] is None:
        return "nobody"
    if not item["successions"]:
        return f"{item['answers']['name']} itself"
    unit: str = item["answers"]["unit"]["name"]
    return f"{unit}, provisionally ({len(item['candidates'])} could)" if item["provisional"] else unit


async def _finished(operator: Person, run_id: str) -> Json | None:
    run = await operator.get(f"/v1/successions/runs/{run_id}")
    return run if run["state"] == "finished" else None
