"""A process that draws documents and nothing else; its parent replaces it, because Typst's memory grows with use.

Frames on standard input and output: four bytes of length, then the bytes. A request is JSON; an answer begins with one
byte, 0 for a document and 1 for the text of an error.
"""

import json
import resource
import struct
import sys
from typing import Any, BinaryIO

import typst

from reporting.reports.templates import EVALUATION, FONTS, missing

LENGTH = struct.Struct(">I")
DOCUMENT, ERROR = b"\x00", b"\x01"
MISSING = "\u25a1"


def main() -> None:
    """Answer requests until the parent closes the pipe."""
    limit = int(sys.argv[1]) * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    compiler = typst.Compiler(str(EVALUATION), font_paths=[str(FONTS)], ignore_system_fonts=True)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while (request := read_frame(source)) is not None:
        try:
            answer = DOCUMENT + draw(compiler, json.loads(request))
        except (typst.TypstError, MemoryError) as error:
            answer = ERROR + f"{type(error).__name__}: {error}".encode()
        sink.write(LENGTH.pack(len(answer)) + answer)
        sink.flush()


def draw(compiler: typst.Compiler, request: dict[str, str]) -> bytes:
    """One PDF/A document. What people wrote travels as data and is never read as markup."""
    document = compiler.compile(
        format="pdf",
        sys_inputs={"data": json.dumps(legible(json.loads(request["data"]))), "origin": request["origin"]},
        timestamp=int(request["timestamp"]),
        pdf_standards=["a-2b"],
    )
    assert isinstance(document, bytes)
    return document


def legible(value: Any) -> Any:
    """The data with a box for every character that the typeface lacks, as an emoji: PDF/A takes no missing glyph."""
    if isinstance(value, str):
        return missing().sub(MISSING, value)
    if isinstance(value, dict):
        return {name: legible(item) for name, item in value.items()}
    return [legible(item) for item in value] if isinstance(value, list) else value


def read_frame(source: BinaryIO) -> bytes | None:
    """The next frame, or None at the end."""
    header = source.read(LENGTH.size)
    if len(header) < LENGTH.size:
        return None
    return source.read(LENGTH.unpack(header)[0])


if __name__ == "__main__":
    main()
