"""One stack a clone, on a port that is free, and words that say so."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from lienvung.postgres import PostgresError
from lienvung.processes import Ledger
from lienvung.stack import Ports, Stack, StackError
from lienvung.up import AlreadyRunning, is_running, last_environment, sole_owner
from tests.parts import Cluster


def lienvung(run_dir: Path, *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", "from lienvung.cli import app; app()", *arguments],
        env={**os.environ, "LIENVUNG_RUN_DIR": str(run_dir), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_second_start_in_the_same_folder_names_the_first(tmp_path: Path) -> None:
    with sole_owner(tmp_path, "development"):
        second = lienvung(tmp_path, "up")
    assert second.returncode == 1
    assert f"process {os.getpid()}" in second.stderr


def test_the_folder_is_free_again_once_its_owner_is_gone(tmp_path: Path) -> None:
    with sole_owner(tmp_path, "production"), pytest.raises(AlreadyRunning), sole_owner(tmp_path, "development"):
        pass
    with sole_owner(tmp_path, "development"):
        assert is_running(tmp_path)
        assert last_environment(tmp_path) == "development"


def test_a_number_that_somebody_else_has_now_is_not_a_running_stack(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text(json.dumps({"pid": os.getpid(), "started": 1.0}))
    assert not is_running(tmp_path)
    assert "Nothing runs here" in lienvung(tmp_path, "down").stdout


def test_a_taken_port_is_named_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        outcome = lienvung(tmp_path, "up", GATEWAY_PORT=str(port))
    assert outcome.returncode == 1
    assert f"Port {port} is taken" in outcome.stdout
    assert not (tmp_path / "postgres").exists()


async def test_a_stack_that_cannot_start_leaves_nothing_running(tmp_path: Path, cluster: Cluster) -> None:
    forged = cluster.admin_url.replace("//postgres:", "//postgres:not", 1)
    stack = Stack(tmp_path, postgres_url=forged)
    with pytest.raises(PostgresError, match="refused the user"):
        await stack.start()
    with pytest.raises(StackError, match="not running"):
        _ = stack.processes


def test_a_port_is_kept_for_the_next_start_unless_it_is_taken(tmp_path: Path) -> None:
    ports = Ports(tmp_path / "ports.json")
    port = ports.of("kafka")
    assert ports.of("kafka") == port
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        assert ports.of("kafka") != port


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_whatever_ends_the_start_leaves_no_process_behind(tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", "from lienvung.cli import app; app()", "up", "--no-demo"]
    environment = {**os.environ, "LIENVUNG_RUN_DIR": str(tmp_path), "GATEWAY_PORT": "0"}
    starter = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert starter.stdout is not None
        assert any("postgres" in line and "ready" in line for line in starter.stdout)
        (ledger,) = (tmp_path / "ledger").iterdir()
        (postgres,) = Ledger(ledger).running().values()
        starter.send_signal(number)
        starter.wait(60)
    finally:
        starter.kill()
        starter.communicate()
    gone, alive = psutil.wait_procs([postgres], timeout=30)
    assert (gone, alive) == ([postgres], [])
    assert not is_running(tmp_path)
