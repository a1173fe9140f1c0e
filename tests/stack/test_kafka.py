"""The broker is the one that was locked, and nothing that differs from the lock is ever run."""

import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lienvung.kafka import Jar, Kafka, TamperedJar, ensure_jars, locked_jars
from lienvung.processes import Ledger
from lienvung.supervisor import Part, Supervisor
from shared.kafka import admin_client, cluster_id_of, declared_topics, ensure_topics


def test_every_jar_is_pinned_by_version_and_checksum() -> None:
    jars = locked_jars()
    assert "kafka_2.13" in {jar.artifact for jar in jars}
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) and re.match(r"\d", jar.version) for jar in jars)


def test_a_tampered_jar_is_refused(tmp_path: Path) -> None:
    content = b"class files"
    jar = Jar("org.example", "thing", "1.0", hashlib.sha256(content).hexdigest())
    (tmp_path / jar.filename).write_bytes(content)
    assert ensure_jars(tmp_path, [jar]) == [tmp_path / jar.filename]
    (tmp_path / jar.filename).write_bytes(content + b"!")
    with pytest.raises(TamperedJar, match=r"org\.example:thing:1\.0"):
        ensure_jars(tmp_path, [jar])


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[tuple[Kafka, Supervisor]]:
    kafka = Kafka(tmp_path / "kafka", small=True)
    supervisor = Supervisor(ledger=Ledger(tmp_path / "ledger"), logs=tmp_path / "logs", observe=lambda *_: None)

    async def ready(_: Part) -> None:
        await kafka.wait_ready()

    kafka.prepare()
    await supervisor.start(Part("kafka", kafka.bootstrap_servers, kafka.launch, ready))
    yield kafka, supervisor
    await supervisor.stop_all()


async def test_a_wiped_broker_is_another_cluster_at_the_same_address(broker: tuple[Kafka, Supervisor]) -> None:
    kafka, supervisor = broker
    await ensure_topics(kafka.bootstrap_servers)
    before, topics = await _look(kafka)
    assert topics >= {topic.name for topic in declared_topics()}
    await supervisor.stop("kafka")
    kafka.wipe()
    kafka.prepare()
    await supervisor.start(supervisor.parts["kafka"])
    after, topics = await _look(kafka)
    assert after != before
    assert not topics & {topic.name for topic in declared_topics()}


async def _look(kafka: Kafka) -> tuple[str, set[str]]:
    async with admin_client(kafka.bootstrap_servers) as admin:
        return await cluster_id_of(admin), set(await admin.list_topics())
