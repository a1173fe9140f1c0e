"""Settings of the reporting service."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment with the prefix REPORTING_, but for what all services share."""

    model_config = SettingsConfigDict(env_prefix="REPORTING_", populate_by_name=True, extra="ignore")

    service_name: str = "reporting"
    render_lease_seconds: float = Field(
        default=20,
        gt=0,
        description="How long a renderer that stopped answering keeps its report from the others; a living one"
        " prolongs it.",
    )
    render_settle_seconds: float = Field(
        default=0.3,
        ge=0,
        description="A report holds whatever was sent until so long after it was asked for: the time that an event"
        " needs from its commit to Kafka.",
    )
    render_timeout_seconds: float = Field(default=60, gt=0, description="After how long one document is given up.")
    render_attempts: int = Field(default=3, ge=1, description="How often a report is tried before it fails.")
    render_retry_seconds: float = Field(
        default=2, gt=0, description="Pause after a failed attempt; twice as long after each further one."
    )
    renders_per_worker: int = Field(
        default=25, ge=1, description="Documents after which a worker process is replaced: Typst's memory grows."
    )
    render_memory_mb: int = Field(
        default=1024, ge=256, description="Address space a worker process may take for one document."
    )
    render_poll_seconds: float = Field(default=0.25, gt=0, description="How often an idle renderer looks for work.")
    progress_poll_seconds: float = Field(
        default=0.5, gt=0, description="How often a stream of a report's progress looks for news."
    )
