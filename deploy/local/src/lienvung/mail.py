"""A real SMTP server on loopback that keeps each message as an `.eml` file."""

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from shared import clock
from shared.ids import new_id

LARGEST_MESSAGE = 32 * 1024 * 1024


class Keeper:
    """Writes each message whole or not at all; its name begins with the time, so that a listing is in order."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        name = f"{clock.wall_now():%Y%m%dT%H%M%S.%f}-{new_id()}.eml"
        draft = self._folder / f".{name}"
        draft.write_bytes(content)
        draft.rename(self._folder / name)
        return "250 kept"


async def serve(host: str, port: int, folder: Path) -> None:
    """Accept messages until told to stop."""
    loop = asyncio.get_running_loop()
    keeper = Keeper(folder)
    server = await loop.create_server(
        lambda: SMTP(keeper, data_size_limit=LARGEST_MESSAGE, enable_SMTPUTF8=True, hostname="localhost", loop=loop),
        host,
        port,
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()
    server.close()
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(server.wait_closed(), 2)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))
