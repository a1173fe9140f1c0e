"""What goes into the feed: the same bytes as on Kafka, in an order that a cursor can follow."""

from notifier.config import Settings
from notifier.feed.service import append
from shared.db import Database
from shared.events import (
    AGREEMENTS,
    ALERTS,
    EVENT_TYPES,
    REPORTS,
    TASKS,
    AgreementEvent,
    AlertEvent,
    BoundaryCaseEvent,
    CommentEvent,
    CorridorEvent,
    DocumentEvent,
    MeetingEvent,
    MeetingPromiseEvent,
    ObstacleEvent,
    ReportEvent,
    SegmentEvent,
    SigningAlertEvent,
    TaskEvent,
)
from shared.inbox import Consumer, Handler, Together

# Apart from the deadlines' group, so that learning those again does not write the feed again.
GROUP = "notifier-feed"
# Not the localities: an organisation's event holds the addresses of its people.
TOPICS = (AGREEMENTS, TASKS, ALERTS, REPORTS)
KINDS = (
    AgreementEvent,
    MeetingEvent,
    MeetingPromiseEvent,
    TaskEvent,
    BoundaryCaseEvent,
    DocumentEvent,
    CorridorEvent,
    SegmentEvent,
    ObstacleEvent,
    CommentEvent,
    AlertEvent,
    SigningAlertEvent,
    ReportEvent,
)

_APPEND = Together(append)
HANDLERS: dict[str, Handler] = {
    event_type: _APPEND for event_type, model in EVENT_TYPES.items() if issubclass(model, KINDS)
}


def feed_consumer(settings: Settings, database: Database) -> Consumer:
    """The consumer that keeps the feed."""
    return Consumer(settings, database, group=GROUP, topics=list(TOPICS), handlers=HANDLERS)
