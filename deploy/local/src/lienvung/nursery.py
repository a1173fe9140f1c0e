"""A process that has imported a service once and forks its roles: they start at once and share what was imported."""

import contextlib
import gc
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from lienvung.processes import GRACE_SECONDS, Launch, Ledger, same_process, spawn, start_of

READY_SECONDS = 120.0
FORK_SECONDS = 15.0
POLL_SECONDS = 0.02
# What `ps` shows as a process's name, at most.
NAME_LENGTH = 15


class NurseryError(RuntimeError):
    """A process could not be forked; the message says why."""


@dataclass(frozen=True)
class Fork:
    """Commands of a service that a process forked from its nursery runs one after the other."""

    nursery: "Nursery"
    commands: tuple[tuple[str, ...], ...]
    environment: Mapping[str, str]
    stop_signal: int = signal.SIGTERM
    grace: float = GRACE_SECONDS


class Forked:
    """A forked process, for whoever would otherwise hold a Popen."""

    def __init__(self, pid: int, nursery: "subprocess.Popen[bytes]") -> None:
        self.pid = pid
        self._started = start_of(pid)
        self._nursery = nursery
        self._code: int | None = None
        self._ended = threading.Event()

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it runs."""
        orphaned = self._code is None and self._nursery.poll() is not None
        if orphaned and same_process(self.pid, self._started) is None:
            # The nursery would have told what it ended with; without it nobody knows.
            self.end(-signal.SIGKILL)
        return self._code

    def wait(self) -> int:
        while (code := self.poll()) is None:
            self._ended.wait(POLL_SECONDS)
        return code

    def end(self, code: int) -> None:
        """Its nursery tells that it ended."""
        self._code = code
        self._ended.set()


class Nursery:
    """The nursery of one module with a Typer `app`; it starts when it is first needed, and again if it was killed."""

    def __init__(self, module: str, *, log: Path, ledger: Ledger, environment: Mapping[str, str]) -> None:
        self._module = module
        self._log = log
        self._ledger = ledger
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None
        self._children: dict[int, Forked] = {}
        # Whoever ends before the answer to its fork was read.
        self._early: dict[int, int] = {}
        self._lock = threading.Lock()
        self._answered = threading.Condition()
        self._answers: list[dict[str, Any]] = []

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def fork(self, name: str, fork: Fork, *, log: Path) -> Forked:
        """Start a process; blocks for the import where the nursery has to be started first."""
        with self._lock:
            process = self._running()
            request = {
                "name": name,
                "commands": fork.commands,
                "environment": dict(fork.environment),
                "log": str(log),
            }
            assert process.stdin is not None
            log.touch()
            try:
                process.stdin.write(json.dumps(request).encode() + b"\n")
                process.stdin.flush()
            except BrokenPipeError:
                raise NurseryError(f"the nursery of {self._module} is gone") from None
            child = self._adopt(int(self._next_answer(FORK_SECONDS)["started"]), process)
        self._ledger.enter(name, child.pid, fork)
        return child

    def stop(self) -> None:
        """End the nursery; what it forked goes on."""
        if self._process is None:
            return
        with contextlib.suppress(BrokenPipeError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        self._process.wait()
        self._ledger.strike(self._process.pid)
        self._process = None

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is not None and self._process.poll() is None:
            return self._process
        self._answers.clear()
        launch = Launch((sys.executable, "-m", "lienvung.nursery", self._module), self._environment)
        name = f"nursery-{self._module.partition('.')[0]}"
        process = spawn(name, launch, log=self._log, ledger=self._ledger, pipes=True)
        self._process = process
        threading.Thread(target=self._listen, args=(process,), name=name, daemon=True).start()
        self._next_answer(READY_SECONDS)
        return process

    def _adopt(self, pid: int, process: "subprocess.Popen[bytes]") -> Forked:
        with self._answered:
            child = Forked(pid, process)
            if pid in self._early:
                child.end(self._early.pop(pid))
            else:
                self._children[pid] = child
        return child

    def _listen(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        for line in process.stdout:
            answer = json.loads(line)
            with self._answered:
                if "ended" not in answer:
                    self._answers.append(answer)
                elif child := self._children.pop(answer["ended"], None):
                    child.end(answer["code"])
                else:
                    self._early[answer["ended"]] = answer["code"]
                self._answered.notify_all()
        with self._answered:
            self._answered.notify_all()

    def _next_answer(self, seconds: float) -> dict[str, Any]:
        process = self._process
        assert process is not None
        with self._answered:
            self._answered.wait_for(lambda: self._answers or process.poll() is not None, seconds)
            if not self._answers:
                raise NurseryError(f"the nursery of {self._module} does not answer; its log is {self._log}")
            return self._answers.pop(0)


class _Server:
    """The nursery's own side: forks whatever is asked for on the standard input, until that is closed."""

    def __init__(self, module: str) -> None:
        # What a module prints as it is imported goes to the log and not between the answers.
        self._answers = os.dup(1)
        os.dup2(2, 1)
        self._app = import_module(module).app
        if threading.active_count() > 1:
            raise NurseryError(f"importing {module} started a thread, which a fork would lose")
        # Else the first collection of a child would copy every page that it could share.
        gc.collect()
        gc.freeze()
        self._rest = b""
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        signal.set_wakeup_fd(self._waker)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._poll = select.poll()
        self._poll.register(0, select.POLLIN | select.POLLHUP)
        self._poll.register(self._woken, select.POLLIN)

    def serve(self) -> None:
        self._say({"ready": os.getpid()})
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor == self._woken:
                    os.read(self._woken, 4096)
                    self._bury()
                elif chunk := os.read(0, 1 << 16):
                    *requests, self._rest = (self._rest + chunk).split(b"\n")
                    for request in requests:
                        self._fork(json.loads(request))
                else:
                    return

    def _fork(self, request: Mapping[str, Any]) -> None:
        pid = os.fork()
        if not pid:
            self._become(request)
        self._say({"started": pid})

    def _become(self, request: Mapping[str, Any]) -> NoReturn:
        """In the child: leave everything of the nursery behind and be the role."""
        code = 1
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            log = os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            nothing = os.open(os.devnull, os.O_RDONLY)
            for source, target in ((nothing, 0), (log, 1), (log, 2)):
                os.dup2(source, target)
            for descriptor in (log, nothing, self._answers, self._woken, self._waker):
                os.close(descriptor)
            os.environ.clear()
            os.environ.update(request["environment"])
            _call_itself(request["name"])
            code = _run(self._app, request["name"], request["commands"])
        # Whatever it is: it goes to the log, and never up into the nursery's own loop.
        except BaseException:  # noqa: BLE001
            sys.excepthook(*sys.exc_info())
        finally:
            with contextlib.suppress(OSError):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)

    def _bury(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if not pid:
                    return
                self._say({"ended": pid, "code": os.waitstatus_to_exitcode(status)})

    def _say(self, answer: Mapping[str, Any]) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(self._answers, json.dumps(answer).encode() + b"\n")


def _run(app: Any, name: str, commands: Sequence[Sequence[str]]) -> int:
    for command in commands:
        sys.argv = [name, *command]
        try:
            app(list(command), prog_name=name, standalone_mode=True)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(bool(end.code))
            if code:
                return code
    return 0


def _call_itself(name: str) -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name[:NAME_LENGTH])


if __name__ == "__main__":
    _Server(sys.argv[1]).serve()
