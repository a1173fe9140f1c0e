"""What comes due, as an organisation sees it."""

from datetime import date
from typing import Any
from uuid import uuid4

from notifier.deadlines import repository
from notifier.deadlines.schemas import DeadlinePublic
from shared.auth import SYSTEM, Actor
from tests.notifier.conftest import TUESDAY, Door, World, problem
from tests.notifier.factories import agreement_event, party, signing, staffed, task_event


async def test_an_organisation_sees_its_open_deadlines_the_earliest_first(world: World, door: Door) -> None:
    body, other = staffed(), staffed()
    mine = [
        task_event(body, due_on=date(2026, 10, 26), moment=TUESDAY),
        task_event(other, due_on=date(2026, 10, 1), moment=TUESDAY, coordinating=[party(body)]),
    ]
    others = [
        task_event(other, due_on=date(2026, 10, 26), moment=TUESDAY),
        task_event(body, due_on=date(2026, 10, 26), moment=TUESDAY, status="completed"),
        task_event(body, due_on=None, moment=TUESDAY),
        task_event(body, due_on=date(2027, 6, 1), moment=TUESDAY),
    ]
    await world.meet(body, other)
    await world.learn(*mine, *others)
    page = (await door.caller(body).get("/v1/deadlines", within=14, count=True)).json()
    found = [DeadlinePublic.model_validate(item) for item in page["items"]]
    assert page["total"] == 2
    assert [(one.task_id, one.role, one.working_days_left) for one in found] == [
        (mine[1].task.id, "coordinating", -13),
        (mine[0].task.id, "lead", 4),
    ]


async def test_the_alerts_that_will_fire_are_told(world: World, door: Door) -> None:
    body = staffed()
    await world.learn(task_event(body, due_on=date(2026, 10, 26), moment=TUESDAY))
    (deadline,) = (await door.caller(body).get("/v1/deadlines")).json()["items"]
    assert [step["step"] for step in deadline["steps"]] == [
        "before_3",
        "before_1",
        "due",
        "overdue_1",
        "overdue_2",
        "overdue_3",
        "escalation_5",
        "overdue_8",
        "escalation_10",
        "overdue_13",
    ]
    assert deadline["steps"][0]["fire_at"] == "2026-10-21T08:00:00+07:00"


async def test_within_counts_working_days(world: World, door: Door) -> None:
    body = staffed()
    # Four working days after the Tuesday lies the Monday.
    await world.learn(task_event(body, due_on=date(2026, 10, 26), moment=TUESDAY))
    caller = door.caller(body)
    assert (await caller.get("/v1/deadlines", within=3)).json()["items"] == []
    assert len((await caller.get("/v1/deadlines", within=4)).json()["items"]) == 1


