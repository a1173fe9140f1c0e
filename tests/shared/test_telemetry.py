"""Every request has a trace, continued from its caller, and is counted under its route."""

import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry import propagate, trace
from prometheus_client import REGISTRY

from shared import telemetry

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def http() -> httpx.AsyncClient:
    telemetry.configure("telemetry-test")
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.get("/things/{number}")
    async def read_thing(number: int) -> dict[str, Any]:
        carrier: dict[str, str] = {}
        propagate.inject(carrier)
        return {**carrier, "trace_id": telemetry.current_trace_id()}

    app.add_middleware(telemetry.RequestTelemetry, service="telemetry-test")
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://lienvung.test")


async def test_a_request_without_a_trace_begins_one(http: httpx.AsyncClient) -> None:
    first, second = (await http.get("/things/1")).json(), (await http.get("/things/1")).json()

    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", first["traceparent"])
    assert first["traceparent"].split("-")[1] == first["trace_id"]
    assert first["trace_id"] != second["trace_id"]


@pytest.mark.parametrize("flags", ["00", "01"])
async def test_a_callers_trace_goes_on_under_a_new_span(http: httpx.AsyncClient, flags: str) -> None:
    given = {"traceparent": f"00-{TRACE}-{SPAN}-{flags}", "tracestate": "gateway=1"}
    told = (await http.get("/things/1", headers=given)).json()

    version, trace_id, span_id, told_flags = told["traceparent"].split("-")
    assert (version, trace_id, told_flags) == ("00", TRACE, flags)
    assert span_id != SPAN
    assert told["tracestate"] == "gateway=1"


async def test_a_broken_trace_is_begun_anew(http: httpx.AsyncClient) -> None:
    told = (await http.get("/things/1", headers={"traceparent": f"00-{'0' * 32}-{SPAN}-01"})).json()
    assert told["trace_id"] not in (None, "0" * 32)


async def test_a_request_leaves_no_trace_behind(http: httpx.AsyncClient) -> None:
    before = trace.get_current_span()
    await http.get("/things/1")
    assert trace.get_current_span() is before


async def test_requests_are_counted_by_route_and_never_by_path(http: httpx.AsyncClient) -> None:
    labels = {"service": "telemetry-test", "method": "GET", "route": "/things/{number}", "status": "200"}
    before = REGISTRY.get_sample_value("lienvung_request_seconds_count", labels) or 0
    await http.get("/things/1")
    await http.get("/things/2")
    await http.get("/nowhere/at/all")

    assert REGISTRY.get_sample_value("lienvung_request_seconds_count", labels) == before + 2
    unknown = {**labels, "route": "unknown", "status": "404"}
    assert REGISTRY.get_sample_value("lienvung_request_seconds_count", unknown)


def test_spans_of_work_without_a_request_carry_identifiers_on() -> None:
    telemetry.configure("telemetry-test")
    tracer = trace.get_tracer("test")
    with tracer.start_as_current_span("outer", attributes={"events": 3}) as outer:
        with tracer.start_as_current_span("inner") as inner:
            assert inner.get_span_context().trace_id == outer.get_span_context().trace_id
            assert inner.get_span_context().span_id != outer.get_span_context().span_id
        assert trace.get_current_span() is outer
