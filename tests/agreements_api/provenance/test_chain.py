"""One read from the conclusion to the result, and its gaps."""

from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest_asyncio

from agreements_api.provenance import repository
from agreements_api.provenance.schemas import Provenance
from shared import clock
from tests.agreements_api.agreements.world import PARTIES, REPORT, Json, World, accepted, problem, signature
from tests.agreements_api.history.looking import now
from tests.agreements_api.provenance.test_open_points import raised


async def chain(world: World, plan: Json, key: str = "dongtrieu") -> Json:
    body = await world.person(key).read(f"/v1/agreements/{plan['id']}/provenance")
    # The statement builds what the schema says, and nothing else.
    Provenance.model_validate(body, strict=False)
    return body


def ids(items: list[Json]) -> list[str]:
    return [item["id"] for item in items]


async def test_the_chain_reaches_from_the_conclusion_to_the_confirmed_result(world: World) -> None:
    conclusion = await world.plan(instrument="conclusion", title="Kết luận (minh họa)", parent=None)
    plan = await world.plan(parent=None, parent_agreement_id=conclusion["id"])
    path = await world.submitted(plan)
    await world.person("ubnd-kinhmon").step(path, "confirm")
    whole = await chain(world, plan)
    assert whole["agreement"]["id"] == plan["id"]
    [parent] = whole["parents"]
    assert (parent["id"], parent["depth"], parent["relation"]) == (conclusion["id"], 1, "carries_out")
    assert (parent["recorded"], parent["visible"], parent["title"]) == (True, True, "Kết luận (minh họa)")
    task = whole["clauses"][1]["tasks"][0]
    assert f"/v1/tasks/{task['id']}" == path
    assert (task["status"], task["percent"], task["lead"]) == ("submitted", 100, "UBND thị xã Đông Triều")
    assert task["last_report"]["narrative"] == REPORT["narrative"]
    assert [(one["name"], one["confirmed_at"] is not None) for one in task["confirmations"]] == [
        ("UBND thị xã Kinh Môn", True),
        ("UBND thành phố Chí Linh", False),
    ]
    [child] = (await chain(world, conclusion))["children"]
    assert (child["id"], child["parent_id"], child["relation"]) == (plan["id"], conclusion["id"], "carries_out")


async def test_the_chain_goes_up_and_down_through_every_level(world: World) -> None:
    generations = [await world.plan(parent=None)]
    for _ in range(3):
        generations.append(await world.plan(parent=None, parent_agreement_id=generations[-1]["id"]))
    sibling = await world.plan(parent=None, parent_agreement_id=generations[1]["id"])
    middle = await chain(world, generations[1])
    assert ids(middle["parents"]) == [generations[0]["id"]]
    assert ids(middle["children"])[:2] == sorted([generations[2]["id"], sibling["id"]])
    assert [child["depth"] for child in middle["children"]] == [1, 1, 2]
    lowest = await chain(world, generations[3])
    assert ids(lowest["parents"]) == [generations[2]["id"], generations[1]["id"], generations[0]["id"]]
    assert lowest["gaps"]["parent_not_recorded"] is False


async def test_amendments_and_renewals_stand_below_what_they_change(world: World) -> None:
    plan = await world.plan(term_from="2026-01-01", term_to="2027-12-31")
    leader, path = world.person("dongtrieu"), f"/v1/agreements/{plan['id']}"
    change = {"operation": "replace", "target_clause_id": plan["clauses"][0]["id"], "text": "Điều mới"}
    amendment = await leader.step(path, "amend", {"clauses": [change]})
    assert [(one["id"], one["relation"]) for one in (await chain(world, plan))["children"]] == [
        (amendment["id"], "amends")
    ]
    below = await chain(world, amendment)
    assert (below["parents"][0]["id"], below["parents"][0]["relation"]) == (plan["id"], "amends")
    # What it says becomes a clause of the plan: there it is fulfilled, or not.
    assert below["gaps"]["clauses_without_tasks"] == []
    await leader.step(f"/v1/agreements/{amendment['id']}", "open")
    for key in PARTIES:
        await world.person(key).step(f"/v1/agreements/{amendment['id']}", "sign", signature(key))
    whole = await chain(world, plan)
    [ended] = [clause for clause in whole["clauses"] if clause["ended_on"]]
    assert ended["id"] == plan["clauses"][0]["id"]
    assert ended["id"] not in whole["gaps"]["clauses_without_tasks"]
    assert len(whole["gaps"]["clauses_without_tasks"]) == 2


