"""Write the JSON Schema of every event: `python -m shared.events.export`."""

import json
from pathlib import Path
from typing import Any

from shared.events.envelope import schema_name
from shared.events.models import EVENT_TYPES, Event

SCHEMAS = Path(__file__).parent / "schemas"


def schema_of(kind: type[Event]) -> dict[str, Any]:
    """The whole CloudEvent, with the event's own data."""
    name, major = schema_name(kind.type)
    data = kind.model_json_schema(mode="serialization", by_alias=True)
    definitions = data.pop("$defs", {})
    text = {"type": "string"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"/schemas/{name}/{major}.json",
        "title": kind.type,
        "type": "object",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "format": "uuid"},
            "source": {"const": kind.source},
            "type": {"const": kind.type},
            "subject": {"type": "string", "pattern": f"^{kind.subject_kind}/"},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "dataschema": {"const": f"/schemas/{name}/{major}.json"},
            "traceparent": text,
            "partitionkey": text,
            "data": data,
        },
        "required": [
            *("specversion", "id", "source", "type", "subject", "time"),
            *("datacontenttype", "dataschema", "partitionkey", "data"),
        ],
        "$defs": definitions,
    }


def path_of(kind: type[Event], root: Path = SCHEMAS) -> Path:
    name, major = schema_name(kind.type)
    return root / name / f"{major}.json"


def text_of(kind: type[Event]) -> str:
    return json.dumps(schema_of(kind), ensure_ascii=False, indent=2) + "\n"


def export(root: Path = SCHEMAS) -> None:
    for kind in EVENT_TYPES.values():
        path = path_of(kind, root)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text_of(kind), encoding="utf-8")


if __name__ == "__main__":
    export()
