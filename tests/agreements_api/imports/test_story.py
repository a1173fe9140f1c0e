"""From a file to tasks: a dry run first, then all of it or nothing."""

from typing import Any
from uuid import UUID

import pytest

from tests.agreements_api.agreements.world import World, accepted, problem
from tests.agreements_api.imports.office import Office
from tests.agreements_api.imports.tables import HEADERS, TASK, delimited, tasks, workbook


async def test_a_dry_run_writes_nothing_and_says_what_it_found(world: World, office: Office) -> None:
    plan = await world.plan()
    job = await office.imported(tasks(3), kind="tasks", agreement_id=plan["id"])
    assert (job["status"], job["errors"], job["allowed_actions"]) == ("checked", 0, ["commit", "cancel"])
    assert job["progress"] == {"total": 3, "read": 3, "checked": 3, "written": 0}
    assert (job["sheet"], job["file_name"], job["dry_run"]) == ("Sheet1", "bang.xlsx", True)
    assert await office.titles(plan) == []


async def test_a_checked_file_is_written_by_a_commit(world: World, office: Office) -> None:
    plan = await world.plan()
    job = await office.imported(tasks(3), kind="tasks", agreement_id=plan["id"])
    specialist, path = world.specialist("dongtrieu"), f"/v1/imports/{job['id']}"
    answer = await specialist.act(path, "commit")
    assert (answer.status_code, answer.headers["location"]) == (202, path)
    assert answer.json()["status"] == "queued"
    await office.work()
    job = await specialist.read(path)
    assert (job["status"], job["progress"]["written"], job["allowed_actions"]) == ("completed", 3, [])
    assert await office.titles(plan) == ["Nhiệm vụ số 1", "Nhiệm vụ số 2", "Nhiệm vụ số 3"]
    # The file is kept as long as somebody may want it written.
    assert await world.rows("select 1 from import_content where import_id = $1", UUID(job["id"])) == []


async def test_without_a_dry_run_a_file_without_errors_is_written_at_once(world: World, office: Office) -> None:
    plan = await world.plan()
    job = await office.imported(
        delimited(HEADERS, TASK).encode(), kind="tasks", agreement_id=plan["id"], dry_run=False, name="viec.csv"
    )
    assert (job["status"], job["sheet"], job["progress"]["written"]) == ("completed", None, 1)
    assert await office.titles(plan) == [TASK[1]]


async def test_every_error_has_its_cell_its_header_and_its_words(world: World, office: Office) -> None:
    plan = await world.plan()
    content = workbook(
        ("Kế hoạch năm 2026",),
        ("STT", "Nội dung", "Chủ trì", "Phối hợp", "Thời hạn (ngày)", "Điều"),
        (1, "Đúng", "UBND thị xã Đông Triều", "UBND thị xã Kinh Môn", "31/12/2026", 2),
        (2, None, "UBND huyện Không Có", "thị xã Kinh Môn", "31/13/2026", "Điều 9"),
        (3, "x" * 1_001, "=A1", "UBND TX Kinh Môn\nUBND thị xã Kinh Môn", None, None),
        (4, "Tự phối hợp", "UBND thị xã Đông Triều", "UBND thị xã Đông Triều", None, None),
        (5, "Thiếu chủ trì", None, None, None, None),
    )
    job = await office.imported(content, kind="tasks", agreement_id=plan["id"], dry_run=False)
    assert (job["status"], job["errors"], job["allowed_actions"]) == ("refused", 9, [])
    errors = await office.errors(job)
    assert [(error["cell"], error["header"], error["code"]) for error in errors] == [
        ("B4", "Nội dung", "missing"),
        ("C4", "Chủ trì", "unknown_organization"),
        ("D4", "Phối hợp", "ambiguous_organization"),
        ("E4", "Thời hạn (ngày)", "no_date"),
        ("F4", "Điều", "unknown_clause"),
        ("C5", "Chủ trì", "formula"),
        ("D5", "Phối hợp", "named_twice"),
        ("D6", "Phối hợp", "named_twice"),
        ("C7", "Chủ trì", "missing"),
    ]
    assert errors[3]["detail"] == "«31/13/2026» không phải là ngày; hãy viết như 31/12/2026."
    assert (errors[3]["row"], errors[3]["column"], errors[3]["value"]) == (4, 5, "31/13/2026")
    assert "Ban Thường vụ Thị ủy Kinh Môn" in errors[2]["detail"]
    assert await office.titles(plan) == []


