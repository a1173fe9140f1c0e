"""How PostgreSQL goes through large tables of obstacles, urgings and comments, under row-level security."""

from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from agreements_api.comments import repository as comments
from agreements_api.obstacles import repository as obstacles
from agreements_api.obstacles.past import repository as past
from agreements_api.obstacles.repository import Filter
from agreements_api.urgings import past_repository as past_urgings
from agreements_api.urgings import repository as urgings
from shared import clock
from tests.agreements_api.agreements.world import Json, World, accepted
from tests.agreements_api.obstacles.raising import raised
from tests.agreements_api.tasks.test_list_plans import _COPY, as_member

AGREEMENTS, TASKS_OF_EACH = 100, 50
TABLES = ("obstacle", "task_urging", "task_comment")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def many(world: World, plan: Json) -> Json:
    """One of each for each of five thousand tasks; gives the first obstacle."""
    obstacle, _ = await raised(world, plan)
    task = f"/v1/tasks/{obstacle['task_id']}"
    accepted(await world.person("quangninh").post(f"{task}/urgings", {"message": "Đôn đốc (minh họa)"}), 201)
    accepted(await world.person("quangninh").post(f"{task}/comments", {"text": "Ý kiến (minh họa)"}), 201)
    await world.rows(
        _COPY.format(columns=await world.columns("task")),
        UUID(plan["id"]),
        UUID(obstacle["task_id"]),
        AGREEMENTS,
        [world.organizations[key].id for key in ("quangninh", "bacgiang")],
        world.organizations["ubnd-sondong"].id,
        TASKS_OF_EACH,
    )
    for table in TABLES:
        columns = await world.columns(table)
        shown = ", ".join(f"x.{name}" for name in columns.split(", "))
        await world.rows(
            f"insert into {table} ({columns}) select {shown} from {table} r cross join task t,"
            f" lateral jsonb_populate_record(r, jsonb_build_object('id', gen_random_uuid(),"
            f" 'agreement_id', t.agreement_id, 'task_id', t.id)) x"
        )
    await world.rows(
        "insert into obstacle_measure (id, obstacle_id, agreement_id, text, organization_id, organization_name, due_on,"
        " created_at) select gen_random_uuid(), id, agreement_id, 'Đo lại', raised_by_organization_id, 'UBND',"
        " '2027-01-01', now() from obstacle"
    )
    await world.rows(
        "insert into obstacle_log (id, obstacle_id, agreement_id, version, action, actor_id, actor_kind, actor_name,"
        " changes, occurred_at, state) select gen_random_uuid(), o.id, o.agreement_id, v, 'update', gen_random_uuid(),"
        " 'user', 'x', '[]', now(), l.state from obstacle o, generate_series(2, 4) v, obstacle_log l"
    )
    for table in (
        *TABLES,
        "obstacle_log",
        "obstacle_measure",
        "agreement",
        "agreement_access",
        "agreement_member",
        "task",
    ):
        await world.rows(f"analyze {table}")
    return obstacle


def read(plan: str, table: str) -> float:
    """The rows of every scan of the table, those that a filter dropped included."""
    total, scanning = 0.0, False
    for line in plan.splitlines():
        if "->" in line or "Scan" in line:
            scanning = f" on {table} " in line
        if scanning and "(actual rows=" in line:
            found, loops = line.split("(actual rows=")[1].rstrip(")").split(" loops=")
            total += float(found) * float(loops)
        if scanning and "Rows Removed by Filter:" in line:
            total += float(line.split(":")[1])
    return total


@pytest.mark.parametrize("before", [None, UUID(int=2**127)])
@pytest.mark.parametrize("table", ["obstacle", "task_urging"])
async def test_the_list_of_all_walks_along_its_key(world: World, many: Json, table: str, before: UUID | None) -> None:
    statement, *values = of_all(world, table, before)
    plan = await as_member(world, "quangninh", statement, values)
    assert f"{table}_pkey" in plan
    assert f"Seq Scan on {table} " not in plan
    assert "Seq Scan on obstacle_measure" not in plan
    assert read(plan, table) < 1000


