"""What can be imported. Apart from the tables, because the process that reads files needs no database in its memory."""

from enum import StrEnum


class ImportKind(StrEnum):
    TASKS = "tasks"
    AGREEMENTS = "agreements"


KIND_WORDING: dict[ImportKind, str] = {
    ImportKind.TASKS: "nhiệm vụ",
    ImportKind.AGREEMENTS: "thỏa thuận",
}
