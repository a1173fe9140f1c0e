"""Settings of the local stack, read from the environment; docs/operations.md lists them."""

from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.settings import Environment

_CLONE = Path(__file__).parents[4]


class StackSettings(BaseSettings):
    """What whoever starts the product may choose; everything has a default."""

    model_config = SettingsConfigDict(populate_by_name=True, extra="ignore", env_ignore_empty=True)

    run_dir: Path = Field(
        default_factory=lambda: (_CLONE if (_CLONE / "Makefile").exists() else Path.cwd()) / ".run",
        validation_alias=AliasChoices("LIENVUNG_RUN_DIR", "run_dir"),
        description="Folder that everything is written to.",
    )
    gateway_port: int = Field(
        default=8080,
        ge=0,
        le=65535,
        validation_alias=AliasChoices("GATEWAY_PORT", "gateway_port"),
        description="Port of the gateway on loopback; 0 takes a free one.",
    )
    postgres_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("LIENVUNG_POSTGRES_URL", "postgres_url"),
        description="A PostgreSQL server (15 or newer) to use instead of the embedded one: an address whose user may "
        "create roles and databases.",
        repr=False,
    )
    kafka_bootstrap_servers: str | None = Field(
        default=None,
        validation_alias=AliasChoices("KAFKA_BOOTSTRAP_SERVERS", "kafka_bootstrap_servers"),
        description="Brokers to use instead of the embedded one.",
    )
    smtp_url: str | None = Field(
        default=None,
        validation_alias=AliasChoices("SMTP_URL", "smtp_url"),
        description="Mail server to use instead of the one that keeps messages as files.",
        repr=False,
    )
    demo: bool = Field(
        default=True,
        validation_alias=AliasChoices("DEMO", "demo"),
        description="Whether the first start plays the story of Conclusion 352.",
    )
    exit_after_story: bool = Field(
        default=False,
        validation_alias=AliasChoices("LIENVUNG_EXIT_AFTER_STORY", "exit_after_story"),
        description="Stop once the story was told: exit code 0 if every step came out, else 1.",
    )
    environment: Environment = Field(
        default=Environment.DEVELOPMENT,
        validation_alias=AliasChoices("LIENVUNG_ENVIRONMENT", "environment"),
        description="Given to the services; in `production` the product's clock does not move.",
    )
