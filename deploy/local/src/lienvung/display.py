"""What the one who starts the product sees: a live table on a terminal, plain lines without one."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from lienvung.memory import MEGABYTE, resident
from lienvung.stack import Observer
from lienvung.supervisor import Part, State

REFRESH_SECONDS = 1.0
_COLOURS = {
    State.WAITING: "dim",
    State.STARTING: "yellow",
    State.READY: "green",
    State.DIED: "bold red",
    State.STOPPED: "dim",
}


class Display(Observer):
    """Prints what happens as it happens; on a terminal a table of the parts stays below it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._started = time.monotonic()
        self._parts: dict[str, Part] = {}
        self._memory: dict[str, int] = {}
        self._live: Live | None = None

    def say(self, text: str) -> None:
        self._console.print(f"[dim]{self._elapsed()}[/dim]  {escape(text)}", highlight=False, soft_wrap=True)

    def part_changed(self, part: Part, what: str) -> None:
        self._parts[part.name] = part
        if what != "starting":
            address = f"  {part.address}" if part.address and what == "ready" else ""
            colour = _COLOURS[part.state]
            self._console.print(
                f"[dim]{self._elapsed()}[/dim]  [{colour}]{part.name:<22} {escape(what)}[/{colour}]{escape(address)}",
                highlight=False,
                soft_wrap=True,
            )
        self._refresh()

    @contextlib.asynccontextmanager
    async def table(self) -> AsyncIterator[None]:
        """Keep the table on the terminal for the length of the block."""
        if not self._console.is_terminal:
            yield
            return
        with Live(self._table(), console=self._console, auto_refresh=False, transient=True) as self._live:
            follower = asyncio.create_task(self._follow())
            try:
                yield
            finally:
                follower.cancel()
                self._live = None

    async def _follow(self) -> None:
        while True:
            pids = {name: part.pid for name, part in self._parts.items() if part.pid is not None}
            self._memory = await asyncio.to_thread(measure, pids)
            self._refresh()
            await asyncio.sleep(REFRESH_SECONDS)

    def _refresh(self) -> None:
        if self._live is not None:
            self._live.update(self._table(), refresh=True)

    def _table(self) -> Table:
        table = Table(box=None, pad_edge=False)
        for heading in ("part", "state", "address"):
            table.add_column(heading)
        table.add_column("memory", justify="right")
        for part in self._parts.values():
            again = f" ({part.restarts} restarts)" if part.restarts else ""
            colour = _COLOURS[part.state]
            table.add_row(
                part.name,
                f"[{colour}]{part.state}{again}[/{colour}]",
                escape(part.address),
                _megabytes(self._memory.get(part.name, 0)),
            )
        return table

    def _elapsed(self) -> str:
        return f"{time.monotonic() - self._started:6.1f} s"


def measure(pids: Mapping[str, int]) -> dict[str, int]:
    """Bytes that each process holds with its children."""
    return {name: resident(pid) for name, pid in pids.items()}


def show_addresses(console: Console, description: Mapping[str, Any]) -> None:
    """The short form of `stack.json`."""
    addresses = {
        "gateway": description["gateway"],
        "documentation": f"{description['gateway']}/docs",
        "mail": description["mail"],
        "kafka": description["kafka"],
        **{f"database {name}": database["url"] for name, database in description["databases"].items()},
    }
    for name, address in addresses.items():
        # Whole, however narrow the terminal is: an address is made to be copied.
        console.print(f"{name:<22} {escape(address)}", highlight=False, soft_wrap=True)
    console.print()
    show_rows(
        console,
        ("account", "password", "organisation", "roles"),
        (
            (account["username"], account["password"], account["organization"], ", ".join(account["roles"]))
            for account in description["accounts"]
        ),
    )


def show_rows(console: Console, headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Columns as wide as what they hold: nothing is cut off, on any terminal and without one."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    for number, line in enumerate(lines):
        text = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        console.print(escape(text), highlight=False, soft_wrap=True, style="bold" if number == 0 else None)


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:,.0f} MB" if size else ""
