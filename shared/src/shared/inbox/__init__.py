"""The inbox: consumers whose effect, version check and offset are one database transaction."""

from shared.inbox.consumer import Consumer, Handler, is_transient
from shared.inbox.dead_letters import DeadLetter, Replay, discard, replay, reset, waiting
from shared.inbox.handlers import Together

__all__ = [
    "Consumer",
    "DeadLetter",
    "Handler",
    "Replay",
    "Together",
    "discard",
    "is_transient",
    "replay",
    "reset",
    "waiting",
]