async def test_limits_of_a_task_are_those_of_the_api(world: World, office: Office) -> None:
    plan = await world.plan()
    content = workbook(HEADERS, ("1", "x" * 1_001, *TASK[2:]))
    job = await office.imported(content, kind="tasks", agreement_id=plan["id"])
    [error] = await office.errors(job)
    assert (error["cell"], error["code"], error["detail"]) == (
        "B2",
        "string_too_long",
        "Quá dài: nhiều nhất 1000 ký tự.",
    )


async def test_errors_are_told_in_english_and_page_by_page(world: World, office: Office) -> None:
    plan = await world.plan()
    content = workbook(HEADERS, *((str(at), "Việc", "Không ai", "", "") for at in range(5)))
    job = await office.imported(content, kind="tasks", agreement_id=plan["id"])
    specialist, path = world.specialist("dongtrieu"), f"/v1/imports/{job['id']}/errors"
    answer = await specialist.get(path, headers={"Accept-Language": "en"}, limit=3)
    page = answer.json()
    assert page["items"][0]["detail"] == "There is no organisation called “Không ai”."
    following = await specialist.read(path, limit=3, cursor=page["next_cursor"])
    assert [item["row"] for item in (*page["items"], *following["items"])] == [2, 3, 4, 5, 6]
    assert following["next_cursor"] is None


async def test_more_errors_than_are_kept_are_still_counted(world: World, office: Office) -> None:
    plan = await world.plan()
    content = workbook(HEADERS, *((str(at), "Việc", "Không ai", "", "năm 2026") for at in range(8)))
    specialist = world.specialist("dongtrieu")
    sent = accepted(await office.send(specialist, content, kind="tasks", agreement_id=plan["id"]), 202)
    await office.work(import_errors_kept=3)
    job = await specialist.read(f"/v1/imports/{sent['id']}")
    assert (job["errors"], job["notices"]) == (8, 8)
    assert [error["severity"] for error in await office.errors(job)] == ["error"] * 3


async def test_errors_as_a_table_hold_nothing_that_a_spreadsheet_would_calculate(world: World, office: Office) -> None:
    plan = await world.plan()
    content = delimited(HEADERS, ("1", "Việc", "=cmd|' /C calc'!A0", "", "")).encode()
    job = await office.imported(content, kind="tasks", agreement_id=plan["id"])
    answer = await world.specialist("dongtrieu").get(f"/v1/imports/{job['id']}/errors.csv")
    text = answer.content.decode("utf-8-sig")
    assert text.splitlines()[0] == "Ô;Cột;Loại;Nội dung;Giá trị"
    assert text.splitlines()[1].endswith(";'=cmd|' /C calc'!A0")


async def test_a_day_in_other_words_is_a_notice_and_no_error(world: World, office: Office) -> None:
    plan = await world.plan()
    content = workbook(HEADERS, (*TASK[:4], "quý III/2026"), (*TASK[:4], "thường xuyên"))
    job = await office.imported(content, kind="tasks", agreement_id=plan["id"], dry_run=False)
    assert (job["status"], job["errors"], job["notices"]) == ("completed", 0, 2)
    notices = await office.errors(job, severity="notice")
    assert [notice["detail"] for notice in notices] == [
        "«quý III/2026» được hiểu là 30/09/2026.",
        "«thường xuyên» được hiểu là không có thời hạn.",
    ]
    rows = await world.rows("select due_on::text from task where agreement_id = $1 order by id", plan["id"])
    assert [row["due_on"] for row in rows] == ["2026-09-30", None]


