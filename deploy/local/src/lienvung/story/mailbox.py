"""The messages that arrive while the story is played."""

import asyncio
from email import message_from_bytes
from email.policy import default as mail_policy
from pathlib import Path

from lienvung.story.stage import until

DOMAIN = "demo.lienvung.example"


class Mailbox:
    """Messages in a folder; each is told of once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._told: set[Path] = set()

    async def message(self, username: str, about: str) -> str:
        """The subject of the next message to an account in whose text something is named; waits until it is there."""
        return await until(
            lambda: asyncio.to_thread(self._next, username, about), f"the mail to {username} about {about}"
        )

    def _next(self, username: str, about: str) -> str | None:
        # What still is being written has a name that begins with a dot.
        for path in sorted(set(self._folder.glob("[!.]*.eml")) - self._told):
            message = message_from_bytes(path.read_bytes(), policy=mail_policy)
            body = message.get_body(("plain",))
            if message["To"].addresses[0].addr_spec != address_of(username) or body is None:
                continue
            if about in body.get_content():
                self._told.add(path)
                return str(message["Subject"])
        return None


def address_of(username: str) -> str:
    return f"{username}@{DOMAIN}"
