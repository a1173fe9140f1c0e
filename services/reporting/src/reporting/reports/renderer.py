"""Drawing documents in a worker process of their own."""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process

from reporting.reports.parts import EvaluationDocument
from reporting.reports.worker import DOCUMENT, LENGTH


class RenderFailed(Exception):
    """A document could not be drawn; the text is for the operator."""


class Renderer:
    """One worker process, started when first needed and replaced after a number of documents or a failure."""

    def __init__(self, *, documents_per_worker: int, memory_mb: int, timeout: float) -> None:
        self._documents_per_worker = documents_per_worker
        self._memory_mb = memory_mb
        self._timeout = timeout
        self._process: Process | None = None
        self._drawn = 0

    async def pdf(self, document: EvaluationDocument, origin: str) -> bytes:
        """The document as PDF; its date of creation is the moment of its figures, so that it can be drawn again."""
        request = json.dumps(
            {
                "data": document.model_dump_json(),
                "origin": origin.rstrip("/"),
                "timestamp": str(int(document.as_of.timestamp())),
            }
        ).encode()
        reusable = False
        try:
            pdf = await self._draw(request)
            self._drawn += 1
            reusable = self._drawn < self._documents_per_worker
            return pdf
        finally:
            # Also after a cancellation: a worker in the middle of a document cannot take the next one.
            if not reusable:
                await self.close()

    async def close(self) -> None:
        """End the worker process."""
        process, self._process, self._drawn = self._process, None, 0
        if process is not None and process.returncode is None:
            process.kill()
            # Not `wait()` alone: the pipe never ends while more lies in it than is read ahead.
            await process.communicate()

    async def _draw(self, request: bytes) -> bytes:
        process = await self._worker()
        try:
            async with asyncio.timeout(self._timeout):
                answer = await _exchange(process, request)
        except TimeoutError as error:
            raise RenderFailed(f"not drawn within {self._timeout:g} s") from error
        except (OSError, asyncio.IncompleteReadError) as error:
            # That is how a worker goes that wants more memory than it may have.
            raise RenderFailed("the worker process ended") from error
        if answer[:1] != DOCUMENT:
            raise RenderFailed(answer[1:].decode(errors="replace"))
        return answer[1:]

    async def _worker(self) -> Process:
        if self._process is not None and self._process.returncode is None:
            return self._process
        # One thread and few arenas, so that the limit on the address space holds on a machine of many cores.
        environment = {**os.environ, "RAYON_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
        self._drawn = 0
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "reporting.reports.worker",
            str(self._memory_mb),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            env=environment,
        )
        return self._process


async def _exchange(process: Process, request: bytes) -> bytes:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(LENGTH.pack(len(request)) + request)
    await process.stdin.drain()
    header = await process.stdout.readexactly(LENGTH.size)
    return await process.stdout.readexactly(LENGTH.unpack(header)[0])
