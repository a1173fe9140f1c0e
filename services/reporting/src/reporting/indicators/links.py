"""The address that lists exactly the tasks behind a figure."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import urlencode

from reporting.indicators.periods import Period

PATH = "/v1/indicators/tasks"


class Cell(StrEnum):
    """One figure of the four-way status."""

    TOTAL = "total"
    COMPLETED = "completed"
    COMPLETED_ON_TIME = "completed_on_time"
    COMPLETED_LATE = "completed_late"
    OPEN = "open"
    OPEN_IN_TIME = "open_in_time"
    IN_TIME = "in_time"
    NO_DEADLINE = "no_deadline"
    OVERDUE = "overdue"
    DUE = "due"


@dataclass(frozen=True, slots=True)
class Scope:
    """Which tasks a figure counts, before it asks where each of them stands."""

    as_of: datetime
    period: Period | None = None
    filters: dict[str, str] = field(default_factory=dict)

    def link(self, cell: str, extra: dict[str, str]) -> str:
        """The list of the tasks in a cell.

        It names the moment and the period, so that the list still has as many tasks as the figure had when the
        figure is read years later in a printed report.
        """
        parameters = {"figure": Cell(cell).value, **self.filters, **extra}
        if self.period is not None:
            parameters["from"] = self.period.first.isoformat()
            parameters["to"] = self.period.last.isoformat()
        parameters["as_of"] = self.as_of.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return f"{PATH}?{urlencode(parameters)}"
