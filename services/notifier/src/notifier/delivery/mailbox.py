"""The connection to the mail server: opened when needed, kept while it lasts."""

import asyncio
import contextlib
from email.message import EmailMessage
from typing import Any
from urllib.parse import unquote, urlsplit

import aiosmtplib

from notifier.delivery.errors import Refused, ServerAway

_DEFAULT_PORTS = {"smtp": 25, "smtps": 465}


class Mailbox:
    """Hands one mail at a time to the server of an SMTP URL."""

    def __init__(self, url: str, *, timeout: float) -> None:
        parts = urlsplit(url)
        self._timeout = timeout
        self._client = aiosmtplib.SMTP(
            hostname=parts.hostname or "127.0.0.1",
            port=parts.port or _DEFAULT_PORTS[parts.scheme],
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            use_tls=parts.scheme == "smtps",
            timeout=timeout,
        )

    async def send(self, mail: EmailMessage) -> None:
        """The server has the mail when this returns; Refused or ServerAway if not."""
        try:
            async with asyncio.timeout(self._timeout):
                await self._connect()
                # Its bytes as its own policy makes them: the client's would fold the headers anew.
                await self._client.sendmail(_address(mail["From"]), [_address(mail["To"])], mail.as_bytes())
        except aiosmtplib.SMTPRecipientsRefused as error:
            # One mail has one recipient.
            raise _refused(error.recipients[0].code) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _refused(error.code) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            # It was connected: whether the server has the mail is not known, and sending again is the safer mistake.
            self._client.close()
            raise Refused(type(error).__name__, for_good=False) from error

    async def close(self) -> None:
        if self._client.is_connected:
            with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await self._client.quit()

    async def _connect(self) -> None:
        if self._client.is_connected:
            try:
                await self._client.rset()
            except (aiosmtplib.SMTPException, OSError):
                # Servers end idle connections; that is no fault of this mail.
                self._client.close()
        if not self._client.is_connected:
            try:
                await self._client.connect()
            except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
                self._client.close()
                raise ServerAway(type(error).__name__) from error


def _address(header: Any) -> str:
    return str(header.addresses[0].addr_spec)


def _refused(code: int) -> Refused:
    return Refused(f"smtp {code}", for_good=code >= 500)
