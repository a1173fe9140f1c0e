"""The life of a task, from its assignment to its completion, as its parties see it."""

from tests.agreements_api.agreements.world import REPORT, Json, World, problem


async def test_a_task_goes_from_assignment_to_completion(world: World) -> None:
    task = await world.task(await world.plan())
    path = f"/v1/tasks/{task['id']}"
    assert (task["status"], task["percent"], task["version"]) == ("not_started", 0, 1)
    worker, lead = world.specialist("ubnd-dongtrieu"), world.person("ubnd-dongtrieu")

    assert (await worker.step(path, "accept"))["status"] == "in_progress"
    reported = await worker.step(path, "reports", REPORT)
    assert reported["percent"] == 40
    assert reported["last_report"]["difficulties"] == REPORT["difficulties"]
    submitted = await lead.step(path, "submit", {"note": "Đề nghị các bên xác nhận"})
    assert (submitted["status"], submitted["percent"]) == ("submitted", 100)
    confirmed = await world.person("ubnd-kinhmon").step(path, "confirm", {"remark": "Nhất trí"})
    assert confirmed["status"] == "submitted"
    assert confirmations(confirmed) == [True, False]
    completed = await world.person("ubnd-chilinh").step(path, "confirm")
    assert (completed["status"], completed["timeliness"]) == ("completed", "completed_on_time")
    assert completed["completed_at"] == completed["updated_at"]
    assert await world.person("ubnd-chilinh").read(path) == completed


async def test_an_answer_shows_a_task_as_the_next_read_does(world: World) -> None:
    plan = await world.plan()
    task = await world.task(plan)
    path = f"/v1/tasks/{task['id']}"
    assert await world.person("dongtrieu").read(path) == task
    worker = world.specialist("ubnd-dongtrieu")
    for verb, body in (("accept", None), ("reports", REPORT), ("submit", {})):
        answer = await worker.act(path, verb, body)
        again = await worker.get(path)
        assert answer.json() == again.json()
        assert answer.headers["etag"] == again.headers["etag"]


async def test_who_was_given_the_task_sees_it_under_the_names_of_that_day(world: World) -> None:
    task = await world.task(await world.plan(), monitoring=("haiduong",))
    assert task["lead"] == {
        "organization_id": world.id("ubnd-dongtrieu"),
        "name": "UBND thị xã Đông Triều",
        "unit_id": str(world.organizations["ubnd-dongtrieu"].unit_id),
        "unit_name": "Thị xã Đông Triều",
        "due_on": None,
        "confirmed_at": None,
        "accepted_at": None,
        "promised_by_organization_id": None,
        "promised_by_name": None,
        "respond_by": None,
        "lapsed_at": None,
    }
    assert [party["name"] for party in task["monitoring"]] == ["Ban Thường vụ Tỉnh ủy Hải Dương"]
    rename = "update organization set name = $2 where id = $1"
    await world.rows(rename, world.organizations["ubnd-dongtrieu"].id, "UBND phường Đông Triều")
    again = await world.person("ubnd-dongtrieu").read(f"/v1/tasks/{task['id']}")
    await world.rows(rename, world.organizations["ubnd-dongtrieu"].id, task["lead"]["name"])
    assert again["lead"] == task["lead"]


async def test_a_task_takes_the_field_of_its_clause_unless_it_names_another(world: World) -> None:
    plan = await world.plan()
    assert (await world.task(plan))["field"] == plan["clauses"][1]["field"]
    assert (await world.task(plan, field="du lịch"))["field"] == "du lịch"


async def test_the_clause_counts_its_tasks_but_not_the_cancelled_ones(world: World) -> None:
    plan = await world.plan()
    custodian = world.person("dongtrieu")
    first, _ = await world.task(plan), await world.task(plan)
    await custodian.step(f"/v1/tasks/{first['id']}", "cancel", {"reason": "Trùng nhiệm vụ"})
    clauses = (await custodian.read(f"/v1/agreements/{plan['id']}/clauses"))["items"]
    assert [clause["task_count"] for clause in clauses] == [0, 1]


