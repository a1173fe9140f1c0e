"""Fixtures that every test may use: real PostgreSQL, real Kafka, a database and a topic prefix for each module."""

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from lienvung.postgres import DatabaseAddress
from shared.kafka import declared_topics, ensure_topics
from shared.settings import ServiceSettings
from tests.parts import Cluster, Parts, delete_topics, in_thread
from tests.s3 import S3

S = TypeVar("S", bound=ServiceSettings)

_PARTS = pytest.StashKey[Parts]()
_WORKER_FOLDER = "lienvung_folder"


def pytest_configure(config: pytest.Config) -> None:
    worker: dict[str, Any] | None = getattr(config, "workerinput", None)
    if worker is None:
        # Only a name: the folder is made by the first test that needs a part.
        folder = Path(tempfile.gettempdir()) / f"lienvung-test-{secrets.token_hex(6)}"
        config.stash[_PARTS] = Parts(folder, os.getpid())
    else:
        folder, watched = worker[_WORKER_FOLDER].rsplit(":", 1)
        config.stash[_PARTS] = Parts(Path(folder), int(watched))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the run's parts are."""
    parts = node.config.stash[_PARTS]
    node.workerinput[_WORKER_FOLDER] = f"{parts.folder}:{parts.watched}"


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and _PARTS in config.stash:
        config.stash[_PARTS].stop()


@pytest.fixture(scope="session")
def parts(pytestconfig: pytest.Config) -> Parts:
    return pytestconfig.stash[_PARTS]


@pytest.fixture(scope="session")
def cluster(parts: Parts) -> Cluster:
    """The run's PostgreSQL."""
    return parts.cluster()


@pytest.fixture(scope="session")
def kafka(parts: Parts) -> str:
    """Bootstrap address of the run's Kafka, which starts when it is first asked for."""
    return parts.kafka()


@pytest.fixture(scope="session")
def s3(parts: Parts) -> S3:
    """The run's S3-compatible store, which starts when it is first asked for."""
    return parts.s3()


@pytest.fixture(scope="module")
def agreements_database(parts: Parts) -> Iterator[DatabaseAddress]:
    """A migrated, empty database of agreements-api for this module."""
    yield from _database(parts, "agreements")


@pytest.fixture(scope="module")
def notifier_database(parts: Parts) -> Iterator[DatabaseAddress]:
    """A migrated, empty database of the notifier for this module."""
    yield from _database(parts, "notifier")


@pytest.fixture(scope="module")
def reporting_database(parts: Parts) -> Iterator[DatabaseAddress]:
    """A migrated, empty database of the reporting service for this module."""
    yield from _database(parts, "reporting")


@pytest.fixture(scope="module")
def topic_prefix() -> str:
    """A prefix for topics and consumer groups that no other module uses."""
    return f"t{secrets.token_hex(5)}."


@pytest.fixture(scope="module")
def topics(kafka: str, topic_prefix: str) -> Iterator[str]:
    """The declared topics under this module's prefix, on the run's Kafka; gives the prefix."""
    in_thread(lambda: ensure_topics(kafka, topic_prefix))
    yield topic_prefix
    in_thread(lambda: delete_topics(kafka, [topic_prefix + topic.name for topic in declared_topics()]))


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., Any]:
    """`make_settings(Settings, database, **more)`: a service's settings for a test."""

    def make(settings: Callable[..., S], database: DatabaseAddress, **more: Any) -> S:
        given: dict[str, Any] = {
            "database_url": database.url,
            "migration_database_url": database.owner_url,
            "environment": "test",
            "jwks_path": tmp_path / "jwks.json",
            "public_url": "http://lienvung.test",
            "pool_size": 5,
            **more,
        }
        return settings(**given)

    return make


def _database(parts: Parts, service: str) -> Iterator[DatabaseAddress]:
    name = f"{service}_{secrets.token_hex(5)}"
    yield parts.create(service, name)
    parts.drop(name)
