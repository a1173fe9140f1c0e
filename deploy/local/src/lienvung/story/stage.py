"""Where the story is played, and how it waits for what happens there."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar

WAIT_SECONDS = 60.0
_POLL_SECONDS = 0.2

Json = dict[str, Any]
Say = Callable[[str], None]
T = TypeVar("T")


class StoryError(RuntimeError):
    """A step of the story did not come out as it must."""


class Stage(Protocol):
    """What the story needs of the running stack."""

    @property
    def gateway(self) -> str:
        """Address of the gateway."""

    @property
    def mail(self) -> Path:
        """Folder in which messages arrive."""

    @property
    def out(self) -> Path:
        """Folder for what the story leaves behind."""

    @property
    def operator(self) -> tuple[str, str]:
        """Username and password of the system's operator."""

    def remember(self, account: Json) -> None:
        """Keep an account for `.run/stack.json`."""


async def until(probe: Callable[[], Awaitable[T | None]], what: str) -> T:
    """Ask again until there is an answer: what comes by event comes a moment later."""
    for _ in range(int(WAIT_SECONDS / _POLL_SECONDS)):
        answer = await probe()
        if answer is not None:
            return answer
        await asyncio.sleep(_POLL_SECONDS)
    raise StoryError(f"{what} did not arrive within {WAIT_SECONDS:.0f} s")
