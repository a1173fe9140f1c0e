"""Traces that continue across services, Kafka and mail, and the request metrics of Prometheus."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import structlog
from opentelemetry import context as contexts
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS = Histogram(
    "lienvung_request_seconds",
    "Time of a request, by route",
    ["service", "method", "route", "status"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)

_tracer = trace.get_tracer("shared.http")
_NO_PARENT = Context()
_CARRIED = (b"traceparent", b"tracestate")


def configure(service: str, otlp_endpoint: str | None = None) -> None:
    """Spans get identifiers always, and are recorded and exported where there is somebody to take them."""
    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return
    if not otlp_endpoint:
        trace.set_tracer_provider(_IdentifyingProvider())
        return
    # Imported here: a role that exports nothing need not carry an HTTP client and an encoding for it.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=f"{otlp_endpoint.rstrip('/')}/v1/traces")))
    trace.set_tracer_provider(provider)


def current_trace_id() -> str | None:
    """For problem documents, so that a user's complaint finds its log lines."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


class RequestTelemetry:
    """Plain ASGI: a span and a duration for every request."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self._app = app
        self._durations = _Durations(service)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        status = 500

        async def observe(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        structlog.contextvars.clear_contextvars()
        span = _tracer.start_span(scope["method"], context=_parent(scope), kind=trace.SpanKind.SERVER)
        current = contexts.attach(trace.set_span_in_context(span))
        try:
            await self._app(scope, receive, observe)
        except Exception as error:
            span.record_exception(error)
            span.set_status(trace.StatusCode.ERROR)
            raise
        finally:
            route = _route(scope)
            if span.is_recording():
                span.update_name(f"{scope['method']} {route}")
                span.set_attribute("http.response.status_code", status)
            span.end()
            contexts.detach(current)
            self._durations.observe(scope["method"], route, status, perf_counter() - started)


class _Durations:
    """The histogram's series by what tells them apart: looking one up by its labels costs more than counting."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._series: dict[tuple[str, str, int], Any] = {}

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        key = (method, route, status)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = REQUESTS.labels(self._service, method, route, str(status))
        series.observe(seconds)


class _IdentifyingProvider(trace.TracerProvider):
    """Spans that are nothing but their identifiers, at a tenth of the price of recording what nobody will read."""

    def __init__(self) -> None:
        self._tracer = _IdentifyingTracer()

    def get_tracer(self, *_: Any, **__: Any) -> trace.Tracer:
        return self._tracer


class _IdentifyingTracer(trace.Tracer):
    def __init__(self) -> None:
        self._ids = RandomIdGenerator()

    def start_span(self, name: str, context: Context | None = None, *_: Any, **__: Any) -> trace.Span:
        parent = trace.get_current_span(context).get_span_context()
        # Sampled unless the caller decided otherwise: a service further on may well have an exporter.
        flags = parent.trace_flags if parent.is_valid else trace.TraceFlags(trace.TraceFlags.SAMPLED)
        return trace.NonRecordingSpan(
            trace.SpanContext(
                trace_id=parent.trace_id if parent.is_valid else self._ids.generate_trace_id(),
                span_id=self._ids.generate_span_id(),
                is_remote=False,
                trace_flags=flags,
                trace_state=parent.trace_state,
            )
        )

    @contextmanager
    def start_as_current_span(  # type: ignore[override]  # the API's own kind of context manager is private
        self, name: str, context: Context | None = None, *_: Any, **__: Any
    ) -> Iterator[trace.Span]:
        with trace.use_span(self.start_span(name, context)) as span:
            yield span


def _parent(scope: Scope) -> Context:
    carrier = {name.decode(): value.decode("latin-1") for name, value in scope["headers"] if name in _CARRIED}
    return propagate.extract(carrier, context=_NO_PARENT) if carrier else _NO_PARENT


def _route(scope: Scope) -> str:
    # Never the path itself: every identifier would become a time series.
    return getattr(scope.get("route"), "path", "unknown")
