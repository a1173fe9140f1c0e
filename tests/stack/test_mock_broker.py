"""Without Maven Central a stand-in takes the place of the broker, and carries events as the broker would."""

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from lienvung.processes import Launch, Ledger
from lienvung.supervisor import Part, Supervisor, until
from shared.kafka import admin_client, declared_topics, ensure_topics


@pytest.fixture
async def stand_in(tmp_path: Path) -> AsyncIterator[str]:
    address = tmp_path / "address"
    launch = Launch((sys.executable, "-m", "lienvung.mock_broker", str(address)), dict(os.environ))
    supervisor = Supervisor(ledger=Ledger(tmp_path / "ledger"), logs=tmp_path / "logs", observe=lambda *_: None)

    async def ready(_: Part) -> None:
        await until(address.exists, 15)

    await supervisor.start(Part("kafka", "", lambda: launch, ready, vital=True))
    yield address.read_text()
    await supervisor.stop_all()


async def test_events_go_through_the_stand_in_in_order(stand_in: str) -> None:
    await ensure_topics(stand_in)
    async with admin_client(stand_in) as admin:
        assert set(await admin.list_topics()) >= {topic.name for topic in declared_topics()}
    producer = AIOKafkaProducer(bootstrap_servers=stand_in, enable_idempotence=True, acks="all")
    await producer.start()
    for number in range(20):
        await producer.send_and_wait("lienvung.tasks", str(number).encode(), key=b"agreement")
    await producer.stop()
    consumer = AIOKafkaConsumer(
        "lienvung.tasks",
        bootstrap_servers=stand_in,
        group_id="g",
        group_instance_id="g-1",
        auto_offset_reset="earliest",
    )
    await consumer.start()
    received = [int((await consumer.getone()).value) for _ in range(20)]
    await consumer.stop()
    assert received == list(range(20))