async def test_a_document_that_is_only_named_ends_the_chain_and_is_a_gap(world: World) -> None:
    plan = await world.plan()
    [named] = (whole := await chain(world, plan))["parents"]
    assert (named["id"], named["recorded"], named["number"]) == (None, False, "352-KL/TUQN-TUBG-TUHD")
    assert whole["gaps"]["parent_not_recorded"] is True
    below = await chain(world, await world.plan(parent=None, parent_agreement_id=plan["id"]))
    assert [(one["depth"], one["id"]) for one in below["parents"]] == [(1, plan["id"]), (2, None)]
    assert below["gaps"]["parent_not_recorded"] is False


async def test_what_the_caller_does_not_see_is_named_by_its_id_alone(world: World) -> None:
    """Lục Nam is a party to the plan only; what stands above it and beside it is not its business."""
    parties = [{"organization_id": world.id(key)} for key in ("dongtrieu", "chilinh")]
    above = await world.draft(parties=parties, parent=None, title="Chỉ hai bên")
    hidden = await world.draft(parties=parties, parent=None, title="Cũng chỉ hai bên", parent_agreement_id=above["id"])
    plan = await world.plan(parent=None, parent_agreement_id=above["id"])
    [parent] = (await chain(world, plan, "lucnam"))["parents"]
    assert (parent["id"], parent["recorded"], parent["visible"]) == (above["id"], True, False)
    assert {parent[name] for name in ("title", "number", "instrument", "status", "issued_by")} == {None}
    assert ids((await chain(world, above))["children"]) == sorted([hidden["id"], plan["id"]])
    problem(await world.person("lucnam").get(f"/v1/agreements/{above['id']}/provenance"), 404)


async def test_the_gaps_are_named(world: World) -> None:
    plan = await world.plan()
    reported = await world.submitted(plan, title="Đã báo cáo")
    silent = await world.under_way(plan, title="Đang làm, chưa báo cáo", due_on="2030-01-01")
    late = await world.task(plan, title="Đến hạn, chưa nhận", due_on="2026-01-01")
    waiting = await world.task(plan, title="Chưa đến hạn", due_on="2030-01-01")
    loose = await world.task(plan, title="Không điều khoản", clause_id=None, due_on=None)
    dropped = await world.task(plan, title="Đã hủy", clause_id=plan["clauses"][0]["id"], due_on="2026-01-01")
    await world.person("dongtrieu").step(f"/v1/tasks/{dropped['id']}", "cancel", {"reason": "Trùng"})
    open_point, carried = await raised(world, plan), await raised(world, plan)
    await world.person("dongtrieu").step(f"/v1/open-points/{carried['id']}", "carry", {"task_id": waiting["id"]})
    whole = await chain(world, plan)
    gaps = whole["gaps"]
    # A task that was cancelled fulfils nothing.
    assert gaps["clauses_without_tasks"] == [plan["clauses"][0]["id"]]
    assert gaps["tasks_without_clause"] == [loose["id"]] == ids(whole["tasks_without_clause"])
    assert gaps["tasks_without_reports"] == [late["id"], silent.split("/")[-1]]
    assert gaps["open_points_not_carried"] == [open_point["id"]]
    tasks = {task["id"]: task for clause in whole["clauses"] for task in clause["tasks"]}
    assert tasks[waiting["id"]]["open_points"] == [carried["id"]]
    assert tasks[dropped["id"]]["status"] == "cancelled"
    assert reported.split("/")[-1] in tasks


