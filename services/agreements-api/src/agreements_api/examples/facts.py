"""What is published of the example agreements, and the drafts that can be made of that and of nothing else."""

import json
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from importlib import resources
from typing import Any
from uuid import UUID, uuid5

from agreements_api.agreements.models import INSTRUMENT_WORDING, Instrument
from agreements_api.agreements.schemas import AgreementCreate
from agreements_api.localities.models import OrganizationKind, UnitLevel
from shared.text import fold, nfc

# The day of the meeting that the product's story begins with; every party's unit was there under this name by then.
DAY = date(2024, 10, 18)
_NAMESPACE = UUID("0b6e5b0e-6a0e-5c55-8d27-0352c0ffee07")
_LEVELS = {"district": UnitLevel.DISTRICT, "province": UnitLevel.PROVINCE}
# How a body's name tells its unit's.
_BODIES = (
    ("Ban Thường vụ Tỉnh ủy ", "Tỉnh ", OrganizationKind.STANDING_COMMITTEE),
    ("Ban Thường vụ Thành ủy ", "Thành phố ", OrganizationKind.STANDING_COMMITTEE),
    ("Ban Thường vụ Thị ủy ", "Thị xã ", OrganizationKind.STANDING_COMMITTEE),
    ("Ban Thường vụ Huyện ủy ", "Huyện ", OrganizationKind.STANDING_COMMITTEE),
    ("Tỉnh ủy ", "Tỉnh ", OrganizationKind.OTHER),
    ("UBND tỉnh ", "Tỉnh ", OrganizationKind.PEOPLES_COMMITTEE),
)


@dataclass(frozen=True)
class Body:
    """A party as its source names it, and the unit that it is of."""

    name: str
    kind: OrganizationKind
    level: UnitLevel
    unit: str


@dataclass(frozen=True)
class Example:
    """One published agreement. Its custodian here is the party that its source names first."""

    key: str
    id: UUID
    parties: tuple[Body, ...]
    facts: dict[str, Any]


@lru_cache(maxsize=1)
def examples() -> tuple[Example, ...]:
    """The agreements of the package's own file."""
    path = resources.files("agreements_api").joinpath("data", "example_agreements.json")
    return tuple(_example(facts) for facts in json.loads(path.read_text(encoding="utf-8"))["agreements"])


def draft_of(example: Example, organizations: dict[str, UUID]) -> AgreementCreate:
    """The draft: contents become clauses, what a draft has no place for stands in its note, what is unknown nowhere."""
    facts = example.facts
    return AgreementCreate.model_validate(
        {
            "instrument": _instrument(facts["doc_type"]),
            "number": facts["number"],
            "title": facts["title"],
            "parent": _parent(facts["parent_document"]),
            "fields": facts["fields"],
            "parties": [{"organization_id": organizations[body.name]} for body in example.parties],
            "clauses": [{"text": task["content"]} for task in facts["tasks"]],
            "source_url": facts["source_urls"][0],
            "demonstration": True,
            "note": _note(example.key, facts),
        }
    )


def _example(facts: dict[str, Any]) -> Example:
    level = _LEVELS[facts["level"]]
    parties = tuple(_body(nfc(name), level) for name in facts["parties"])
    return Example(facts["id"], uuid5(_NAMESPACE, facts["id"]), parties, facts)


def _body(name: str, level: UnitLevel) -> Body:
    start, type_, kind = next(body for body in _BODIES if name.startswith(body[0]))
    return Body(name, kind, level, type_ + name.removeprefix(start))


def _instrument(doc_type: str | None) -> Instrument:
    """Where a source names no kind of document, the general one."""
    words = fold(doc_type or "")
    found = [kind for kind, wording in INSTRUMENT_WORDING.items() if words and fold(wording).startswith(words)]
    return found[0] if found else Instrument.AGREEMENT


def _parent(number: str | None) -> dict[str, Any] | None:
    """The document that it carries out, where that is among the examples as well."""
    if number is None:
        return None
    parent = next(example.facts for example in _numbered() if example.facts["number"] == number)
    return {"instrument": _instrument(parent["doc_type"]), "number": number, "title": parent["title"]}


def _numbered() -> list[Example]:
    """Those whose number is published."""
    return [example for example in examples() if example.facts["number"]]


def _note(key: str, facts: dict[str, Any]) -> str:
    """The other published facts, line by line, with every source."""
    lines = [f"Dữ liệu mẫu {key}, ghi theo nguồn công bố; thông tin không có trong nguồn được để trống."]
    for name, label in (
        ("signed_date", "Ngày ký"),
        ("signed_date_text", "Ngày ký theo nguồn"),
        ("place", "Nơi ký"),
        ("period", "Giai đoạn"),
    ):
        if facts[name]:
            lines.append(f"{label}: {facts[name]}")
    lines += [_task_line(at, task) for at, task in enumerate(facts["tasks"], start=1)]
    if facts["notes"]:
        lines.append(f"Ghi chú của dữ liệu: {facts['notes']}")
    lines += [f"Nguồn: {address}" for address in facts["source_urls"]]
    return "\n".join(lines)


def _task_line(at: int, task: dict[str, Any]) -> str:
    said = [
        *([f"chủ trì {task['lead']}"] if task["lead"] else []),
        *([f"phối hợp {', '.join(task['coordinating'])}"] if task["coordinating"] else []),
        *([f"thời hạn {task['deadline_text']}"] if task["deadline_text"] else []),
        *([f"tình trạng {task['status_text']}"] if task["status_text"] else []),
        f"nguồn {task['source_url']}",
    ]
    return f"Nội dung {at}: {'; '.join(said)}"
