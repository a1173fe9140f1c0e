"""Settings of agreements-api."""

from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import SettingsConfigDict

from agreements_api.documents.media_types import MediaType
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
        default=5,
        gt=0,
        le=3600,
        description="How often the role `lifecycle` looks for signings and terms that end, and tasks that come again.",
    )
    lifecycle_batch: int = Field(
        default=50,
        ge=1,
        le=1000,
        description="Agreements that the role `lifecycle` ends, or tasks that it repeats, in one transaction.",
    )
    response_working_days: int = Field(
        default=5,
        ge=1,
        le=60,
        description="Working days in which coordinating parties can answer a submission, unless their agreement sets"
        " others; afterwards they count as having confirmed.",
    )
    obstacle_working_days: int = Field(
        default=5,
        ge=1,
        le=120,
        description="Working days in which a measure against an obstacle is to be planned, or the obstacle resolved;"
        " afterwards it goes to the body above.",
    )
    urging_working_days: int = Field(
        default=3,
        ge=1,
        le=60,
        description="Working days in which an urging or a request for an explanation is answered.",
    )
    report_working_days: int = Field(
        default=5,
        ge=0,
        le=60,
        description="Working days after the end of an official period until which a worklist calls for its report.",
    )
    succession_poll_seconds: float = Field(
        default=5, gt=0, le=3600, description="How often the role `succession` looks for successions to carry out."
    )
    succession_batch: int = Field(
        default=20, ge=1, le=500, description="Agreements that the role `succession` re-points in one transaction."
    )
    documents_url: str = Field(
        default="documents", description="Where uploaded documents are kept: a folder, or `s3://bucket/prefix`."
    )
    documents_s3_endpoint: str | None = Field(
        default=None, description="Address of the S3-compatible store; without one it is Amazon's."
    )
    documents_s3_region: str = Field(default="us-east-1", description="Region of the bucket.")
    documents_s3_access_key_id: str | None = Field(default=None, description="Key to the bucket.", repr=False)
    documents_s3_secret_access_key: str | None = Field(
        default=None, description="Secret of the key to the bucket.", repr=False
    )
    document_limit: int = Field(
        default=50 * 1024 * 1024, ge=1, description="Bytes of one document; the gateway's limit is to be above it."
    )
    document_types: list[MediaType] = Field(
        default_factory=lambda: list(MediaType),
        min_length=1,
        description="Types of documents that are taken, as a JSON list; by default all of docs/documents.md.",
    )
    document_uploads_at_once: int = Field(
        default=16, ge=1, description="Documents that a process receives at the same time; each is a temporary file."
    )
    document_link_seconds: int = Field(
        default=300, ge=1, le=86_400, description="How long a link to a content is good."
    )
    scanner_address: str | None = Field(
        default=None,
        description="Where clamd listens: host:port or unix:/path; without one, documents are not scanned.",
    )
    scanner_timeout_seconds: float = Field(
        default=60, gt=0, description="How long the scanner may be silent before the scan is tried again later."
    )
    scan_poll_seconds: float = Field(
        default=2, gt=0, le=3600, description="How often the role `scan` looks for documents to scan."
    )
    scan_retry_seconds: float = Field(
        default=30, gt=0, description="Pause after a scan that failed; each further one doubles it, up to an hour."
    )
    document_sweep_seconds: float = Field(
        default=3600, gt=0, description="How often the role `scan` looks for contents that nothing refers to."
    )
    document_grace_seconds: float = Field(
        default=3600, ge=0, description="How long a content may lie in the store before something refers to it."
    )
    import_max_mb: int = Field(default=10, ge=1, le=100, description="Megabytes of an imported file.")
    import_max_rows: int = Field(default=10_000, ge=1, le=50_000, description="Rows of an imported file.")
    import_max_columns: int = Field(default=100, ge=10, le=1000, description="Columns of an imported file.")
    import_unpacked_mb: int = Field(
        default=100, ge=1, le=1000, description="Megabytes that a workbook may have once it is unpacked."
    )
    import_memory_mb: int = Field(
        default=512, ge=128, le=4096, description="Address space of the process that reads an imported file."
    )
    import_cpu_seconds: int = Field(default=60, ge=1, le=3600, description="Time on a core for reading a file.")
    import_timeout_seconds: float = Field(default=120, gt=0, le=3600, description="Time for reading a file.")
    import_errors_kept: int = Field(
        default=1000, ge=1, le=10_000, description="Errors and notices of an import that are kept; all are counted."
    )
    import_keep_hours: float = Field(
        default=72, gt=0, le=8760, description="How long a checked import waits to be committed; then its file goes."
    )
    import_poll_seconds: float = Field(
        default=1, gt=0, le=3600, description="How often the role `imports` looks for imports to work on."
    )
    progress_poll_seconds: float = Field(
        default=0.5, gt=0, le=60, description="How often a stream of an import's progress looks for news."
    )
    import_lease_seconds: float = Field(
        default=30, ge=1, le=3600, description="After this time without a sign of its worker an import is taken over."
    )
    import_attempts: int = Field(default=3, ge=1, le=100, description="Workers that may die over one import.")
    import_batch: int = Field(default=200, ge=1, le=1000, description="Tasks that are written between two signs.")
    operator_password: str | None = Field(
        default=None,
        validation_alias=AliasChoices("LIENVUNG_OPERATOR_PASSWORD", "operator_password"),
        description="Password that `create-operator` gives; nothing else reads it.",
        repr=False,
    )
