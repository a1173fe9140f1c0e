"""Settings that every service has; each service adds its own. All are listed in docs/operations.md."""

from enum import StrEnum
from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings


class Environment(StrEnum):
    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class ServiceSettings(BaseSettings):
    """A subclass gives the prefix of what is its own; what all services share has no prefix."""

    service_name: str = "service"
    database_url: str = Field(
        description="postgresql:// address with the application role, which owns no table.", repr=False
    )
    migration_database_url: str | None = Field(
        default=None, description="The same database with its owner's role; only `migrate` needs it.", repr=False
    )
    pool_size: int = Field(default=10, ge=1, le=200, description="Connections of a process, for each of its two pools.")

    kafka_bootstrap_servers: str = Field(
        default="127.0.0.1:9092",
        validation_alias=AliasChoices("KAFKA_BOOTSTRAP_SERVERS", "kafka_bootstrap_servers"),
        description="Brokers as host:port, separated by commas.",
    )
    kafka_topic_prefix: str = Field(
        default="",
        validation_alias=AliasChoices("KAFKA_TOPIC_PREFIX", "kafka_topic_prefix"),
        description="Put before every topic and consumer group, so that installations can share a cluster.",
    )
    environment: Environment = Field(
        default=Environment.PRODUCTION,
        validation_alias=AliasChoices("LIENVUNG_ENVIRONMENT", "environment"),
        description="`development`, `test` or `production`; the product's clock moves only in the first two.",
    )
    jwks_path: Path = Field(
        default=Path("jwks.json"),
        validation_alias=AliasChoices("JWKS_PATH", "jwks_path"),
        description="File with the public keys of access tokens; read again when an unknown key id comes.",
    )
    public_url: str = Field(
        default="http://127.0.0.1:8080",
        validation_alias=AliasChoices("PUBLIC_URL", "public_url"),
        description="Address of the gateway as its users see it; links in mails and reports begin with it.",
    )
    otlp_endpoint: str | None = Field(
        default=None,
        validation_alias=AliasChoices("OTEL_EXPORTER_OTLP_ENDPOINT", "otlp_endpoint"),
        description="Where traces go (OTLP over HTTP); without it none are exported.",
    )
    log_level: str = Field(
        default="INFO",
        validation_alias=AliasChoices("LOG_LEVEL", "log_level"),
        pattern="^(DEBUG|INFO|WARNING|ERROR)$",
        description="The least level that is logged.",
    )