async def test_pages_of_deadlines_follow_each_other(world: World, door: Door) -> None:
    body = staffed()
    await world.learn(*(task_event(body, due_on=date(2026, 10, 26), moment=TUESDAY) for _ in range(5)))
    caller = door.caller(body)
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = (await caller.get("/v1/deadlines", limit=2, **cursor)).json()
        seen += [item["task_id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len(seen) == len(set(seen)) == 5


async def test_a_role_narrows_the_list(world: World, door: Door) -> None:
    body, other = staffed(), staffed()
    await world.learn(
        task_event(body, due_on=date(2026, 10, 26), moment=TUESDAY),
        task_event(other, due_on=date(2026, 10, 26), moment=TUESDAY, coordinating=[party(body)]),
    )
    items = (await door.caller(body).get("/v1/deadlines", role="lead")).json()["items"]
    assert [item["role"] for item in items] == ["lead"]
    problem(await door.caller(body).get("/v1/deadlines", role="poet"), 422)


async def test_a_client_needs_the_scope(door: Door) -> None:
    def client(*scopes: str) -> Actor:
        return Actor(id=uuid4(), kind="client", name="C", organization_id=uuid4(), scopes=frozenset(scopes))

    problem(await door.let_in(client()).get("/v1/deadlines"), 403)
    assert (await door.let_in(client("tasks:read")).get("/v1/deadlines")).status_code == 200


async def test_a_signature_that_comes_due_is_told_among_the_tasks(world: World, door: Door) -> None:
    body, custodian = staffed(), staffed("Thị ủy Chí Linh")
    # Until a Sunday: the Monday after it is worked, and is the last day.
    signed = agreement_event(signing(custodian), signing(body), sign_by=date(2026, 10, 25), moment=TUESDAY)
    task = task_event(body, due_on=date(2026, 10, 30), moment=TUESDAY)
    await world.learn(signed, task)
    items = (await door.caller(body).get("/v1/deadlines", count=True)).json()["items"]
    first, second = [DeadlinePublic.model_validate(item) for item in items]
    agreement_id = signed.agreement.id
    assert (first.subject_kind, first.subject_url) == ("agreement", f"/v1/agreements/{agreement_id}")
    assert (first.task_id, first.task_title, first.task_status) == (None, None, None)
    assert (first.agreement_id, first.agreement_title) == (agreement_id, "Kế hoạch phối hợp vùng giáp ranh")
    assert (first.role, first.lead_name, first.due_on) == ("signatory", "Thị ủy Chí Linh", date(2026, 10, 26))
    assert [(step.step, step.audience) for step in first.steps] == [
        ("before_3", "signers"),
        ("before_1", "signers"),
        ("due", "signers"),
    ]
    assert (second.subject_kind, second.subject_url) == ("task", f"/v1/tasks/{task.task.id}")
    assert second.task_id == task.task.id


async def test_the_kind_narrows_the_list_and_its_count(world: World, door: Door) -> None:
    body = staffed()
    await world.learn(
        agreement_event(signing(body), sign_by=date(2026, 10, 26), moment=TUESDAY),
        task_event(body, due_on=date(2026, 10, 26), moment=TUESDAY),
    )
    for kind in ("task", "agreement"):
        page = (await door.caller(body).get("/v1/deadlines", subject_kind=kind, count=True)).json()
        assert ([item["subject_kind"] for item in page["items"]], page["total"]) == ([kind], 1)
    items = (await door.caller(body).get("/v1/deadlines", role="signatory")).json()["items"]
    assert [item["subject_kind"] for item in items] == ["agreement"]
    problem(await door.caller(body).get("/v1/deadlines", subject_kind="poem"), 422)


async def test_a_client_sees_signatures_only_where_it_may_read_agreements(world: World, door: Door) -> None:
    body = staffed()
    await world.learn(
        agreement_event(signing(body), sign_by=date(2026, 10, 26), moment=TUESDAY),
        task_event(body, due_on=date(2026, 10, 26), moment=TUESDAY),
    )

    async def seen(*scopes: str, **query: Any) -> tuple[set[str], int]:
        client = Actor(id=uuid4(), kind="client", name="C", organization_id=body.id, scopes=frozenset(scopes))
        page = (await door.let_in(client).get("/v1/deadlines", count=True, **query)).json()
        return {item["subject_kind"] for item in page["items"]}, page["total"]

    assert await seen("tasks:read") == ({"task"}, 1)
    assert await seen("tasks:read", subject_kind="agreement") == (set(), 0)
    assert await seen("tasks:read", "agreements:read") == ({"task", "agreement"}, 2)


async def test_the_list_is_read_in_the_order_of_its_index(world: World) -> None:
    body, other = staffed(), staffed()
    await world.learn(*(task_event(other, due_on=date(2026, 10, 26), moment=TUESDAY) for _ in range(300)))
    await world.learn(task_event(body, due_on=date(2026, 10, 26), moment=TUESDAY))
    await world.owner.execute("analyze deadline, task")
    async with world.database.read(SYSTEM) as connection:
        plan = await connection.fetch(
            f"explain {repository._LIST}", body.id, date(2026, 12, 31), None, None, [], ["task", "agreement"], 50
        )
    lines = [row[0] for row in plan]
    assert any("deadline_list" in line for line in lines), lines
    assert not any("Sort" in line for line in lines), lines