async def test_a_task_that_is_cancelled_takes_no_point_up_any_more(world: World) -> None:
    plan, following = await world.plan(), await world.plan()
    point, leader = await raised(world, plan), world.person("dongtrieu")
    task = await world.task(following)
    await leader.step(f"/v1/open-points/{point['id']}", "carry", {"task_id": task["id"]})
    while_it_lasts = now()
    await leader.step(f"/v1/tasks/{task['id']}", "cancel", {"reason": "Trùng"})
    path = f"/v1/agreements/{following['id']}/provenance"
    assert (await chain(world, following))["gaps"]["open_points_not_carried"] == [point["id"]]
    assert (await leader.read(path, as_of=while_it_lasts))["gaps"]["open_points_not_carried"] == []
    assert (await leader.read(path, as_of=now()))["gaps"]["open_points_not_carried"] == [point["id"]]
    await leader.step(f"/v1/open-points/{point['id']}", "resolve", {"remark": "Không còn vướng"})
    assert (await chain(world, following))["gaps"]["open_points_not_carried"] == []


async def test_a_point_is_seen_from_both_ends(world: World) -> None:
    plan, following = await world.plan(), await world.plan()
    point = await raised(world, plan)
    clause = following["clauses"][0]["id"]
    await world.person("dongtrieu").step(f"/v1/open-points/{point['id']}", "carry", {"clause_id": clause})
    from_there = await chain(world, following)
    assert ids(from_there["open_points"]) == [point["id"]]
    assert from_there["clauses"][0]["open_points"] == [point["id"]]
    assert from_there["gaps"]["open_points_not_carried"] == []
    from_here = await chain(world, plan)
    assert (ids(from_here["open_points"]), from_here["open_points"][0]["state"]) == ([point["id"]], "carried")


async def test_the_chain_of_an_instant_is_what_it_was_then(world: World) -> None:
    """Through assigning, reporting, confirming, amending and evaluating: what was shown once is shown for ever."""
    conclusion = await world.plan(instrument="conclusion", title="Kết luận (minh họa)", parent=None)
    seen: list[tuple[str, list[Json]]] = []
    following: list[Json] = [conclusion]
    before = clock.now().isoformat()

    async def look() -> None:
        seen.append((clock.now().isoformat(), [await chain(world, one) for one in following]))

    await look()
    plan = await world.plan(parent=None, parent_agreement_id=conclusion["id"])
    following.append(plan)
    await look()
    await world.task(plan)
    await look()
    path = await world.submitted(plan)
    await look()
    await world.person("ubnd-kinhmon").step(path, "confirm")
    await look()
    point = await raised(world, plan)
    settled = await raised(world, plan)
    await look()
    await world.person("dongtrieu").step(
        f"/v1/open-points/{point['id']}", "carry", {"clause_id": conclusion["clauses"][0]["id"]}
    )
    await look()
    await world.person("dongtrieu").step(f"/v1/open-points/{settled['id']}", "resolve", {"remark": "Đã xong"})
    await world.person("dongtrieu").step(f"/v1/open-points/{point['id']}", "resolve", {"remark": "Đã xong"})
    await look()
    reader = world.person("chilinh")
    for instant, shown in seen:
        for one, was in zip(following, shown, strict=False):
            assert await reader.read(f"/v1/agreements/{one['id']}/provenance", as_of=instant) == was, instant
    assert seen[0][1] != seen[1][1][:1]
    problem(await reader.get(f"/v1/agreements/{plan['id']}/provenance", as_of=before), 404)
    problem(await world.person("elsewhere").get(f"/v1/agreements/{plan['id']}/provenance", as_of=before), 404)


async def test_it_is_read_again_only_when_something_of_it_changed(world: World) -> None:
    plan = await world.plan()
    task = await world.task(plan)
    path, person = f"/v1/agreements/{plan['id']}/provenance", world.person("chilinh")
    tag = (await person.get(path)).headers["etag"]
    assert (await person.get(path, headers={"If-None-Match": tag})).status_code == 304
    await world.specialist("ubnd-dongtrieu").step(f"/v1/tasks/{task['id']}", "accept")
    assert (await person.get(path, headers={"If-None-Match": tag})).status_code == 200


async def test_a_stranger_and_a_narrow_client_get_nothing(world: World) -> None:
    plan = await world.plan()
    path = f"/v1/agreements/{plan['id']}/provenance"
    problem(await world.person("elsewhere").get(path), 404)
    problem(await world.client("chilinh", "tasks:read").get(path), 403)
    problem(await world.person("chilinh").get(f"/v1/agreements/{uuid4()}/provenance"), 404)
    accepted(await world.client("chilinh", "agreements:read").get(path), 200)


