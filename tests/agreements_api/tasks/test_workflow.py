"""Which steps there are in which status, and who may take them: everything else is refused and changes nothing."""

from typing import Any

import pytest

from agreements_api.policy import Role
from agreements_api.tasks.models import TaskStatus
from agreements_api.tasks.permissions import STEPS
from tests.agreements_api.agreements.world import REPORT, Json, Person, World, pointers, problem

# Every step, with somebody who may take it and what he sends.
STEP_TAKERS: dict[str, tuple[str, Role, Any]] = {
    "accept": ("ubnd-dongtrieu", Role.SPECIALIST, None),
    "reports": ("ubnd-dongtrieu", Role.SPECIALIST, REPORT),
    "submit": ("ubnd-dongtrieu", Role.SPECIALIST, None),
    "confirm": ("ubnd-kinhmon", Role.LEADER, None),
    "return": ("ubnd-kinhmon", Role.LEADER, {"reason": "Chưa đủ"}),
    "complete": ("ubnd-dongtrieu", Role.LEADER, None),
    "cancel": ("dongtrieu", Role.LEADER, {"reason": "Thôi"}),
    "suspend": ("dongtrieu", Role.LEADER, {"reason": "Chờ vốn"}),
    "resume": ("dongtrieu", Role.LEADER, {"reason": "Đã có vốn"}),
    "reopen": ("dongtrieu", Role.LEADER, {"reason": "Chưa xong"}),
    "reassign": ("dongtrieu", Role.LEADER, {"monitoring": [], "reason": "Đổi đơn vị"}),
}
PLANNING = ["set_milestones", "set_dependencies", "set_recurrence"]
LEADS = ["extend", "set_milestones", "set_dependencies"]
VERBS = {"report": "reports"}
WRONG = [
    (status, verb)
    for status in TaskStatus
    for verb in STEP_TAKERS
    # A completed task was confirmed by this party, which is said in its own words.
    if (verb not in {VERBS.get(step, step) for step in STEPS[status]} and (status, verb) != ("completed", "confirm"))
    # The tasks here have coordinating parties, so that nobody completes them by decision.
    or (status, verb) == ("submitted", "complete")
]
EVERYBODY = [
    *[("ubnd-dongtrieu", role) for role in (Role.VIEWER, Role.SPECIALIST, Role.LEADER, Role.ADMINISTRATOR)],
    *[("ubnd-kinhmon", role) for role in (Role.VIEWER, Role.SPECIALIST, Role.LEADER)],
    *[
        (key, role)
        for key in ("dongtrieu", "chilinh", "haiduong", "quangninh")
        for role in (Role.SPECIALIST, Role.LEADER)
    ],
]


@pytest.mark.parametrize(("status", "verb"), WRONG)
async def test_a_step_that_the_status_does_not_have_is_refused(
    world: World, tasks: dict[str, str], status: str, verb: str
) -> None:
    path = tasks[status]
    key, role, body = STEP_TAKERS[verb]
    person = world.person(key, role)
    before = await person.read(path)
    refused = problem(await person.act(path, verb, body), 409, "invalid_transition")
    assert refused["possible"] == before["allowed_actions"]
    assert await person.read(path) == before


@pytest.mark.parametrize("status", [status for status in TaskStatus if "update" not in STEPS[status]])
async def test_what_was_submitted_or_ended_is_not_changed_any_more(
    world: World, tasks: dict[str, str], status: str
) -> None:
    person = world.person("dongtrieu")
    before = await person.read(tasks[status])
    problem(await person.change(tasks[status], {"title": "Khác"}), 409, "invalid_transition")
    assert await person.read(tasks[status]) == before


@pytest.mark.parametrize("status", list(TaskStatus))
@pytest.mark.parametrize(("key", "role"), EVERYBODY)
async def test_whatever_is_not_among_the_allowed_actions_is_refused(
    world: World, tasks: dict[str, str], key: str, role: Role, status: str
) -> None:
    path, person = tasks[status], world.person(key, role)
    before = await person.read(path)
    allowed = {VERBS.get(action, action) for action in before["allowed_actions"]}
    for verb, (_, _, body) in STEP_TAKERS.items():
        if verb not in allowed:
            refused = await person.post(f"{path}/{verb}", body, **{"If-Match": "*"})
            assert refused.status_code in (403, 409), (verb, refused.text)
    if "update" not in allowed:
        refused = await person.patch(path, {"title": "Khác"}, **{"If-Match": "*"})
        assert refused.status_code in (403, 409)
    assert await person.read(path) == before


@pytest.mark.parametrize(
    ("status", "key", "role", "actions"),
    [
        ("not_started", "ubnd-dongtrieu", Role.SPECIALIST, ["accept", *LEADS]),
        ("not_started", "ubnd-kinhmon", Role.SPECIALIST, ["accept"]),
        ("not_started", "ubnd-dongtrieu", Role.VIEWER, []),
        ("not_started", "dongtrieu", Role.SPECIALIST, ["update", *PLANNING]),
        ("not_started", "dongtrieu", Role.LEADER, ["update", *PLANNING, "reassign", "suspend", "cancel"]),
        ("in_progress", "ubnd-dongtrieu", Role.LEADER, ["report", "submit", *LEADS]),
        ("in_progress", "ubnd-kinhmon", Role.LEADER, ["accept"]),
        ("submitted", "ubnd-kinhmon", Role.LEADER, ["confirm", "return", "refuse"]),
        ("submitted", "ubnd-kinhmon", Role.SPECIALIST, []),
        ("submitted", "ubnd-dongtrieu", Role.LEADER, []),
        ("submitted", "chilinh", Role.LEADER, []),
        ("submitted", "haiduong", Role.LEADER, []),
        ("completed", "dongtrieu", Role.LEADER, ["reopen"]),
        ("completed", "dongtrieu", Role.SPECIALIST, []),
        ("suspended", "dongtrieu", Role.LEADER, ["resume", "reassign", "cancel"]),
        ("suspended", "ubnd-dongtrieu", Role.LEADER, []),
        ("cancelled", "dongtrieu", Role.LEADER, ["reopen"]),
    ],
)
async def test_a_task_lists_what_its_caller_can_do_now(
    world: World, tasks: dict[str, str], status: str, key: str, role: Role, actions: list[str]
) -> None:
    assert (await world.person(key, role).read(tasks[status]))["allowed_actions"] == actions


