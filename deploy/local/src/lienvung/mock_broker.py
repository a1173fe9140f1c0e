"""The last resort without Maven Central: librdkafka's in-process broker, which keeps nothing on disk."""

import os
import signal
import sys
import threading
from pathlib import Path

from confluent_kafka import Producer

from shared.kafka import declared_topics

WARNING = """\
###################################################################################
#  NO REAL KAFKA: Maven Central cannot be reached and no jars are in the cache.   #
#  A stand-in inside a process is used. It keeps NOTHING on disk: when it stops,  #
#  its events are gone, and come again from the outboxes.                         #
#  Start once with access to Maven Central to get Apache Kafka.                   #
###################################################################################"""


def serve(address_file: Path) -> None:
    """Run the broker, write its address, and wait until told to stop."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    producer = Producer({"bootstrap.servers": "stand-in:1", "test.mock.num.brokers": 1})
    brokers = producer.list_topics(timeout=10).brokers.values()
    # It has no controller that could be asked to create a topic; asking about one makes it.
    prefix = os.environ.get("KAFKA_TOPIC_PREFIX", "")
    for topic in declared_topics():
        producer.list_topics(prefix + topic.name, timeout=10)
    draft = address_file.with_suffix(".draft")
    draft.write_text(",".join(f"{broker.host}:{broker.port}" for broker in brokers))
    draft.rename(address_file)
    while not stop.wait(0.5):
        producer.poll(0)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
