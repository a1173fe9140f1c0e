"""Reading a file in a process of its own, whose memory and time are limited."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from agreements_api.imports.inspection import Limits
from agreements_api.imports.kinds import ImportKind
from agreements_api.imports.reading import LENGTH, NO_MEMORY
from agreements_api.imports.refusals import Refusal, Refused
from agreements_api.imports.table import RawRow, unpacked

# What all rows together may come to: one text can stand in a hundred thousand cells of a small file.
LARGEST_TABLE = 64 * 1024 * 1024
LENGTH_OF_REST = 64 * 1024


@dataclass(frozen=True)
class Headers:
    """What stands over the columns; numbers count from 1, as people count."""

    sheet: str | None
    total: int
    row: int
    columns: Mapping[str, tuple[int, str]]
    ignored: Sequence[str]
    missing: Sequence[str]


class Reader:
    """Reads one file at a time, each in a new process."""

    def __init__(self, limits: Limits, *, memory_mb: int, cpu_seconds: int, timeout: float) -> None:
        self._limits = limits
        self._memory_mb = memory_mb
        self._cpu_seconds = cpu_seconds
        self._timeout = timeout

    async def read(self, content: bytes, kind: ImportKind) -> AsyncGenerator[Headers | list[RawRow], None]:
        """The headers, then rows in portions. Raises Refused for a file that is not taken."""
        process = await self._start(kind)
        sending = asyncio.create_task(_send(process, content))
        # Of reading alone: whoever takes the rows may take his time between two of them.
        left, seconds = LARGEST_TABLE, self._timeout
        clock = asyncio.get_running_loop().time
        try:
            while True:
                begun = clock()
                async with asyncio.timeout(seconds):
                    frame, length = await _frame(process, left)
                if frame.get("end"):
                    return
                left, seconds = left - length, seconds - (clock() - begun)
                yield _meaning(frame)
        except TimeoutError as error:
            raise Refused(Refusal.TOO_LONG) from error
        except asyncio.IncompleteReadError as error:
            # That is how a process goes that wants more memory or time than it may have.
            await _end(process)
            raise Refused(_ENDED.get(process.returncode or 0, Refusal.TOO_MUCH_MEMORY)) from error
        finally:
            if process.returncode is None:
                process.kill()
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await _end(process)

    async def _start(self, kind: ImportKind) -> Process:
        wanted = {
            "kind": kind.value,
            "limits": asdict(self._limits),
            "memory_mb": self._memory_mb,
            "cpu_seconds": self._cpu_seconds,
        }
        # Nothing of the service's environment: who reads a stranger's file needs no addresses and no passwords.
        environment = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-m",
            "agreements_api.imports.reading",
            json.dumps(wanted),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env={**environment, "MALLOC_ARENA_MAX": "2"},
        )


# SIGXCPU, what the kernel sends where that is not enough, and an error that nobody had thought of.
_ENDED = {
    -24: Refusal.TOO_LONG,
    -9: Refusal.TOO_LONG,
    NO_MEMORY: Refusal.TOO_MUCH_MEMORY,
    1: Refusal.DAMAGED,
}


async def _send(process: Process, content: bytes) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(content)
        await process.stdin.drain()
        process.stdin.close()
    except (BrokenPipeError, ConnectionResetError):
        # The process has gone already; what became of it is told by its output.
        return


async def _end(process: Process) -> None:
    # What was not asked for is read as well: asyncio does not see the end of a process whose pipe is still full.
    assert process.stdout is not None
    while await process.stdout.read(LENGTH_OF_REST):
        pass
    await process.wait()


async def _frame(process: Process, most: int) -> tuple[dict[str, Any], int]:
    assert process.stdout is not None
    header = await process.stdout.readexactly(LENGTH.size)
    length: int = LENGTH.unpack(header)[0]
    if length > most:
        raise Refused(Refusal.TOO_MUCH_MEMORY)
    frame: dict[str, Any] = json.loads(await process.stdout.readexactly(length))
    return frame, length


def _meaning(frame: dict[str, Any]) -> Headers | list[RawRow]:
    if "refused" in frame:
        raise Refused(Refusal(frame["refused"]), **frame["parameters"])
    if "rows" in frame:
        return [unpacked(row) for row in frame["rows"]]
    table = frame["table"]
    return Headers(
        sheet=table["sheet"],
        total=table["total"],
        row=table["row"],
        columns={key: (number, text) for key, (number, text) in table["columns"].items()},
        ignored=table["ignored"],
        missing=table["missing"],
    )
