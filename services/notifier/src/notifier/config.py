"""Settings of the notifier."""

from datetime import timedelta
from email.headerregistry import Address
from email.utils import parseaddr

from pydantic import AliasChoices, Field, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment with the prefix NOTIFIER_, but for what all services share and SMTP_URL, MAIL_FROM."""

    model_config = SettingsConfigDict(env_prefix="NOTIFIER_", populate_by_name=True, extra="ignore")

    service_name: str = "notifier"

    smtp_url: str = Field(
        default="smtp://127.0.0.1:1025",
        validation_alias=AliasChoices("SMTP_URL", "smtp_url"),
        pattern=r"^smtps?://",
        description="Mail server: `smtp://[user:password@]host:port` (STARTTLS where offered) or `smtps://…`.",
        repr=False,
    )
    mail_from: str = Field(
        default="Liên Vùng <khong-tra-loi@lienvung.example>",
        validation_alias=AliasChoices("MAIL_FROM", "mail_from"),
        description="Sender of every mail; its domain also stands in the Message-ID.",
    )

    fire_hour: int = Field(
        default=8, ge=0, le=23, description="Hour of the day in Vietnam at which the alerts of a day go out."
    )
    horizon_hours: int = Field(default=48, ge=1, description="How far ahead the steps of deadlines are planned.")
    reconcile_seconds: float = Field(
        default=300, gt=0, description="How often the steps within the horizon are derived from the deadlines again."
    )
    schedule_poll_seconds: float = Field(default=0.25, gt=0, description="How often an idle scheduler looks for work.")
    schedule_batch: int = Field(default=500, ge=1, le=5000, description="Steps that a scheduler claims at a time.")
    schedule_lease_seconds: float = Field(
        default=30, gt=0, description="How long a scheduler may hold a batch before another one takes it over."
    )

    send_connections: int = Field(
        default=1,
        ge=1,
        le=20,
        description="Connections of one sender process. A killed process may double one mail for each of them;"
        " more processes instead of more connections keep that at one a kill.",
    )
    send_poll_seconds: float = Field(default=0.25, gt=0, description="How often an idle sender looks for work.")
    send_timeout_seconds: float = Field(default=30, gt=0, description="After how long one attempt is given up.")
    send_lease_seconds: float = Field(
        default=120, gt=0, description="How long a sender may hold a mail; must be above the timeout."
    )
    send_attempts: int = Field(
        default=8, ge=1, description="How often a mail is offered to a server that refuses it for the moment."
    )
    send_backoff_seconds: float = Field(
        default=15, gt=0, description="Pause after the first refusal; doubled after each further one, up to an hour."
    )

    feed_retention_days: int = Field(default=90, ge=1, description="How long events stay in the feed.")
    feed_poll_seconds: float = Field(
        default=0.25, gt=0, description="How often a process with open event streams looks for new events."
    )
    feed_heartbeat_seconds: float = Field(
        default=15, gt=0, description="Pause between the comments that keep an idle event stream open."
    )

    feed_stream_seconds: float = Field(
        default=900,
        gt=0,
        description="After how long an event stream is closed, for its client to come back with a"
        " fresh token and its last event's id.",
    )

    @field_validator("mail_from")
    @classmethod
    def _has_an_address(cls, value: str) -> str:
        name, address = parseaddr(value)
        Address(display_name=name, addr_spec=address)
        if not address.isascii() or "@" not in address:
            raise ValueError("mail_from needs an ASCII address")
        return value

    @model_validator(mode="after")
    def _lease_outlives_the_attempt(self) -> "Settings":
        if self.send_lease_seconds <= self.send_timeout_seconds:
            raise ValueError("send_lease_seconds must be above send_timeout_seconds")
        return self

    @property
    def horizon(self) -> timedelta:
        return timedelta(hours=self.horizon_hours)
