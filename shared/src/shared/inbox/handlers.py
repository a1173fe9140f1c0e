"""What a service gives the inbox: one coroutine a type of event."""

from collections.abc import Awaitable, Callable

from opentelemetry import propagate, trace
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.events import Envelope

# The handler writes through the session and commits nothing: its effect is part of the batch's transaction.
Handler = Callable[[AsyncSession, Envelope], Awaitable[None]]

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