async def test_a_return_voids_the_confirmations_and_restores_the_reported_progress(world: World) -> None:
    path = await world.submitted()
    await world.person("ubnd-kinhmon").step(path, "confirm")
    returned = await world.person("ubnd-chilinh").step(path, "return", {"reason": "Biên bản chưa có chữ ký"})
    assert (returned["status"], returned["percent"], returned["submitted_at"]) == ("in_progress", 40, None)
    assert confirmations(returned) == [False, False]

    kept = (await world.person("ubnd-kinhmon").read(f"{path}/confirmations"))["items"]
    assert [(row["decision"], row["valid"]) for row in kept] == [("returned", False), ("confirmed", False)]
    assert kept[0]["remark"] == "Biên bản chưa có chữ ký"

    again = await world.specialist("ubnd-dongtrieu").step(path, "submit")
    assert confirmations(again) == [False, False]
    await world.person("ubnd-kinhmon").step(path, "confirm")
    completed = await world.person("ubnd-chilinh").step(path, "confirm")
    assert completed["status"] == "completed"
    kept = (await world.person("ubnd-kinhmon").read(f"{path}/confirmations"))["items"]
    assert [(row["submission"], row["decision"], row["valid"]) for row in kept] == [
        (2, "confirmed", True),
        (2, "confirmed", True),
        (1, "returned", False),
        (1, "confirmed", False),
    ]


async def test_a_monitor_can_return_but_its_confirmation_is_not_needed(world: World) -> None:
    path = await world.submitted(monitoring=("haiduong",))
    monitor = world.person("haiduong")
    assert (await monitor.read(path))["allowed_actions"] == ["return"]
    await monitor.step(path, "return", {"reason": "Thiếu số liệu"})
    await world.specialist("ubnd-dongtrieu").step(path, "submit")
    await world.person("ubnd-kinhmon").step(path, "confirm")
    assert (await world.person("ubnd-chilinh").step(path, "confirm"))["status"] == "completed"


async def test_a_task_that_nobody_has_to_confirm_is_completed_by_decision(world: World) -> None:
    path = await world.submitted(coordinating=())
    assert (await world.specialist("ubnd-dongtrieu").read(path))["allowed_actions"] == []
    completed = await world.person("ubnd-dongtrieu").step(path, "complete", {"remark": "Đã nghiệm thu"})
    assert (completed["status"], completed["allowed_actions"]) == ("completed", [])


async def test_a_second_confirmation_of_the_same_party_is_refused(world: World) -> None:
    path = await world.submitted()
    party = world.person("ubnd-kinhmon")
    assert (await party.step(path, "confirm"))["allowed_actions"] == ["return"]
    problem(await party.act(path, "confirm"), 409, "already_confirmed")
    await world.person("ubnd-chilinh").step(path, "confirm")
    problem(await party.act(path, "confirm"), 409, "already_confirmed")


async def test_progress_may_go_down_and_every_report_is_kept(world: World) -> None:
    path = await world.under_way()
    worker = world.specialist("ubnd-dongtrieu")
    for percent in (60, 30):
        await worker.step(path, "reports", REPORT | {"percent": percent, "narrative": f"{percent} %"})
    task = await worker.read(path)
    assert (task["percent"], task["last_report"]["narrative"]) == (30, "30 %")
    reports = (await worker.read(f"{path}/reports"))["items"]
    assert [(row["percent"], row["narrative"]) for row in reports] == [(30, "30 %"), (60, "60 %")]
    assert reports[0]["reported_by"] == worker.actor.name
    assert reports[0]["organization_id"] == worker.organization


async def test_reports_come_in_pages(world: World) -> None:
    path = await world.under_way()
    worker = world.specialist("ubnd-dongtrieu")
    for percent in (10, 20, 30):
        await worker.step(path, "reports", REPORT | {"percent": percent})
    first = await worker.read(f"{path}/reports", limit=2)
    rest = await worker.read(f"{path}/reports", limit=2, cursor=first["next_cursor"])
    assert [row["percent"] for row in first["items"] + rest["items"]] == [30, 20, 10]
    assert rest["next_cursor"] is None


async def test_a_cancelled_task_stays_on_record_and_has_no_timeliness(world: World) -> None:
    path = await world.under_way()
    cancelled = await world.person("dongtrieu").step(path, "cancel", {"reason": "Không còn phù hợp"})
    assert (cancelled["status"], cancelled["timeliness"]) == ("cancelled", None)
    assert (await world.person("ubnd-kinhmon").read(path))["status"] == "cancelled"


def confirmations(task: Json) -> list[bool]:
    return [party["confirmed_at"] is not None for party in task["coordinating"]]
