"""The commands of agreements-api, run as an installation runs them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from agreements_api.cli import app
from lienvung.postgres import DatabaseAddress

OPERATOR_PASSWORD = "mật khẩu vận hành"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, agreements_database: DatabaseAddress) -> Path:
    """An installation's environment; gives the folder that its keys lie in."""
    monkeypatch.setenv("AGREEMENTS_API_DATABASE_URL", agreements_database.url)
    monkeypatch.setenv("AGREEMENTS_API_MIGRATION_DATABASE_URL", agreements_database.owner_url)
    monkeypatch.setenv("AGREEMENTS_API_KEYS_DIR", str(tmp_path / "keys"))
    monkeypatch.setenv("JWKS_PATH", str(tmp_path / "jwks.json"))
    monkeypatch.setenv("LIENVUNG_ENVIRONMENT", "test")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def published(folder: Path) -> list[str]:
    return [key["kid"] for key in json.loads((folder / "jwks.json").read_text())["keys"]]


def test_a_rotation_publishes_the_new_key_beside_the_last_one(folder: Path) -> None:
    first = run("keys", "rotate").stdout.split()[-1]
    second = run("keys", "rotate").stdout.split()[-1]
    assert published(folder) == [first, second]
    third = run("keys", "rotate").stdout.split()[-1]
    assert published(folder) == [second, third]
    assert all(path.stat().st_mode & 0o077 == 0 for path in (folder / "keys").glob("*.pem"))


def test_publishing_writes_the_same_keys_again(folder: Path) -> None:
    kid = run("keys", "rotate").stdout.split()[-1]
    (folder / "jwks.json").unlink()
    assert run("keys", "publish").exit_code == 0
    assert published(folder) == [kid]


def test_migrating_again_is_no_mistake(folder: Path) -> None:
    assert run("migrate").exit_code == 0


def test_units_are_loaded_by_a_command(folder: Path) -> None:
    assert run("load-units").stdout.strip() == "new: 14150 units, 14072 parents, 10666 successions"
    assert run("load-units").stdout.strip() == "new: 0 units, 0 parents, 0 successions"


def test_the_operator_is_made_and_may_be_made_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIENVUNG_OPERATOR_PASSWORD", OPERATOR_PASSWORD)
    assert run("create-operator", "operator").stdout.strip() == "operator operator: created"
    assert run("create-operator", "operator").stdout.strip() == "operator operator: unchanged"


@pytest.mark.parametrize(("username", "password"), [("operator", "quá ngắn"), ("Quản trị", OPERATOR_PASSWORD)])
def test_an_operator_that_nobody_could_be_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, username: str, password: str
) -> None:
    monkeypatch.setenv("LIENVUNG_OPERATOR_PASSWORD", password)
    result = run("create-operator", username)
    assert result.exit_code != 0
    assert password not in result.output


def test_an_operator_needs_a_password(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIENVUNG_OPERATOR_PASSWORD", raising=False)
    result = run("create-operator", "operator")
    assert result.exit_code != 0
    assert "LIENVUNG_OPERATOR_PASSWORD" in result.output


def test_the_policy_is_printed_as_a_table(folder: Path) -> None:
    lines = run("policy").stdout.splitlines()
    assert any(line.startswith("| `succession.record` |") for line in lines)
    assert any(line.startswith("| `agreement.sign` |") for line in lines)


def test_the_openapi_document_is_printed_without_a_database(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGREEMENTS_API_DATABASE_URL", raising=False)
    document = json.loads(run("openapi").stdout)
    assert document["openapi"].startswith("3.1")
    assert {"/v1/units", "/v1/sessions", "/v1/organizations", "/v1/agreements"} <= set(document["paths"])
