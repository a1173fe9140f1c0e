"""The example agreements become drafts that say what is published, and nothing else."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from typer.testing import CliRunner, Result

import agreements_api
from agreements_api.cli import app
from agreements_api.examples.facts import examples
from lienvung.postgres import DatabaseAddress
from tests.parts import in_thread

FACTS = json.loads((Path(agreements_api.__file__).parent / "data" / "example_agreements.json").read_text())[
    "agreements"
]


@pytest.fixture
def installation(monkeypatch: pytest.MonkeyPatch, agreements_database: DatabaseAddress) -> DatabaseAddress:
    monkeypatch.setenv("AGREEMENTS_API_DATABASE_URL", agreements_database.url)
    monkeypatch.setenv("LIENVUNG_ENVIRONMENT", "test")
    return agreements_database


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def rows(address: DatabaseAddress, statement: str, *values: Any) -> list[dict[str, Any]]:
    async def work() -> list[dict[str, Any]]:
        connection = await asyncpg.connect(address.owner_url)
        try:
            return [dict(row) for row in await connection.fetch(statement, *values)]
        finally:
            await connection.close()

    return in_thread(work)


def test_without_units_it_says_what_is_to_be_done_first(installation: DatabaseAddress) -> None:
    result = run("load-examples")
    assert result.exit_code == 1
    assert "load-units" in result.stderr
    assert rows(installation, "select 1 from agreement") == []


def test_seven_drafts_are_made_once(installation: DatabaseAddress) -> None:
    run("load-units")
    assert run("load-examples").stdout.splitlines()[0] == (
        "new: 7 agreements, 13 organisations; already there: 0 agreements"
    )
    assert run("load-examples").stdout.splitlines() == [
        "new: 0 agreements, 0 organisations; already there: 7 agreements"
    ]
    made = rows(installation, "select status, demonstration, signed_on, term_from, term_to, in_force_on from agreement")
    nothing = dict.fromkeys(("signed_on", "term_from", "term_to", "in_force_on"))
    assert made == [{"status": "draft", "demonstration": True, **nothing}] * 7


def test_each_draft_holds_what_its_source_says(installation: DatabaseAddress) -> None:
    ids: dict[str, UUID] = {example.key: example.id for example in examples()}
    for facts in FACTS:
        [agreement] = rows(installation, "select * from agreement where id = $1", ids[facts["id"]])
        assert (agreement["title"], agreement["number"]) == (facts["title"], facts["number"])
        assert agreement["fields"] == facts["fields"]
        assert agreement["custodian_name"] == facts["parties"][0]
        assert agreement["source_url"] == facts["source_urls"][0]
        assert all(address in agreement["note"] for address in facts["source_urls"])
        parties = rows(
            installation,
            "select organization_name from agreement_party where agreement_id = $1 order by ordinal",
            agreement["id"],
        )
        assert [party["organization_name"] for party in parties] == facts["parties"]
        clauses = rows(
            installation, "select text from agreement_clause where agreement_id = $1 order by ordinal", agreement["id"]
        )
        assert [clause["text"] for clause in clauses] == [task["content"] for task in facts["tasks"]]


def test_parties_are_bodies_of_the_units_of_their_time(installation: DatabaseAddress) -> None:
    found = rows(
        installation,
        "select u.name, u.level from organization o join unit u on u.id = o.unit_id where o.name = $1",
        "Ban Thường vụ Thị ủy Đông Triều",
    )
    assert found == [{"name": "Thị xã Đông Triều", "level": "district"}]
    assert rows(installation, "select 1 from task") == []
