"""A process that reads one file and nothing else: what is hostile in the file ends with it.

The limits come as the first argument, the file on standard input. On standard output come frames: four bytes of length,
then JSON — first the headers, then rows, then the end; or why the file is refused. Where the memory does not suffice,
the process ends with NO_MEMORY.
"""

import errno
import json
import os
import resource
import struct
import sys
from collections.abc import Iterator
from typing import Any

from agreements_api.imports.delimited import read_delimited
from agreements_api.imports.inspection import MEGABYTE, FileType, Limits, type_of
from agreements_api.imports.kinds import ImportKind
from agreements_api.imports.refusals import Refusal, Refused
from agreements_api.imports.table import Table, packed
from agreements_api.imports.workbook import read_workbook

LENGTH = struct.Struct(">I")
AT_ONCE = 200
# ENOMEM, as the status that the process ends with.
NO_MEMORY = errno.ENOMEM


def main() -> None:
    """Read the file under the limits that the parent sets."""
    wanted = json.loads(sys.argv[1])
    _limit(resource.RLIMIT_AS, wanted["memory_mb"] * MEGABYTE)
    _limit(resource.RLIMIT_CPU, wanted["cpu_seconds"])
    # Nothing that is read here is written anywhere.
    _limit(resource.RLIMIT_FSIZE, 0)
    try:
        _answer(ImportKind(wanted["kind"]), Limits(**wanted["limits"]))
    except (MemoryError, RecursionError):
        # At once and by a number: whoever has no memory left cannot write that it has none.
        os._exit(NO_MEMORY)


def _answer(kind: ImportKind, limits: Limits) -> None:
    content = sys.stdin.buffer.read()
    try:
        for frame in frames(content, kind, limits):
            _send(frame)
    except Refused as refused:
        _send({"refused": refused.code.value, "parameters": refused.parameters})


def frames(content: bytes, kind: ImportKind, limits: Limits) -> Iterator[dict[str, Any]]:
    """The headers, the rows in portions and the end."""
    read = read_workbook if type_of(content) is FileType.XLSX else read_delimited
    table = read(content, kind, limits)
    yield {"table": _described(table)}
    portion: list[Any] = []
    for number, row in enumerate((row for row in table.rows if not row.heading), start=1):
        if number > limits.rows:
            raise Refused(Refusal.TOO_MANY_ROWS, limit=limits.rows)
        portion.append(packed(row))
        if len(portion) == AT_ONCE:
            yield {"rows": portion}
            portion = []
    yield {"rows": portion}
    yield {"end": True}


def _described(table: Table) -> dict[str, Any]:
    header = table.header
    return {
        "sheet": table.sheet,
        "total": table.total,
        "row": header.row + 1,
        "columns": {key: [at + 1, header.texts[at]] for at, key in header.columns.items()},
        "ignored": list(header.ignored),
        "missing": list(header.missing),
    }


def _limit(kind: int, most: int) -> None:
    resource.setrlimit(kind, (most, most))


def _send(frame: dict[str, Any]) -> None:
    data = json.dumps(frame, ensure_ascii=False).encode("utf-8", "replace")
    sys.stdout.buffer.write(LENGTH.pack(len(data)) + data)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
