"""The notifier's OpenAPI document and settings, as others rely on them."""

from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import ValidationError

from notifier.app import create_app
from notifier.config import Settings

OPERATIONS = {
    "list_alerts",
    "read_alert_summary",
    "read_all_alerts",
    "read_alert",
    "snooze_alert",
    "list_deadlines",
    "list_events",
    "list_event_types",
    "show_unsubscribe",
    "unsubscribe",
    "list_notifier_dead_letters",
    "replay_notifier_dead_letter",
    "discard_notifier_dead_letter",
}


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(Settings(database_url="postgresql://nobody@nowhere/nothing"))


@pytest.fixture(scope="module")
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def test_every_operation_has_a_readable_name(document: dict[str, Any]) -> None:
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert {operation["operationId"] for operation in operations} == OPERATIONS
    assert all(operation["description"] for operation in operations)


def test_what_is_shown_and_taken_has_an_example(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    for name in (
        "AlertPublic",
        "AlertSummary",
        "Snooze",
        "ReadAll",
        "ReadAllResult",
        "DeadlinePublic",
        "EventPage",
        "EventTypePublic",
        "DeadLetterPublic",
        "ReplayPublic",
    ):
        assert schemas[name]["examples"], name


def test_every_setting_of_the_notifier_says_what_it_is_for() -> None:
    own = set(Settings.model_fields) - {"service_name"}
    assert [name for name in own if not Settings.model_fields[name].description] == []


@pytest.mark.parametrize(
    "given",
    [
        {"smtp_url": "http://x"},
        {"fire_hour": 24},
        {"mail_from": "nobody"},
        {"send_lease_seconds": 10, "send_timeout_seconds": 30},
    ],
)
def test_settings_that_cannot_work_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings(database_url="postgresql://nobody@nowhere/nothing", **given)
