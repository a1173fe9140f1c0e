"""Every kind of work: it waits for whoever can do it, names the step that ends it, and is gone once that is taken."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from agreements_api.agreements.models import SigningOrder
from agreements_api.worklist.models import Step, WorkKind, WorkReason
from agreements_api.worklist.service import cycles
from shared import clock
from tests.agreements_api.agreements.world import PARTIES, REPORT, Json, Person, World, accepted, signature
from tests.agreements_api.boundary_cases.dossiers import SECOND, opened
from tests.agreements_api.meetings.steps import concluded, held
from tests.agreements_api.party_succession.reform import Reform
from tests.agreements_api.party_succession.test_deciding import divided
from tests.agreements_api.worklist.lists import of, take, waiting, work

OBSTACLE = {"text": "Chưa thống nhất mốc giới (minh họa)"}


@dataclass(frozen=True)
class Waiting:
    """One piece of work: for whom, about what, why, and what the step takes."""

    person: Person
    subject_id: str
    kind: WorkKind
    reason: WorkReason
    action: str
    counterpart: str | None
    body: Any = None


Case = Callable[[World, Json], Awaitable[Waiting]]


def _id(path: str) -> str:
    return path.split("/")[-1]


def in_days(days: int) -> str:
    return (clock.today() + timedelta(days=days)).isoformat()


async def lead_accepts(world: World, plan: Json) -> Waiting:
    task = await world.task(plan)
    return Waiting(
        world.person("ubnd-dongtrieu"), task["id"], WorkKind.ACCEPT, WorkReason.TO_LEAD, "accept", world.id("dongtrieu")
    )


async def coordinating_accepts(world: World, plan: Json) -> Waiting:
    path = await world.under_way(plan)
    person = world.person("ubnd-kinhmon")
    return Waiting(person, _id(path), WorkKind.ACCEPT, WorkReason.TO_COORDINATE, "accept", world.id("dongtrieu"))


async def period_report(world: World, plan: Json) -> Waiting:
    path = await world.under_way(plan, due_on=in_days(200))
    # It was taken on before the period ended of which the report is due.
    await world.rows(
        "update task set parties = jsonb_set(parties, '{lead,accepted_at}', to_jsonb($2::timestamptz)) where id = $1",
        UUID(_id(path)),
        clock.now() - timedelta(days=60),
    )
    month = cycles(clock.today(), 5)[0]
    body = REPORT | {"period_start": month.starts_on.isoformat(), "period_end": month.ended_on.isoformat()}
    person = world.person("ubnd-dongtrieu")
    return Waiting(person, _id(path), WorkKind.REPORT, WorkReason.PERIOD_REPORT, "report", world.id("dongtrieu"), body)


async def near_deadline(world: World, plan: Json) -> Waiting:
    path = await world.under_way(plan, due_on=in_days(2))
    person = world.person("ubnd-dongtrieu")
    return Waiting(person, _id(path), WorkKind.REPORT, WorkReason.DEADLINE, "submit", world.id("dongtrieu"))


async def returned(world: World, plan: Json) -> Waiting:
    path = await world.submitted(plan, due_on=in_days(200))
    await world.person("ubnd-kinhmon").step(path, "return", {"reason": "Thiếu biên bản (minh họa)."})
    person = world.person("ubnd-dongtrieu")
    return Waiting(person, _id(path), WorkKind.REPORT, WorkReason.RETURNED, "submit", world.id("dongtrieu"))


async def reopened(world: World, plan: Json) -> Waiting:
    path = await world.submitted(plan, due_on=in_days(200))
    for key in ("ubnd-kinhmon", "ubnd-chilinh"):
        await world.person(key).step(path, "confirm")
    await world.person("dongtrieu").step(path, "reopen", {"reason": "Còn thiếu hồ sơ (minh họa)."})
    person = world.person("ubnd-dongtrieu")
    return Waiting(person, _id(path), WorkKind.REPORT, WorkReason.REOPENED, "submit", world.id("dongtrieu"))


async def confirmation(world: World, plan: Json) -> Waiting:
    path = await world.submitted(plan)
    person = world.person("ubnd-kinhmon")
    return Waiting(person, _id(path), WorkKind.CONFIRM, WorkReason.WINDOW, "confirm", world.id("ubnd-dongtrieu"))


async def completion_by_monitor(world: World, plan: Json) -> Waiting:
    path = await world.submitted(plan, coordinating=(), monitoring=("ubnd-sondong",))
    person = world.person("ubnd-sondong")
    return Waiting(person, _id(path), WorkKind.CONFIRM, WorkReason.TO_COMPLETE, "complete", world.id("ubnd-dongtrieu"))


async def completion_by_custodian(world: World, plan: Json) -> Waiting:
    path = await world.submitted(plan, coordinating=())
    person = world.person("dongtrieu")
    return Waiting(person, _id(path), WorkKind.CONFIRM, WorkReason.TO_COMPLETE, "complete", world.id("ubnd-dongtrieu"))


async def handover(world: World, plan: Json) -> Waiting:
    case = await opened(world, plan, steps=[{"title": "Ký biên bản (minh họa)"}])
    person = world.person(SECOND)
    return Waiting(
        person, case["id"], WorkKind.CONFIRM, WorkReason.HANDOVER_STEP, "confirm", world.id("ubnd-dongtrieu")
    )


async def signing(world: World, plan: Json) -> Waiting:
    agreement = await world.opened(signing_order=SigningOrder.SEQUENTIAL, sign_by=in_days(20))
    await world.person(PARTIES[0]).step(f"/v1/agreements/{agreement['id']}", "sign", signature(PARTIES[0]))
    assert await of(world.person(PARTIES[2]), agreement["id"]) is None
    person, body = world.person(PARTIES[1]), signature(PARTIES[1])
    return Waiting(person, agreement["id"], WorkKind.SIGN, WorkReason.SIGNATURE, "sign", world.id("dongtrieu"), body)


async def urging(world: World, plan: Json) -> Waiting:
    path = await world.under_way(plan)
    body = {"message": "Đề nghị báo cáo (minh họa)."}
    asked = accepted(await world.person("dongtrieu").post(f"{path}/urgings", body), 201)
    answer = {"answer": "Sẽ báo cáo (minh họa)."}
    person = world.person("ubnd-dongtrieu")
    return Waiting(person, asked["id"], WorkKind.ANSWER, WorkReason.URGED, "answer", world.id("dongtrieu"), answer)


async def explanation(world: World, plan: Json) -> Waiting:
    path = await world.under_way(plan)
    body = {"message": "Vì sao chậm (minh họa)?", "organization_id": world.id("ubnd-kinhmon")}
    asked = accepted(await world.person("quangninh").post(f"{path}/explanations", body), 201)
    answer = {"answer": "Do thời tiết (minh họa)."}
    person = world.person("ubnd-kinhmon")
    return Waiting(
        person, asked["id"], WorkKind.ANSWER, WorkReason.EXPLANATION_ASKED, "answer", world.id("quangninh"), answer
    )


async def extension(world: World, plan: Json) -> Waiting:
    path = await world.under_way(plan, due_on="2026-12-31")
    lead = world.specialist("ubnd-dongtrieu")
    body = {"due_on": "2027-02-26", "reason": "Chờ hồ sơ (minh họa)."}
    asked = await lead.step(path, "extensions", body)
    person = world.person("haiduong")
    return Waiting(
        person, asked["id"], WorkKind.DECIDE, WorkReason.EXTENSION_REQUESTED, "grant", world.id("ubnd-dongtrieu")
    )


async def obstacle(world: World, plan: Json) -> Waiting:
    path = await world.under_way(plan)
    raised = accepted(await world.specialist("ubnd-kinhmon").post(f"{path}/obstacles", OBSTACLE), 201)
    body = {"resolution": "Đã thống nhất mốc giới (minh họa)."}
    person = world.person("ubnd-dongtrieu")
    return Waiting(
        person, raised["id"], WorkKind.DECIDE, WorkReason.OBSTACLE_OPEN, "resolve", world.id("ubnd-kinhmon"), body
    )


async def escalated(world: World, plan: Json) -> Waiting:
    waits = await obstacle(world, plan)
    await waits.person.step(f"/v1/obstacles/{waits.subject_id}", "escalate", {"reason": "Vượt thẩm quyền."})
    assert await of(waits.person, waits.subject_id) is None
    person = world.person("quangninh")
    return Waiting(
        person,
        waits.subject_id,
        WorkKind.DECIDE,
        WorkReason.OBSTACLE_ESCALATED,
        "resolve",
        world.id("ubnd-kinhmon"),
        waits.body,
    )


async def outcome(world: World, plan: Json) -> Waiting:
    path = await held(world, plan)
    await concluded(world, path)
    person = world.person("dongtrieu")
    return Waiting(person, _id(path), WorkKind.DECIDE, WorkReason.OUTCOME_OPEN, "assign", world.id("ubnd-dongtrieu"))


async def succession(world: World, plan: Json) -> Waiting:
    reform = Reform(world)
    given = await divided(reform)
    deciding = reform.of(given.agreement["custodian_organization_id"])
    items = [item for item in await work(deciding) if item["reason"] == WorkReason.SUCCESSION_OPEN]
    assert len(items) == 2
    [item] = [item for item in items if item["subject"]["id"] in await given.of_tasks(deciding)]
    body = given.choosing(given.second)
    return Waiting(
        deciding,
        item["subject"]["id"],
        WorkKind.DECIDE,
        WorkReason.SUCCESSION_OPEN,
        "decide",
        item["counterpart"] and item["counterpart"]["organization_id"],
        body,
    )


CASES: dict[Case, Step] = {
    lead_accepts: Step.ACCEPT,
    coordinating_accepts: Step.ACCEPT,
    period_report: Step.REPORT,
    near_deadline: Step.REPORT,
    returned: Step.REPORT,
    reopened: Step.REPORT,
    confirmation: Step.CONFIRM,
    completion_by_monitor: Step.COMPLETE,
    completion_by_custodian: Step.COMPLETE,
    handover: Step.CONFIRM_HANDOVER,
    signing: Step.SIGN,
    urging: Step.ANSWER_URGING,
    explanation: Step.ANSWER_EXPLANATION,
    extension: Step.DECIDE_EXTENSION,
    obstacle: Step.RESOLVE_OBSTACLE,
    escalated: Step.RESOLVE_OBSTACLE,
    outcome: Step.ASSIGN_OUTCOME,
    succession: Step.DECIDE_SUCCESSION,
}


def test_every_step_and_every_reason_has_a_case() -> None:
    assert set(CASES.values()) == set(Step)


@pytest.mark.parametrize("case", list(CASES), ids=lambda case: case.__name__)
async def test_the_step_that_an_item_names_can_be_taken_and_ends_it(world: World, plan: Json, case: Case) -> None:
    waits = await case(world, plan)
    item = await waiting(waits.person, waits.subject_id)
    assert (item["kind"], item["reason"]) == (waits.kind, waits.reason)
    assert item["action"]["name"] == waits.action
    counterpart = item["counterpart"]
    assert (counterpart and counterpart["organization_id"]) == waits.counterpart
    assert item["action"]["href"].startswith(item["subject"]["href"])

    subject = await waits.person.read(item["subject"]["href"])
    assert subject["id"] == waits.subject_id
    # What can be done with a part of a record is said where the part is.
    parts = [*subject.get("steps", ()), *subject.get("outcomes", ())]
    allowed = [action for one in (subject, *parts) for action in one["allowed_actions"]]
    assert waits.action in allowed

    await take(waits.person, item, waits.body)
    assert await of(waits.person, waits.subject_id) is None
