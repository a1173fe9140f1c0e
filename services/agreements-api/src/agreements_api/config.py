"""Settings of agreements-api."""

from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment with the prefix AGREEMENTS_API_, but for what all services share."""

    model_config = SettingsConfigDict(env_prefix="AGREEMENTS_API_", populate_by_name=True, extra="ignore")

    service_name: str = "agreements-api"
    keys_dir: Path = Field(
        default=Path("keys"), description="Private keys that sign access tokens; `keys rotate` writes there."
    )
    access_token_minutes: float = Field(
        default=15, gt=0, le=1440, description="How long an access token is good; a role taken away lives as long."
    )
    session_days: float = Field(
        default=30, gt=0, le=366, description="How long a sign-in can be renewed by refresh tokens."
    )
    secret_overlap_hours: float = Field(
        default=24, ge=0, le=720, description="How long a client's old secret stays good after a rotation."
    )
    invitation_hours: float = Field(
        default=72, gt=0, le=720, description="How long a person can accept an invitation and choose a password."
    )
    hashes_at_once: int = Field(
        default=2, ge=1, le=64, description="Passwords hashed at the same time: each takes a core and 64 MiB."
    )
    hashes_waiting: int = Field(
        default=64, ge=0, description="Sign-ins that may wait for their turn; what comes on top is answered with 429."
    )
    sign_in_failures: int = Field(
        default=10, ge=1, description="Wrong passwords for one name in a quarter of an hour, in each process."
    )
    lifecycle_poll_seconds: float = Field(
        default=5, gt=0, le=3600, description="How often the role `lifecycle` looks for signings and terms that end."
    )
    lifecycle_batch: int = Field(
        default=50, ge=1, le=1000, description="Agreements that the role `lifecycle` ends in one transaction."
    )
    succession_poll_seconds: float = Field(
        default=5, gt=0, le=3600, description="How often the role `succession` looks for successions to carry out."
    )
    succession_batch: int = Field(
        default=20, ge=1, le=500, description="Agreements that the role `succession` re-points in one transaction."
    )
    operator_password: str | None = Field(
        default=None,
        validation_alias=AliasChoices("LIENVUNG_OPERATOR_PASSWORD", "operator_password"),
        description="Password that `create-operator` gives; nothing else reads it.",
        repr=False,
    )