AGREEMENTS, TASKS_OF_EACH = 150, 100
_COPY = """
with copied as (
    insert into agreement
    select (jsonb_populate_record(a, jsonb_build_object('id', gen_random_uuid(), 'parent_agreement_id', a.id))).*
    from agreement a, generate_series(1, $3) where a.id = $1 returning id
), member as (
    insert into agreement_member select c.id, $4, c.id, 'superior' from copied c
), points as (
    insert into open_point (id, agreement_id, kind, text, raised_by, raised_on, created_at, updated_at)
    select gen_random_uuid(), c.id, 'shortcoming', 'minh họa', 'minh họa', current_date, now(), now()
    from copied c, generate_series(1, 20)
), published as (
    insert into publication (agreement_id, version, published_at, modified_at)
    select c.id, 1, now(), now() from copied c
)
insert into task ({columns})
select {columns}
from (select c.id as agreement, i, t from task t, copied c, generate_series(1, $5) i where t.id = $2) s,
    lateral jsonb_populate_record(s.t, jsonb_build_object(
        'id', gen_random_uuid(), 'agreement_id', s.agreement, 'percent', s.i % 100))
"""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def many(world: World) -> Json:
    """A plan of 500 tasks in a table of many."""
    plan = await world.plan()
    task = await world.task(plan)
    province = world.organizations["quangninh"].id
    values = (UUID(plan["id"]), UUID(task["id"]), AGREEMENTS, province, TASKS_OF_EACH)
    columns = await world.columns("task")
    await world.rows(_COPY.format(columns=columns), *values)
    await world.rows(
        f"insert into task ({columns}) select {columns} from (select t, i from task t, generate_series(1, 499) i"
        " where t.id = $1) s,"
        " lateral jsonb_populate_record(s.t, jsonb_build_object('id', gen_random_uuid(), 'percent', s.i % 100))",
        UUID(task["id"]),
    )
    for table in ("agreement", "agreement_access", "agreement_member", "task", "open_point", "publication"):
        await world.rows(f"analyze {table}")
    return plan


async def explain(world: World, key: str | None, statement: str, *values: Any) -> str:
    """How the application's role goes about it."""
    connection = await asyncpg.connect(world.address.url)
    try:
        if key is not None:
            await connection.execute("select set_config('lienvung.organization_id', $1, false)", world.id(key))
        rows = await connection.fetch(f"explain (analyze, timing off, costs off) {statement}", *values)
    finally:
        await connection.close()
    return "\n".join(row[0] for row in rows)


async def test_the_whole_chain_of_500_tasks_is_read_by_indexes(world: World, many: Json) -> None:
    organization = world.organizations["quangninh"].id
    plan = await explain(world, "quangninh", repository.CHAIN, organization, UUID(many["id"]), clock.today())
    for table in ("task", "agreement_clause", "open_point"):
        assert f"Seq Scan on {table} " not in plan
    assert "task_agreement" in plan
    assert "agreement_parent" in plan
    assert "open_point_carried_to" in plan
    values = (organization, UUID(many["id"]), clock.today(), clock.now())
    past = await explain(world, "quangninh", repository.CHAIN_AS_OF, *values)
    for table in ("task", "history", "agreement", "open_point"):
        assert f"Seq Scan on {table} " not in past
    whole = await chain(world, many, "quangninh")
    assert sum(len(clause["tasks"]) for clause in whole["clauses"]) == 500
    assert len(whole["children"]) == AGREEMENTS


async def test_open_points_are_listed_along_their_index(world: World, many: Json) -> None:
    agreement = UUID(many["id"])
    await world.rows(
        "insert into open_point (id, agreement_id, kind, text, raised_by, raised_on, created_at, updated_at)"
        " select gen_random_uuid(), $1, 'shortcoming', 'minh họa', 'minh họa', current_date, now(), now()"
        " from generate_series(1, 3000)",
        agreement,
    )
    await world.rows("analyze open_point")
    values = (world.organizations["quangninh"].id, agreement, None, None, None, 51)
    plan = await explain(world, "quangninh", repository.POINTS, *values)
    assert "open_point_of" in plan
    assert "Sort" not in plan
