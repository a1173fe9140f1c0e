"""What is imported is what would have been assigned one by one, and nobody may more by a file than by himself."""

import json
import re
from typing import Any
from uuid import UUID

import pytest

from agreements_api.accounts.models import Account
from agreements_api.policy import Role
from shared.text import fold
from tests.agreements_api.agreements.world import Json, Person, World, accepted, pointers, problem
from tests.agreements_api.imports.office import Office
from tests.agreements_api.imports.tables import HEADERS, TASK, tasks, workbook

# What differs between two tasks that are otherwise the same.
_OWN = {"id", "created_at", "updated_at"}


async def shown(world: World, person: Person, title: str) -> dict[str, Any]:
    [task] = (await person.read("/v1/tasks", q=title))["items"]
    return {name: value for name, value in task.items() if name not in _OWN}


async def kept(world: World, title: str) -> tuple[Any, ...]:
    """History, event and members of a task, without what is its own."""
    [task] = await world.rows("select id, version, submission, folded, note from task where title = $1", title)
    [entry] = await world.rows(
        "select version, action, actor_name, changes::text, state::text, remark from history where subject_id = $1",
        task["id"],
    )
    [event] = await world.rows(
        "select type, key, topic, version, payload::text from outbox where aggregate_id = $1", task["id"]
    )
    members = await world.rows(
        "select organization_id, relation from agreement_member where source_id = $1 order by 1, 2", task["id"]
    )
    state = {name: value for name, value in json.loads(entry["state"]).items() if name not in _OWN}
    data = json.loads(event["payload"])["data"]
    data["task"] = {name: value for name, value in data["task"].items() if name not in _OWN}
    same = (
        task["version"],
        task["submission"],
        task["folded"],
        task["note"],
        event["type"],
        event["key"],
        event["topic"],
    )
    return (
        *same,
        entry["action"],
        entry["actor_name"],
        entry["remark"],
        json.loads(entry["changes"]),
        state,
        data,
        [tuple(member) for member in members],
    )


def alike(value: Any, word: str) -> Any:
    """What is left once the word of a title and every moment are left out."""
    text = json.dumps(value, default=str, ensure_ascii=False)
    return json.loads(
        re.sub(r"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|\+00:00)", "·", text.replace(word, "·").replace(fold(word), "·"))
    )


async def test_a_task_from_a_file_is_the_same_as_one_that_was_assigned(world: World, office: Office) -> None:
    plan = await world.plan()
    person = world.specialist("dongtrieu")
    body = {
        "title": "Việc gọi",
        "clause_id": plan["clauses"][1]["id"],
        "description": "Mô tả",
        "deliverable": "Biên bản",
        "due_on": "2026-12-31",
        "lead_organization_id": world.id("ubnd-dongtrieu"),
        "coordinating": [
            {"organization_id": world.id("ubnd-kinhmon"), "due_on": "2026-12-15"},
            {"organization_id": world.id("ubnd-chilinh")},
        ],
        "monitoring": [{"organization_id": world.id("ubnd-sondong")}],
        "note": "Ghi chú",
        "demonstration": True,
    }
    content = workbook(
        ("Nội dung", "Mô tả", "Chủ trì", "Phối hợp", "Theo dõi", "Thời hạn", "Sản phẩm", "Điều khoản", "Ghi chú"),
        (
            "Việc tệp",
            "Mô tả",
            "UBND thị xã Đông Triều",
            "UBND thị xã Kinh Môn (15/12/2026); UBND TP Chí Linh",
            "UBND huyện Sơn Động",
            "31/12/2026",
            "Biên bản",
            "Điều 2",
            "Ghi chú",
        ),
    )
    job = await office.imported(
        content, person=person, kind="tasks", agreement_id=plan["id"], dry_run=False, demonstration=True
    )
    assert job["status"] == "completed"
    # Afterwards, so that both see the same members of the agreement.
    accepted(await person.post(f"/v1/agreements/{plan['id']}/tasks", body), 201)
    called, filed = "Việc gọi", "Việc tệp"
    assert alike(await shown(world, person, called), "gọi") == alike(await shown(world, person, filed), "tệp")
    assert alike(await kept(world, called), "gọi") == alike(await kept(world, filed), "tệp")


async def test_everybody_who_takes_part_sees_what_was_imported(world: World, office: Office) -> None:
    plan = await world.plan()
    await office.imported(tasks(2, title="Ai cũng thấy"), kind="tasks", agreement_id=plan["id"], dry_run=False)
    for key in ("ubnd-dongtrieu", "ubnd-kinhmon", "haiduong"):
        assert len((await world.person(key).read("/v1/tasks", q="Ai cũng thấy"))["items"]) == 2
    assert (await world.person("elsewhere").read("/v1/tasks", q="Ai cũng thấy"))["items"] == []
    [broken] = await world.rows("select count(*) from history h where h.subject_kind = 'task' and h.digest is null")
    assert broken["count"] == 0


@pytest.mark.parametrize("role", [Role.VIEWER, Role.ADMINISTRATOR])
async def test_who_may_not_assign_may_not_import(world: World, office: Office, role: Role) -> None:
    plan = await world.plan()
    answer = await office.send(world.person("dongtrieu", role), tasks(1), kind="tasks", agreement_id=plan["id"])
    problem(answer, 403)


async def test_a_file_is_for_an_agreement_that_its_sender_may_assign_tasks_of(world: World, office: Office) -> None:
    plan, draft = await world.plan(), await world.draft()
    stranger, superior = world.specialist("elsewhere"), world.specialist("haiduong")
    problem(await office.send(stranger, tasks(1), kind="tasks", agreement_id=plan["id"]), 404)
    problem(await office.send(superior, tasks(1), kind="tasks", agreement_id=plan["id"]), 403)
    specialist = world.specialist("dongtrieu")
    body = problem(await office.send(specialist, tasks(1), kind="tasks", agreement_id=draft["id"]), 409)
    assert body["possible"] == ["update"]


