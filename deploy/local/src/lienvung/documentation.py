"""The generated parts of docs/operations.md and docs/permissions.md: `make docs` writes them anew."""

from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import AliasChoices
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from pydantic_settings import BaseSettings

from agreements_api.config import Settings as AgreementsSettings
from lienvung import rules
from lienvung.gateway import GatewaySettings
from lienvung.settings import StackSettings
from notifier.config import Settings as NotifierSettings
from reporting.config import Settings as ReportingSettings
from shared.settings import ServiceSettings

_BEGIN, _END = "<!-- generated: {name} -->", "<!-- end: {name} -->"
# Named by the deployment and no choice of anybody.
_FIXED = {"service_name"}


def generated() -> dict[str, dict[str, str]]:
    """The tables of each document, by their names."""
    return {
        "operations.md": {
            "all services": _common(),
            "agreements-api": _own(AgreementsSettings),
            "notifier": _own(NotifierSettings),
            "reporting": _own(ReportingSettings),
            "gateway": _table(GatewaySettings, GatewaySettings.model_fields),
            "local stack": _table(StackSettings, StackSettings.model_fields),
        },
        "permissions.md": {"policy": rules.as_markdown()},
    }


def written(text: str, tables: dict[str, str]) -> str:
    """The document with its tables made anew; raises ValueError where a place for one is missing."""
    for name, table in tables.items():
        begin, end = _BEGIN.format(name=name), _END.format(name=name)
        head, found, rest = text.partition(begin)
        _, closed, tail = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"no place for the table {name!r}")
        text = f"{head}{begin}\n{table}\n{end}{tail}"
    return text


def write(docs: Path) -> None:
    for document, tables in generated().items():
        path = docs / document
        path.write_text(written(path.read_text(encoding="utf-8"), tables), encoding="utf-8")


def _common() -> str:
    prefixed = {"database_url", "migration_database_url", "pool_size"}
    rows = []
    for name, field in ServiceSettings.model_fields.items():
        if name in _FIXED:
            continue
        shown = f"<SERVICE>_{name.upper()}" if name in prefixed else _variable(ServiceSettings, name, field)
        rows.append(_row(shown, field))
    return "\n".join([*_HEAD, *rows])


def _own(settings: type[ServiceSettings]) -> str:
    own = {name: field for name, field in settings.model_fields.items() if name not in ServiceSettings.model_fields}
    return _table(settings, own)


_HEAD = ("| Variable | Default | What it does |", "|---|---|---|")


def _table(settings: type[BaseSettings], fields: dict[str, FieldInfo]) -> str:
    return "\n".join([*_HEAD, *(_row(_variable(settings, name, field), field) for name, field in fields.items())])


def _variable(settings: type[BaseSettings], name: str, field: FieldInfo) -> str:
    if isinstance(field.validation_alias, AliasChoices):
        return str(field.validation_alias.choices[0])
    return f"{settings.model_config.get('env_prefix', '')}{name}".upper()


def _row(variable: str, field: FieldInfo) -> str:
    description = (field.description or "").replace("|", "\\|")
    return f"| `{variable}` | {_default(field)} | {description} |"


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        # A default that is made when the program starts differs from machine to machine.
        return "required" if field.default_factory is None else "–"
    value: Any = field.default
    if value is None:
        return "–"
    if isinstance(value, Enum):
        value = value.value
    if hasattr(value, "model_dump_json"):
        value = value.model_dump_json()
    return f"`{value}`"


if __name__ == "__main__":
    write(Path("docs"))
