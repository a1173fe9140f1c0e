"""What the API shows of events."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from shared.schemas import Model

EVENT_EXAMPLE: dict[str, Any] = {
    "specversion": "1.0",
    "id": "01990000-0000-7000-8000-0000000000e1",
    "source": "/agreements-api",
    "type": "vn.lienvung.task.completed.v1",
    "subject": "tasks/01990000-0000-7000-8000-0000000000b1",
    "time": "2026-11-23T03:00:00Z",
    "datacontenttype": "application/json",
    "dataschema": "/schemas/task.completed/1.json",
    "partitionkey": "01990000-0000-7000-8000-0000000000a1",
    "data": {"version": 7},
}


class CloudEvent(BaseModel):
    """An event as it travels on Kafka (CloudEvents 1.0); `GET /v1/event-types` has the schema of its data."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [EVENT_EXAMPLE]})

    specversion: str
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: str
    dataschema: str
    partitionkey: str = Field(description="The agreement; its events keep their order.")
    data: dict[str, Any]


class EventPage(BaseModel):
    """Events in their order. `next_cursor` is always there: a reader comes back with it for what happens later."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [EVENT_EXAMPLE], "next_cursor": "c2lnbmVk", "has_more": False}]}
    )

    items: list[CloudEvent]
    next_cursor: str
    has_more: bool = Field(description="Whether more events wait already.")


class EventTypePublic(Model):
    """A type of event and the JSON Schema of the whole CloudEvent."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "vn.lienvung.task.completed.v1",
                    "topic": "lienvung.tasks",
                    "source": "/agreements-api",
                    "dataschema": "/schemas/task.completed/1.json",
                    "is_in_feed": True,
                    "schema": {"type": "object"},
                }
            ]
        }
    )

    type: str
    topic: str
    source: str
    dataschema: str
    is_in_feed: bool = Field(description="Whether `GET /v1/events` carries it; the others are internal.")
    schema_: dict[str, Any] = Field(alias="schema", description="JSON Schema, draft 2020-12.")
