"""The CloudEvents 1.0 envelope: the same bytes on Kafka, SSE and webhooks."""

import re
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import orjson
from opentelemetry import propagate
from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError

from shared.events.models import EVENT_TYPES, Event

CONTENT_TYPE = "application/cloudevents+json"
_TYPE = re.compile(r"vn\.lienvung\.(?P<name>[a-z_]+\.[a-z_]+)\.v(?P<major>[0-9]+)")


class InvalidEnvelope(Exception):
    """The bytes are no CloudEvent of the catalogue; sending them again cannot help."""


class Envelope(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    specversion: Literal["1.0"] = "1.0"
    id: UUID
    source: str
    type: str
    subject: str
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    dataschema: str
    traceparent: str | None = None
    partitionkey: str
    data: SerializeAsAny[Event]
    # What arrived, for channels that carry the very same bytes; empty for a document that never was bytes.
    raw: bytes = Field(default=b"", exclude=True, repr=False)

    @property
    def aggregate_id(self) -> UUID:
        return self.data.aggregate_id

    @property
    def version(self) -> int:
        return self.data.version


def schema_name(event_type: str) -> tuple[str, int]:
    """`vn.lienvung.task.assigned.v1` → (`task.assigned`, 1)."""
    match = _TYPE.fullmatch(event_type)
    if match is None:
        raise ValueError(f"not an event type: {event_type}")
    return match["name"], int(match["major"])


def envelope_bytes(event: Event, *, event_id: UUID, traceparent: str | None = None) -> bytes:
    """Serialise once, when the event is published; every channel carries these bytes."""
    name, major = schema_name(event.type)
    envelope: dict[str, Any] = {
        "specversion": "1.0",
        "id": str(event_id),
        "source": event.source,
        "type": event.type,
        "subject": event.subject,
        "time": event.occurred_at,
        "datacontenttype": "application/json",
        "dataschema": f"/schemas/{name}/{major}.json",
    }
    if traceparent is not None:
        envelope["traceparent"] = traceparent
    envelope["partitionkey"] = event.key
    envelope["data"] = orjson.Fragment(event.model_dump_json(by_alias=True))
    return orjson.dumps(envelope, option=orjson.OPT_UTC_Z)


def parse_envelope(message: bytes | str | dict[str, Any], *, raw: bytes = b"") -> Envelope:
    """Validate against the catalogue, or raise InvalidEnvelope saying what is wrong.

    `raw`: the bytes of a document that was loaded before; bytes themselves are kept without being told.
    """
    document = message if isinstance(message, dict) else load_document(message)
    if not isinstance(message, dict):
        raw = message if isinstance(message, bytes) else message.encode()
    kind = EVENT_TYPES.get(str(document.get("type")))
    if kind is None:
        raise InvalidEnvelope(f"unknown event type {document.get('type')!r}")
    try:
        data = kind.model_validate(document.get("data"))
        envelope = Envelope.model_validate({**document, "data": data, "raw": raw})
    except ValidationError as error:
        # Positions and kinds only: what a person wrote does not belong into logs and error columns.
        wrong = ", ".join(f"{'.'.join(map(str, e['loc']))}: {e['type']}" for e in error.errors()[:10])
        raise InvalidEnvelope(f"{document.get('type')} does not match its schema ({wrong})") from error
    if envelope.subject != data.subject:
        raise InvalidEnvelope("subject is not that of the snapshot")
    return envelope


def load_document(raw: bytes | str) -> dict[str, Any]:
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidEnvelope(f"not JSON: {error}") from error
    if not isinstance(document, dict):
        raise InvalidEnvelope("not a JSON object")
    return document


def current_traceparent() -> str | None:
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier.get("traceparent")
