"""Kafka as every role needs it: the declared topics, client options and the cluster's identity."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from ssl import create_default_context
from typing import Any

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, TopicAuthorizationFailedError, for_code

REQUEST_TIMEOUT = 10.0


@dataclass(frozen=True)
class Topic:
    name: str
    owner: str
    partitions: int
    replicas: int
    config: dict[str, str]


def topics_path() -> Path:
    """The one declaration: TOPICS_PATH, else the copy inside the wheel, else the checkout's own file."""
    if configured := os.environ.get("TOPICS_PATH"):
        return Path(configured)
    packaged = Path(str(resources.files("shared").joinpath("topics.yaml")))
    return packaged if packaged.exists() else Path(__file__).parents[3] / "deploy/kafka/topics.yaml"


@cache
def declared_topics() -> tuple[Topic, ...]:
    document = yaml.safe_load(topics_path().read_text(encoding="utf-8"))
    defaults = document["defaults"]
    return tuple(
        Topic(
            name=entry["name"],
            owner=entry["owner"],
            partitions=entry["partitions"],
            replicas=entry.get("replicas", defaults["replicas"]),
            config={**defaults["config"], **entry.get("config", {})},
        )
        for entry in document["topics"]
    )


def client_options(bootstrap_servers: str) -> dict[str, Any]:
    """Options that producer, consumer and admin client share; SASL and TLS come from the environment."""
    options: dict[str, Any] = {"bootstrap_servers": bootstrap_servers.split(",")}
    protocol = os.environ.get("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    options["security_protocol"] = protocol
    if protocol.endswith("SSL"):
        options["ssl_context"] = create_default_context(cafile=os.environ.get("KAFKA_SSL_CAFILE"))
    if protocol.startswith("SASL"):
        options["sasl_mechanism"] = os.environ.get("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512")
        options["sasl_plain_username"] = os.environ["KAFKA_SASL_USERNAME"]
        options["sasl_plain_password"] = os.environ["KAFKA_SASL_PASSWORD"]
    return options


@asynccontextmanager
async def admin_client(bootstrap_servers: str) -> AsyncIterator[AIOKafkaAdminClient]:
    # The client's own timeout is longer than ours, so that ours decides.
    admin = AIOKafkaAdminClient(**client_options(bootstrap_servers), metadata_max_age_ms=5_000)
    try:
        await asyncio.wait_for(admin.start(), REQUEST_TIMEOUT)
        yield admin
    finally:
        await admin.close()


async def cluster_id_of(admin: AIOKafkaAdminClient) -> str:
    """Which cluster answers now: another id means that the old broker's data are gone."""
    described = await asyncio.wait_for(admin.describe_cluster(), REQUEST_TIMEOUT)
    return str(described["cluster_id"])


async def ensure_topics(bootstrap_servers: str, prefix: str = "") -> None:
    """Create the declared topics that are missing; safe to run by everyone at once."""
    async with admin_client(bootstrap_servers) as admin:
        described = await asyncio.wait_for(admin.describe_cluster(), REQUEST_TIMEOUT)
        existing = set(await asyncio.wait_for(admin.list_topics(), REQUEST_TIMEOUT))
        missing = [topic for topic in declared_topics() if prefix + topic.name not in existing]
        if not missing:
            return
        brokers = len(described["brokers"])
        response = await asyncio.wait_for(
            admin.create_topics(
                [
                    NewTopic(
                        prefix + topic.name, topic.partitions, min(topic.replicas, brokers), topic_configs=topic.config
                    )
                    for topic in missing
                ],
                timeout_ms=int(REQUEST_TIMEOUT * 1000),
            ),
            REQUEST_TIMEOUT * 2,
        )
    for name, code, *message in response.topic_errors:
        error = for_code(code)
        # Whoever may not create topics works with what an administrator made; a missing one shows on first use.
        if code and error not in (TopicAlreadyExistsError, TopicAuthorizationFailedError):
            raise KafkaError(f"topic {name} was not created: {error.__name__} {message}")