async def test_columns_that_mean_nothing_are_named_and_groups_and_examples_passed_over(
    world: World, office: Office
) -> None:
    plan = await world.plan()
    content = workbook(
        (*HEADERS, "Kinh phí"),
        ("I", "Hạ tầng giao thông", None, None, None, None),
        ("Ví dụ", "Một việc không có thật", "Không ai", None, None, None),
        (*TASK, 100),
    )
    job = await office.imported(content, kind="tasks", agreement_id=plan["id"], dry_run=False)
    assert (job["status"], job["ignored_columns"]) == ("completed", ["Kinh phí"])
    assert await office.titles(plan) == [TASK[1]]


async def test_a_heading_of_a_table_that_was_saved_as_text_is_passed_over(world: World, office: Office) -> None:
    plan = await world.plan()
    content = delimited(HEADERS, ("I. Hạ tầng giao thông", "", "", "", ""), TASK, ("2", "", "", "", "")).encode()
    job = await office.imported(content, name="bang.csv", kind="tasks", agreement_id=plan["id"])
    # A number without a task is one that was forgotten.
    assert [(error["cell"], error["code"]) for error in await office.errors(job)] == [
        ("B4", "missing"),
        ("C4", "missing"),
    ]


async def test_cells_of_thousands_of_names_or_letters_are_one_error_each(world: World, office: Office) -> None:
    plan = await world.plan()
    names, brackets = "\n".join(f"Cơ quan {at}" for at in range(3_000)), "(" * 15_000 + "1" * 15_000
    content = workbook(
        (*HEADERS, "Điều khoản"),
        ("1", "Một", brackets, names, brackets, "1E99999999"),
        ("2", "Hai", "x," * 10_000, brackets, "1e999", 1e300),
    )
    job = await office.imported(content, kind="tasks", agreement_id=plan["id"])
    assert [(error["cell"], error["code"]) for error in await office.errors(job)] == [
        ("C2", "unknown_organization"),
        ("D2", "too_many_named"),
        ("E2", "no_date"),
        ("F2", "unknown_clause"),
        ("C3", "unknown_organization"),
        ("D3", "unknown_organization"),
        ("E3", "no_date"),
        ("F3", "unknown_clause"),
    ]


async def test_a_missing_column_is_the_one_error(world: World, office: Office) -> None:
    plan = await world.plan()
    job = await office.imported(
        workbook(("STT", "Nội dung", "Thời hạn"), (1, "a", "b")), kind="tasks", agreement_id=plan["id"]
    )
    [error] = await office.errors(job)
    assert (error["code"], error["row"], error["column"]) == ("missing_column", 1, None)
    assert "«Đơn vị chủ trì»" in error["detail"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (workbook(("Họ tên", "Điện thoại"), ("A", "0")), "no_header"),
        (workbook(HEADERS), "no_rows"),
        (b"PK\x03\x04" + b"\0" * 100, "damaged"),
    ],
    ids=["no headers", "no rows", "no workbook"],
)
async def test_a_file_that_is_refused_says_why_in_both_languages(
    world: World, office: Office, content: bytes, code: str
) -> None:
    plan = await world.plan()
    job = await office.imported(content, kind="tasks", agreement_id=plan["id"])
    assert (job["status"], job["refusal"]["code"]) == ("refused", code)
    english = await world.specialist("dongtrieu").get(f"/v1/imports/{job['id']}", headers={"Accept-Language": "en"})
    assert english.json()["refusal"]["detail"] != job["refusal"]["detail"]


async def test_agreements_become_drafts_of_whoever_sent_them(world: World, office: Office) -> None:
    headers = ("Tên thỏa thuận", "Loại văn bản", "Số ký hiệu", "Các bên", "Lĩnh vực", "Nội dung", "Từ ngày", "Đến ngày")
    parties = "Ban Thường vụ Thị ủy Đông Triều; Ban Thường vụ Thành ủy Chí Linh"
    content = workbook(
        headers,
        (
            "Kế hoạch một",
            "Kế hoạch",
            "1-KH",
            parties,
            "du lịch; giao thông",
            "1. Một\n2. Hai",
            "1/1/2027",
            "31/12/2027",
        ),
        ("Biên bản hai", "Biên bản ghi nhớ", None, parties, None, None, None, None),
    )
    job = await office.imported(content, kind="agreements", dry_run=False)
    assert (job["status"], job["progress"]["written"]) == ("completed", 2)
    found = await world.specialist("dongtrieu").read("/v1/agreements", q="Kế hoạch một")
    [draft] = found["items"]
    assert (draft["status"], draft["number"], draft["term_to"]) == ("draft", "1-KH", "2027-12-31")
    clauses = await world.specialist("dongtrieu").read(f"/v1/agreements/{draft['id']}/clauses")
    assert [clause["text"] for clause in clauses["items"]] == ["Một", "Hai"]