@pytest.mark.parametrize("verb", list(STEP_TAKERS))
async def test_a_step_without_or_on_a_stale_version_is_refused(world: World, tasks: dict[str, str], verb: str) -> None:
    key, role, body = STEP_TAKERS[verb]
    person, path = world.person(key, role), tasks["submitted"]
    before = await person.read(path)
    problem(await person.post(f"{path}/{verb}", body), 428, "precondition_required")
    problem(await person.post(f"{path}/{verb}", body, **{"If-Match": '"v1"'}), 412, "precondition_failed")
    assert await person.read(path) == before


async def test_tasks_are_assigned_for_an_agreement_in_force_only(world: World) -> None:
    opened = await world.opened()
    leader = world.person("dongtrieu")
    body = {"title": "Việc", "lead_organization_id": world.id("ubnd-dongtrieu")}
    refused = problem(await leader.post(f"/v1/agreements/{opened['id']}/tasks", body), 409, "invalid_transition")
    assert refused["possible"] == ["sign", "decline", "recall"]


async def test_a_party_may_assign_and_who_only_takes_part_may_not(world: World, plan: Json) -> None:
    body = {"title": "Việc", "lead_organization_id": world.id("ubnd-dongtrieu")}
    await world.task(plan)
    path = f"/v1/agreements/{plan['id']}/tasks"
    assert (await world.specialist("lucnam").post(path, body)).status_code == 201
    for person in (
        world.person("lucnam", Role.VIEWER),
        world.person("ubnd-dongtrieu"),
        world.person("quangninh"),
        world.client("dongtrieu", "tasks:write"),
    ):
        problem(await person.post(path, body), 403, "forbidden")


async def test_whoever_is_no_member_gets_404_everywhere(world: World, plan: Json, tasks: dict[str, str]) -> None:
    stranger, path = world.person("elsewhere"), tasks["submitted"]
    for read in (path, f"{path}/reports", f"{path}/confirmations", f"{path}/history"):
        problem(await stranger.get(read), 404, "not_found")
    for verb, (_, _, body) in STEP_TAKERS.items():
        problem(await stranger.post(f"{path}/{verb}", body, **{"If-Match": "*"}), 404, "not_found")
    problem(await stranger.patch(path, {"title": "Khác"}, **{"If-Match": "*"}), 404, "not_found")
    body = {"title": "Việc", "lead_organization_id": stranger.organization}
    problem(await stranger.post(f"/v1/agreements/{plan['id']}/tasks", body), 404, "not_found")
    assert (await stranger.read("/v1/tasks", count="true")) == {"items": [], "next_cursor": None, "total": 0}


async def test_the_operator_belongs_to_no_agreement(world: World, tasks: dict[str, str]) -> None:
    operator = await world.registry.caller(None)
    problem(await operator.get(tasks["submitted"]), 404, "not_found")


async def test_the_body_above_a_party_sees_its_tasks(world: World) -> None:
    task = await world.task(await world.plan(), lead="ubnd-sondong", coordinating=())
    assert (await world.person("bacgiang").read(f"/v1/tasks/{task['id']}"))["id"] == task["id"]


async def test_a_system_does_what_its_scopes_say(world: World, plan: Json) -> None:
    path = f"/v1/tasks/{(await world.task(plan))['id']}"
    reader, writer = world.client("ubnd-dongtrieu", "tasks:read"), world.client("ubnd-dongtrieu", "tasks:write")
    both = world.client("ubnd-dongtrieu", "tasks:read", "tasks:write")
    assert (await reader.read(path))["allowed_actions"] == []
    problem(await reader.post(f"{path}/accept", **{"If-Match": "*"}), 403, "forbidden")
    for read in (path, "/v1/tasks", f"{path}/reports", f"{path}/confirmations", f"{path}/history"):
        problem(await writer.get(read), 403, "forbidden")
    assert (await both.step(path, "accept"))["allowed_actions"] == ["report", "submit", *LEADS]
    await both.step(path, "reports", REPORT)
    await both.step(path, "submit")
    confirming = world.client("ubnd-kinhmon", "tasks:read", "tasks:write")
    problem(await confirming.act(path, "confirm"), 403, "forbidden")


async def test_a_reason_is_needed_to_take_something_back(world: World, tasks: dict[str, str]) -> None:
    takers = {"return": "ubnd-kinhmon"} | dict.fromkeys(("cancel", "suspend", "resume", "reopen"), "dongtrieu")
    for verb, key in takers.items():
        for body in ({}, {"reason": ""}, {"reason": "   "}):
            person: Person = world.person(key)
            refused = problem(await person.act(tasks["submitted"], verb, body), 422, "validation_failed")
            assert pointers(refused) == ["/reason"]