def of_all(world: World, table: str, before: UUID | None) -> Any:
    organization, today = world.organizations["quangninh"].id, clock.today()
    if table == "obstacle":
        return obstacles.list_statement(organization, Filter(), today=today, before=before, limit=51)
    return urgings.list_statement(organization, urgings.Filter(), today=today, before=before, limit=51)


async def test_the_obstacles_of_one_agreement_or_task_are_found_by_it(world: World, many: Json) -> None:
    organization, today = world.organizations["quangninh"].id, clock.today()
    for narrowed, index in (
        (Filter(agreement_id=UUID(many["agreement_id"])), "obstacle_of"),
        (Filter(task_id=UUID(many["task_id"])), "obstacle_of_task"),
    ):
        statement, *values = obstacles.list_statement(organization, narrowed, today=today, before=None, limit=51)
        plan = await as_member(world, "quangninh", statement, values)
        assert f"{index} " in plan
        assert read(plan, "obstacle") < 200


async def test_obstacles_of_the_past_are_found_by_their_agreement_or_task(world: World, many: Json) -> None:
    organization, now = world.organizations["quangninh"].id, clock.now()
    for narrowed, index in (
        (Filter(agreement_id=UUID(many["agreement_id"])), "obstacle_of"),
        (Filter(task_id=UUID(many["task_id"])), "obstacle_of_task"),
    ):
        statement, *values = past.list_statement(
            organization, narrowed, as_of=now, day=clock.today(), before=None, limit=51
        )
        plan = await as_member(world, "quangninh", statement, values)
        assert f"{index} " in plan
        assert "obstacle_log_obstacle_id_version_key" in plan
        assert read(plan, "obstacle") < 200
        assert "Seq Scan on history" not in plan


async def test_the_urgings_of_one_task_are_found_by_it(world: World, many: Json) -> None:
    statement, *values = urgings.list_statement(
        world.organizations["quangninh"].id,
        urgings.Filter(task_id=UUID(many["task_id"]), kinds=["urging"]),
        today=clock.today(),
        before=None,
        limit=51,
    )
    plan = await as_member(world, "quangninh", statement, values)
    assert "task_urging_of" in plan
    assert read(plan, "task_urging") < 200


async def test_the_comments_of_one_task_are_found_by_it(world: World, many: Json) -> None:
    values = (world.organizations["quangninh"].id, UUID(int=0), UUID(many["task_id"]), None, 51)
    plan = await as_member(world, "quangninh", comments.LIST, values)
    assert "task_comment_of" in plan
    assert read(plan, "task_comment") < 200


async def test_what_was_said_and_asked_of_a_task_in_the_past_is_found_by_it(world: World, many: Json) -> None:
    organization, task, now = world.organizations["quangninh"].id, UUID(many["task_id"]), clock.now()
    values: Any = (organization, UUID(int=0), task, None, now, 51)
    plan = await as_member(world, "quangninh", comments.PAST_LIST, values)
    assert "task_comment_of" in plan
    assert "task_comment_version_pkey" in plan
    assert read(plan, "task_comment") < 200
    for narrowed, index in (
        (urgings.Filter(task_id=task, kinds=["urging"]), "task_urging_of "),
        (urgings.Filter(agreement_id=UUID(many["agreement_id"])), "task_urging_of_agreement "),
    ):
        statement, *values = past_urgings.list_statement(
            organization, narrowed, as_of=now, day=clock.today(), before=None, limit=51
        )
        plan = await as_member(world, "quangninh", statement, values)
        assert index in plan
        assert "Seq Scan on history" not in plan
        assert read(plan, "task_urging") < 200


async def test_an_obstacle_whose_clock_ran_out_is_found_by_its_index(world: World, many: Json) -> None:
    rows = await world.rows(
        "explain (costs off) select id from obstacle where status = 'open' and level = 'locality' and due_on < $1"
        " order by due_on, id limit 1",
        clock.today(),
    )
    assert "obstacle_clock" in "\n".join(row[0] for row in rows)
