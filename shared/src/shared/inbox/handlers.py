"""What a service gives the inbox: one coroutine a type of event, or one for all events of some types in a batch."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from opentelemetry import propagate, trace
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.events import Envelope

# The handler writes through the session and commits nothing: its effect is part of the batch's transaction.
Handler = Callable[[AsyncSession, Envelope], Awaitable[None]]


@dataclass(frozen=True)
class Together:
    """A handler that takes all of its events of a batch at once, in the order of their arrival.

    For what is cheaper in one statement than in hundreds. Other handlers' events of the same batch may take effect
    before or after; one that has this order at heart takes its events one at a time.
    """

    apply: Callable[[AsyncSession, Sequence[Envelope]], Awaitable[None]]

    async def __call__(self, session: AsyncSession, envelope: Envelope) -> None:
        await self.apply(session, [envelope])


_tracer = trace.get_tracer("shared.inbox")


async def handle(handler: Handler, session: AsyncSession, envelope: Envelope) -> None:
    """Run the handler inside the trace of the request that caused the event."""
    carrier = {"traceparent": envelope.traceparent} if envelope.traceparent else {}
    with _tracer.start_as_current_span(
        f"consume {envelope.type}",
        context=propagate.extract(carrier),
        kind=trace.SpanKind.CONSUMER,
        attributes={"messaging.system": "kafka", "cloudevents.event_id": str(envelope.id)},
    ):
        await handler(session, envelope)


async def handle_together(handler: Together, session: AsyncSession, envelopes: Sequence[Envelope]) -> None:
    """Run the handler in a trace of its own, linked to those of the requests that caused the events."""
    contexts = (
        trace.get_current_span(propagate.extract({"traceparent": envelope.traceparent})).get_span_context()
        for envelope in envelopes
        if envelope.traceparent
    )
    with _tracer.start_as_current_span(
        "consume together",
        kind=trace.SpanKind.CONSUMER,
        links=[trace.Link(context) for context in contexts],
        attributes={"messaging.system": "kafka", "messaging.batch.message_count": len(envelopes)},
    ):
        await handler.apply(session, envelopes)
