"""`lienvung policy`: one table of who may do what, for all services."""

from typer.testing import CliRunner

from agreements_api.policy import POLICY, Role
from lienvung.cli import app
from reporting.reports.permissions import RULES


def printed() -> dict[str, list[str]]:
    result = CliRunner().invoke(app, ["policy"])
    assert result.exit_code == 0, result.output
    _, _, *lines = result.stdout.strip().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {row[0].strip("` "): row[1:] for row in rows}


def test_the_rows_of_every_service_stand_in_one_table() -> None:
    actions = list(printed())
    assert actions == sorted(actions)
    assert {rule.action for rule in POLICY} | set(RULES) | {"alert.read", "deadline.read", "event.read"} <= set(actions)


def test_a_row_of_another_service_says_what_that_service_goes_by() -> None:
    cells = dict(zip((*Role, "note"), printed()["report.request"], strict=True))
    assert (cells[Role.VIEWER], cells[Role.SPECIALIST], cells[Role.OPERATOR]) == ("", "own", "")
    assert cells[Role.CLIENT] == "`reports:write`: own"
    assert cells["note"] == "reporting"
