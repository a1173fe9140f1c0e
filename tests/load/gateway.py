"""What the gateway costs: the same answer straight from a service, through a bare Envoy, through ours."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from lienvung.gateway import GatewaySettings, RateLimit, envoy_command, prepare
from lienvung.postgres import free_port
from tests.load.client import Load, request, run_load
from tests.load.rounds import Measure, alternate
from tests.load.stack import Bench, task_id
from tests.load.table import Row, rate_row

ROUNDS = 3
SECONDS = 1.5
WARM_UP = 0.5
CONNECTIONS = 16
PLAIN_WANTED = 0.45
PRODUCT_WANTED = 0.27
UNLIMITED = RateLimit(quota=2**31, window_seconds=1)

# As little of Envoy as can pass a request on.
_PLAIN = """
static_resources:
  listeners:
  - address: {{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: plain
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes: [{{match: {{prefix: "/"}}, route: {{cluster: service}}}}]
          http_filters:
          - name: envoy.filters.http.router
            typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}
  clusters:
  - name: service
    load_assignment:
      cluster_name: service
      endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{pipe: {{path: "{socket}"}}}}}}}}]}}]
"""


async def measure(bench: Bench) -> list[Row]:
    """The rows of both, each against the direct way."""
    async with _upstream(bench) as (direct, socket), _plain(bench, socket) as plain, _product(bench, socket) as ours:
        target = f"/v1/tasks/{task_id(0)}"
        headers = {"Authorization": f"Bearer {bench.token(bench.actor())}"}
        reached = await alternate(
            ROUNDS,
            {
                name: _load(address, target, headers)
                for name, address in (("direct", direct), ("plain", plain), ("ours", ours))
            },
        )
    return [
        rate_row(
            "gateway: Envoy, nothing but routing",
            reached["plain"],
            reached["direct"],
            "direct",
            at_least=PLAIN_WANTED,
        ),
        rate_row(
            "gateway: ours, with JWT, limits and CORS",
            reached["ours"],
            reached["direct"],
            "direct",
            at_least=PRODUCT_WANTED,
        ),
    ]


def _load(address: str, target: str, headers: dict[str, str]) -> Measure:
    # Each its own socket address of the same loopback: a caller is counted, and never refused.
    load = Load(address, [[request("GET", target, headers)]] * CONNECTIONS, SECONDS, WARM_UP)

    async def measured() -> float:
        return (await run_load(load)).rate

    return measured


@asynccontextmanager
async def _upstream(bench: Bench) -> AsyncIterator[tuple[str, Path]]:
    """A service that answers at once: to callers at a port, to the gateways at a Unix socket as services do."""
    socket, port = bench.sockets / "upstream.sock", free_port()
    command = (sys.executable, "-m", "tests.load.still_app", str(socket), str(port), str(bench.jwks))
    async with bench.process("upstream", command, bench.plain_environment()) as running:
        yield await bench.answering(port, running), socket


@asynccontextmanager
async def _plain(bench: Bench, socket: Path) -> AsyncIterator[str]:
    port = free_port()
    config = bench.folder / "plain-envoy.yaml"
    config.write_text(_PLAIN.format(port=port, socket=socket))
    async with bench.process("plain-envoy", envoy_command(config), bench.plain_environment()) as running:
        yield await bench.answering(port, running)


@asynccontextmanager
async def _product(bench: Bench, socket: Path) -> AsyncIterator[str]:
    port = free_port()
    settings = GatewaySettings(
        listen_port=port,
        agreements_api=f"unix:{socket}",
        notifier=f"unix:{socket}",
        reporting=f"unix:{socket}",
        jwks_path=bench.jwks,
        directory=bench.folder / "gateway",
        access_log=str(bench.folder / "gateway-access.log"),
        address_limit=UNLIMITED,
        subject_limit=UNLIMITED,
    )
    document = json.loads('{"openapi": "3.1.0", "info": {"title": "bench", "version": "1"}, "paths": {}}')
    command = envoy_command(prepare(settings, openapi=document))
    async with bench.process("gateway", command, bench.plain_environment()) as running:
        yield await bench.answering(port, running)