async def test_an_import_is_its_organisations_own(world: World, office: Office) -> None:
    plan = await world.plan()
    job = await office.imported(tasks(1), kind="tasks", agreement_id=plan["id"])
    path = f"/v1/imports/{job['id']}"
    for key in ("chilinh", "elsewhere"):
        stranger = world.person(key)
        for tail in ("", "/errors", "/errors.csv"):
            problem(await stranger.get(path + tail), 404)
        for verb in ("commit", "cancel"):
            problem(await stranger.act_blindly(path, verb), 404)
        assert job["id"] not in [item["id"] for item in (await stranger.read("/v1/imports"))["items"]]
    viewer = world.person("dongtrieu", Role.VIEWER)
    assert (await viewer.read(path))["allowed_actions"] == []
    problem(await viewer.act_blindly(path, "commit"), 403)


async def test_roles_count_as_they_are_when_it_is_written(world: World, office: Office) -> None:
    """Between the request and the write somebody lost the role, or left."""
    for column, value in (("roles", "{viewer}"), ("active", "false")):
        plan = await world.plan()
        account: Account = await world.registry.account(world.organizations["dongtrieu"], Role.SPECIALIST)
        caller = world.registry.as_account(account, world.organizations["dongtrieu"])
        person = Person(caller.http, caller.actor, caller.token)
        sent = accepted(await office.send(person, tasks(1), kind="tasks", agreement_id=plan["id"], dry_run=False), 202)
        await world.rows(f"update account set {column} = '{value}' where id = $1", account.id)
        await office.work()
        job = await world.specialist("dongtrieu").read(f"/v1/imports/{sent['id']}")
        assert (job["status"], job["refusal"]["code"]) == ("refused", "not_allowed")
        assert await office.titles(plan) == []


async def test_an_agreement_that_was_suspended_meanwhile_takes_nothing(world: World, office: Office) -> None:
    plan = await world.plan()
    job = await office.imported(tasks(2), kind="tasks", agreement_id=plan["id"])
    await world.person("dongtrieu").step(f"/v1/agreements/{plan['id']}", "suspend", {"reason": "Chờ (minh họa)"})
    await world.specialist("dongtrieu").act(f"/v1/imports/{job['id']}", "commit")
    await office.work()
    job = await world.specialist("dongtrieu").read(f"/v1/imports/{job['id']}")
    assert (job["status"], job["refusal"]["code"]) == ("refused", "not_assignable")
    assert await office.titles(plan) == []


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"kind": "tasks"}, "/agreement_id"),
        ({"kind": "agreements", "agreement_id": UUID(int=1)}, "/agreement_id"),
        ({}, "/kind"),
        ({"kind": "people"}, "/kind"),
        ({"kind": "tasks", "agreement_id": "x"}, "/agreement_id"),
        ({"kind": "agreements", "dry_run": "perhaps"}, "/dry_run"),
        ({"kind": "agreements", "colour": "red"}, "/colour"),
    ],
)
async def test_a_wrong_field_of_the_form_is_named(
    world: World, office: Office, fields: dict[str, Any], pointer: str
) -> None:
    answer = await office.send(world.specialist("dongtrieu"), tasks(1), **fields)
    assert pointers(problem(answer, 422)) == [pointer]


async def test_a_request_without_a_file_says_so(world: World, office: Office) -> None:
    person = world.specialist("dongtrieu")
    assert pointers(problem(await person.post("/v1/imports", {"kind": "tasks"}), 422)) == ["/file"]
    answer = await world.http.post(
        "/v1/imports", headers=person.unsafe(), data={"kind": "agreements", "file": "x"}, files={"other": ("a", b"x")}
    )
    assert pointers(problem(answer, 422)) == ["/file"]
    assert pointers(problem(await office.send(person, b"", kind="agreements"), 422)) == ["/file"]
    broken = {**person.unsafe(), "Content-Type": "multipart/form-data; boundary=x"}
    answer = await world.http.post("/v1/imports", headers=broken, content=b"--y\r\nnonsense")
    assert pointers(problem(answer, 422)) == ["/file"]


async def test_what_is_no_table_by_its_first_bytes_is_refused_at_once(world: World, office: Office) -> None:
    answer = await office.send(world.specialist("dongtrieu"), b"%PDF-1.7", name="bang.xlsx", kind="agreements")
    problem(answer, 415, "unsupported_media_type")


async def test_a_file_over_the_limit_is_refused_before_it_is_looked_at(world: World, office: Office) -> None:
    person = world.specialist("dongtrieu")
    megabytes = office.settings.import_max_mb
    large = b"x" * (megabytes * 1024 * 1024 + 1)
    problem(await office.send(person, large, kind="agreements"), 413, "payload_too_large")
    problem(await office.send(person, large + b"x" * 100_000, kind="agreements"), 413, "payload_too_large")
    # And nothing else takes more than it did.
    problem(await person.post("/v1/agreements", {"title": "x" * 1_100_000}), 413)


async def test_the_name_of_a_file_is_its_last_part(world: World, office: Office) -> None:
    plan = await world.plan()
    content = workbook(HEADERS, TASK)
    for name, plain in ((r"C:\Bàn làm việc\việc.xlsx", "việc.xlsx"), ("../../etc/passwd", "passwd")):
        job: Json = await office.imported(content, name=name, kind="tasks", agreement_id=plan["id"])
        assert job["file_name"] == plain
