"""The send role: takes mails that are due and hands them to the mail server, one at a time for each connection."""

import asyncio
from datetime import timedelta

import structlog
from opentelemetry import propagate, trace
from prometheus_client import Counter

from notifier.config import Settings
from notifier.delivery import repository, service
from notifier.delivery.errors import Refused, ServerAway
from notifier.delivery.links import UnsubscribeLinks
from notifier.delivery.mail import compose
from notifier.delivery.mailbox import Mailbox
from notifier.delivery.models import DeliveryStatus, Letter
from shared.auth import SYSTEM
from shared.db import Database, is_database_away
from shared.events import current_traceparent
from shared.roles import Role, poll, wait_or_stop

DELIVERIES = Counter("lienvung_deliveries_total", "Attempts at a mail, by what became of it", ["result"])

AWAY_PAUSE = 1.0
LONGEST_AWAY_PAUSE = 30.0

_log = structlog.get_logger(__name__)
_tracer = trace.get_tracer("notifier.sender")


def send_role(settings: Settings, database: Database) -> Role:
    """Any number of senders may run; each takes the mails that no other holds."""

    async def run(stop: asyncio.Event) -> None:
        async with database.read(SYSTEM) as connection:
            links = UnsubscribeLinks(await repository.secret(connection), settings.public_url)
        async with asyncio.TaskGroup() as connections:
            for _ in range(settings.send_connections):
                connections.create_task(Sender(settings, database, links).run(stop))

    return run


class Sender:
    """One connection. Between the server's answer and the commit there is never more than one of its mails."""

    def __init__(self, settings: Settings, database: Database, links: UnsubscribeLinks) -> None:
        self._settings = settings
        self._database = database
        self._links = links
        self._mailbox = Mailbox(settings.smtp_url, timeout=settings.send_timeout_seconds)

    async def run(self, stop: asyncio.Event) -> None:
        """Send until stopped. While the server or the database is away it waits, and counts no attempt."""
        pause = AWAY_PAUSE

        async def work() -> bool:
            nonlocal pause
            try:
                found = await self.send_next()
            except ServerAway as error:
                _log.warning("mail_server_away", error=str(error), again_in=pause)
                await wait_or_stop(stop, pause)
                pause = min(pause * 2, LONGEST_AWAY_PAUSE)
                return True
            pause = AWAY_PAUSE
            return found

        try:
            await poll(stop, work, role="send", idle_seconds=self._settings.send_poll_seconds)
        finally:
            await self._mailbox.close()

    async def send_next(self) -> bool:
        """One attempt at the next mail, if there is one."""
        async with self._database.write(SYSTEM) as connection:
            letter = await repository.claim(connection, timedelta(seconds=self._settings.send_lease_seconds))
        if letter is None:
            return False
        carrier = {"traceparent": letter.traceparent} if letter.traceparent else {}
        with _tracer.start_as_current_span(
            "send mail",
            context=propagate.extract(carrier),
            kind=trace.SpanKind.PRODUCER,
            attributes={"delivery": str(letter.id), "attempt": letter.attempts},
        ):
            status = await self._attempt(letter)
        DELIVERIES.labels(status).inc()
        return True

    async def _attempt(self, letter: Letter) -> DeliveryStatus:
        if not letter.is_wanted:
            return await self._finish(letter, DeliveryStatus.WITHDRAWN)
        try:
            # Only a mail that its senders died of comes here more often than it may be refused.
            if letter.attempts > self._settings.send_attempts:
                raise Refused("given up", for_good=True)
            await self._mailbox.send(
                compose(
                    letter,
                    mail_from=self._settings.mail_from,
                    public_url=self._settings.public_url,
                    links=self._links,
                    traceparent=current_traceparent(),
                )
            )
        except ServerAway as error:
            async with self._database.write(SYSTEM) as connection:
                await repository.postpone(connection, letter, timedelta(), str(error), uncounted=True)
            raise
        except Refused as refusal:
            _log.warning("mail_refused", delivery=str(letter.id), attempt=letter.attempts, reason=refusal.reason)
            async with self._database.transaction(SYSTEM) as session:
                return await service.refused(session, self._settings, letter, refusal)
        return await self._finish(letter, DeliveryStatus.SENT)

    async def _finish(self, letter: Letter, status: DeliveryStatus) -> DeliveryStatus:
        """Note what has happened. While the database is away it is kept here: what is forgotten would be sent again."""
        while True:
            try:
                async with self._database.write(SYSTEM) as connection:
                    await repository.finish(connection, letter, status)
            except Exception as error:
                if not is_database_away(error):
                    raise
                _log.warning("delivery_not_noted", delivery=str(letter.id), error=type(error).__name__)
                await asyncio.sleep(AWAY_PAUSE)
            else:
                return status
