"""The outbox: events written in the business transaction, and the relay that sends them to Kafka."""

from shared.outbox.publish import INSERT_SQL, OutboxRow, publish, publish_all, publish_on, row_of

__all__ = ["INSERT_SQL", "OutboxRow", "publish", "publish_all", "publish_on", "row_of"]
