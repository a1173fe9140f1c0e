"""Tables to fill in: what they hold is what an import reads."""

import io

import pytest
from openpyxl import load_workbook

from agreements_api.imports.columns import COLUMNS
from agreements_api.imports.delimited import read_delimited
from agreements_api.imports.inspection import Limits
from agreements_api.imports.kinds import ImportKind
from agreements_api.imports.models import TemplateFormat
from agreements_api.imports.templates import as_csv, harmless, template
from agreements_api.policy import Role
from tests.agreements_api.agreements.world import World, problem
from tests.agreements_api.imports.office import Office
from tests.agreements_api.imports.tables import saved


@pytest.mark.parametrize("format_", TemplateFormat)
@pytest.mark.parametrize("kind", ImportKind)
async def test_a_template_as_it_is_has_no_row_to_import(
    world: World, office: Office, kind: ImportKind, format_: TemplateFormat
) -> None:
    """Its examples are marked as such, and passed over."""
    person = world.specialist("dongtrieu")
    answer = await person.get(f"/v1/imports/templates/{kind}.{format_}")
    assert answer.status_code == 200
    assert f".{format_}" in answer.headers["content-disposition"]
    fields = {"agreement_id": (await world.plan())["id"]} if kind is ImportKind.TASKS else {}
    job = await office.imported(answer.content, kind=kind.value, **fields)
    assert (job["status"], job["refusal"]["code"], job["ignored_columns"]) == ("refused", "no_rows", [])


async def test_a_template_that_was_filled_in_is_imported(world: World, office: Office) -> None:
    plan = await world.plan()
    book = load_workbook(io.BytesIO(template(ImportKind.TASKS, TemplateFormat.XLSX)))
    sheet = book.worksheets[0]
    example = [cell.value for cell in sheet[2]]
    sheet.append([1, *example[1:]])
    job = await office.imported(saved(book), kind="tasks", agreement_id=plan["id"], dry_run=False)
    assert (job["status"], job["errors"], job["progress"]["written"]) == ("completed", 0, 1)
    [task] = (await world.person("dongtrieu").read("/v1/tasks", agreement_id=plan["id"]))["items"]
    assert task["due_on"] == "2026-12-31"
    assert [party["due_on"] for party in task["coordinating"]] == ["2026-12-15", None]
    assert task["clause_id"] == plan["clauses"][1]["id"]


def test_a_kind_of_document_is_chosen_from_a_list() -> None:
    book = load_workbook(io.BytesIO(template(ImportKind.AGREEMENTS, TemplateFormat.XLSX)))
    [rule] = [rule for rule in book.worksheets[0].data_validations.dataValidation if rule.type == "list"]
    assert "Kế hoạch phối hợp" in rule.formula1
    assert len(rule.formula1) <= 257


@pytest.mark.parametrize("kind", ImportKind)
def test_every_column_is_explained_in_both_languages(kind: ImportKind) -> None:
    book = load_workbook(io.BytesIO(template(kind, TemplateFormat.XLSX)))
    explained = [[cell.value for cell in row] for row in book["Hướng dẫn"].iter_rows(min_row=2)]
    assert [(row[0], row[2]) for row in explained] == [(column.header, column.english) for column in COLUMNS[kind]]
    assert all(row[1] and row[3] for row in explained)


@pytest.mark.parametrize("text", ["=1+1", "+84 203", "-5", "@SUM(A1)", "\tx", "\rx"])
def test_what_would_be_calculated_goes_out_as_text(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert harmless(f"x{text}") == f"x{text}"
    assert text not in as_csv(["Ô"], [[text]]).decode("utf-8-sig").split(";")


def test_what_goes_out_as_a_table_comes_in_as_one() -> None:
    content = as_csv([column.header for column in COLUMNS[ImportKind.TASKS]], [["1", "Việc; có dấu", "", "Ai"]])
    [row] = list(read_delimited(content, ImportKind.TASKS, Limits()).rows)
    assert row.cells["title"].value == "Việc; có dấu"


async def test_a_template_is_for_people_of_the_system(world: World) -> None:
    assert (await world.person("elsewhere", Role.VIEWER).get("/v1/imports/templates/tasks.xlsx")).status_code == 200
    problem(await world.client("dongtrieu", "tasks:read").get("/v1/imports/templates/tasks.xlsx"), 403)
    problem(await world.person("elsewhere").get("/v1/imports/templates/people.xlsx"), 422)
    problem(await world.person("elsewhere").get("/v1/imports/templates/tasks.ods"), 422)
