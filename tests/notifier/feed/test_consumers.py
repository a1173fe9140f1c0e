"""What the feed is made of."""

from notifier.feed.consumers import HANDLERS, TOPICS
from shared.events import EVENT_TYPES


def test_every_event_of_its_topics_comes_into_the_feed() -> None:
    assert set(HANDLERS) == {event_type for event_type, kind in EVENT_TYPES.items() if kind.topic in TOPICS}
