"""Traces that continue across services, Kafka and mail, and the request metrics of Prometheus."""

from time import perf_counter

import structlog
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS = Histogram(
    "lienvung_request_seconds",
    "Time of a request, by route",
    ["service", "method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)

_tracer = trace.get_tracer("shared.http")


def configure(service: str, otlp_endpoint: str | None = None) -> None:
    """Spans get identifiers always, and are exported where there is somebody to take them."""
    if isinstance(trace.get_tracer_provider(), TracerProvider):
        return
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    if otlp_endpoint:
        provider.add_span_processor(
            BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces"))
        )
    trace.set_tracer_provider(provider)


def current_trace_id() -> str | None:
    """For problem documents, so that a user's complaint finds its log lines."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


class RequestTelemetry:
    """Plain ASGI: a span and a duration for every request."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        carrier = {
            name.decode("latin-1"): value.decode("latin-1")
            for name, value in scope["headers"]
            if name in (b"traceparent", b"tracestate")
        }
        method = scope["method"]
        status = 500

        async def observe(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        structlog.contextvars.clear_contextvars()
        with (
            _tracer.start_as_current_span(
                f"{method}", context=propagate.extract(carrier), kind=trace.SpanKind.SERVER
            ) as span,
            _Timer(self._service, scope) as timer,
        ):
            try:
                await self._app(scope, receive, observe)
            finally:
                timer.status = status
                route = timer.route()
                if span.is_recording():
                    span.update_name(f"{method} {route}")
                    span.set_attribute("http.response.status_code", status)


class _Timer:
    def __init__(self, service: str, scope: Scope) -> None:
        self._service = service
        self._scope = scope
        self._started = 0.0
        self.status = 500

    def route(self) -> str:
        # Never the path itself: every identifier would become a time series.
        return getattr(self._scope.get("route"), "path", "unknown")

    def __enter__(self) -> "_Timer":
        self._started = perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        REQUESTS.labels(self._service, self._scope["method"], self.route(), str(self.status)).observe(
            perf_counter() - self._started
        )
