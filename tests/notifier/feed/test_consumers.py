"""What the feed is made of."""

from notifier.feed.consumers import HANDLERS, TOPICS
from shared.events import AGREEMENTS, ALERTS, EVENT_TYPES, LOCALITIES, REPORTS, TASKS


def test_every_event_of_its_topics_comes_into_the_feed() -> None:
    assert set(HANDLERS) == {event_type for event_type, kind in EVENT_TYPES.items() if kind.topic in TOPICS}


def test_the_feed_holds_every_event_but_those_with_the_addresses_of_people() -> None:
    held = {kind.topic for event_type, kind in EVENT_TYPES.items() if event_type in HANDLERS}
    left_out = {kind.topic for event_type, kind in EVENT_TYPES.items() if event_type not in HANDLERS}
    assert held == {AGREEMENTS, TASKS, ALERTS, REPORTS}
    assert left_out == {LOCALITIES}
