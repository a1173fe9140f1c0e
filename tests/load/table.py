"""What was measured, as a table that a person reads: figure, limit, ratio, what was wanted and whether it was met."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

COLUMNS = ("work", "figure", "limit, same run", "ratio", "wanted", "")
LEFT = {"work", "wanted"}


@dataclass(frozen=True)
class Row:
    """One line of the table; `met` is None where nothing is wanted."""

    work: str
    figure: str
    limit: str = ""
    ratio: str = ""
    wanted: str = ""
    met: bool | None = None

    @property
    def verdict(self) -> str:
        return "" if self.met is None else "met" if self.met else "NOT MET"


def rate_row(
    work: str,
    figures: Sequence[float],
    limits: Sequence[float],
    limit_name: str,
    *,
    at_least: float | None = None,
    wanted: str = "",
) -> Row:
    """A rate against its limit, round by round: the ratio is the median of the rounds' ratios."""
    # As it is shown, so that the verdict never contradicts the line that it stands in.
    ratio = round(median(figure / limit for figure, limit in zip(figures, limits, strict=True)), 2)
    return Row(
        work,
        per_second(median(figures)),
        f"{limit_name} {per_second(median(limits))}",
        f"{ratio:.2f} ×",
        wanted or (f"≥ {at_least:g} ×" if at_least is not None else ""),
        None if at_least is None else ratio >= at_least,
    )


def render(rows: Sequence[Row]) -> str:
    """The table as text, each column as wide as it must be."""
    lines = [COLUMNS, *((row.work, row.figure, row.limit, row.ratio, row.wanted, row.verdict) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    align: list[Callable[[str, int], str]] = [str.ljust if name in LEFT or not name else str.rjust for name in COLUMNS]
    text = ["  ".join(align[at](cell, widths[at]) for at, cell in enumerate(line)).rstrip() for line in lines]
    return "\n".join([text[0], "─" * len(text[0].rstrip()), *text[1:]])


def misses(rows: Sequence[Row]) -> str:
    """What was wanted and not met, one line each; says so when there is none."""
    missed = [row for row in rows if row.met is False]
    if not missed:
        return "Everything that is wanted was met."
    return "\n".join(["Not met:", *(f"  {row.work}: {row.ratio or row.figure}, wanted {row.wanted}" for row in missed)])


def per_second(rate: float) -> str:
    return f"{rate:,.0f}/s"


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.1f} ms"