async def test_an_agreement_that_cannot_be_drafted_keeps_all_from_being_written(world: World, office: Office) -> None:
    content = workbook(
        ("Tên thỏa thuận", "Loại văn bản", "Từ ngày", "Đến ngày"),
        ("Đúng mà không ghi", "Kế hoạch", None, None),
        ("Sai loại", "Thông tư", None, None),
        ("Ngược", "Kế hoạch", "31/12/2027", "1/1/2027"),
    )
    job = await office.imported(content, kind="agreements", dry_run=False)
    assert [(error["cell"], error["code"]) for error in await office.errors(job)] == [
        ("B3", "unknown_instrument"),
        ("D4", "term_reversed"),
    ]
    assert await world.rows("select 1 from agreement where title = 'Đúng mà không ghi'") == []


async def test_imports_are_listed_the_newest_first(world: World, office: Office) -> None:
    plan = await world.plan()
    sent = [await office.imported(tasks(1, title=name), kind="tasks", agreement_id=plan["id"]) for name in "ABC"]
    specialist = world.specialist("dongtrieu")
    page = await specialist.read("/v1/imports", agreement_id=plan["id"], limit=2)
    following = await specialist.read("/v1/imports", agreement_id=plan["id"], limit=2, cursor=page["next_cursor"])
    found = [item["id"] for item in (*page["items"], *following["items"])]
    assert found == [job["id"] for job in reversed(sent)]
    assert (await specialist.read("/v1/imports", agreement_id=plan["id"], status="completed"))["items"] == []


async def test_progress_is_no_new_version_and_a_new_tag(world: World, office: Office) -> None:
    plan = await world.plan()
    job = await office.imported(tasks(1), kind="tasks", agreement_id=plan["id"])
    specialist, path = world.specialist("dongtrieu"), f"/v1/imports/{job['id']}"
    seen = await specialist.get(path)
    assert (await specialist.get(path, headers={"If-None-Match": seen.headers["etag"]})).status_code == 304
    await world.rows("update import_job set rows_written = 7 where id = $1", UUID(job["id"]))
    again = await specialist.get(path, headers={"If-None-Match": seen.headers["etag"]})
    assert (again.status_code, again.json()["progress"]["written"]) == (200, 7)
    answer = await specialist.post(f"{path}/cancel", **{"If-Match": seen.headers["etag"]})
    assert accepted(answer, 200)["status"] == "cancelled"


async def test_a_step_that_its_status_does_not_have_is_a_conflict(world: World, office: Office) -> None:
    plan = await world.plan()
    job = await office.imported(tasks(1), kind="tasks", agreement_id=plan["id"])
    specialist, path = world.specialist("dongtrieu"), f"/v1/imports/{job['id']}"
    assert problem(await specialist.post(f"{path}/commit"), 428)
    assert problem(await specialist.post(f"{path}/commit", **{"If-Match": '"v1"'}), 412)
    await specialist.step(path, "cancel")
    body: dict[str, Any] = problem(await specialist.act(path, "commit"), 409, "invalid_transition")
    assert body["possible"] == []


async def test_a_checked_file_does_not_wait_for_ever(world: World, office: Office) -> None:
    plan = await world.plan()
    job = await office.imported(tasks(1), kind="tasks", agreement_id=plan["id"])
    await world.rows("update import_job set updated_at = now() - interval '4 days' where id = $1", UUID(job["id"]))
    assert await office.expire() == 1
    specialist = world.specialist("dongtrieu")
    assert (await specialist.read(f"/v1/imports/{job['id']}"))["status"] == "expired"
    assert await world.rows("select 1 from import_content where import_id = $1", UUID(job["id"])) == []
