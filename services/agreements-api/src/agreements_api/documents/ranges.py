"""Which part of a file a request asks for (RFC 9110, section 14)."""

import re
from dataclasses import dataclass

_ONE = re.compile(r"bytes=\s*(\d{1,19})?\s*-\s*(\d{1,19})?\s*")


@dataclass(frozen=True)
class Span:
    """Bytes from `start` up to and without `end`."""

    start: int
    end: int

    @property
    def length(self) -> int:
        return self.end - self.start


class Unsatisfiable(ValueError):
    """The range lies outside of the file."""


def asked(header: str | None, if_range: str | None, *, size: int, tag: str) -> Span | None:
    """The one range that is asked for; none where the whole file is the answer.

    Whatever is not understood is ignored, as a server may, and so are several ranges at once. `if_range` makes the
    range conditional on the version that the caller has a part of.
    """
    if header is None or (if_range is not None and if_range.strip() != tag):
        return None
    match = _ONE.fullmatch(header.strip())
    if match is None or match.groups() == (None, None):
        return None
    first, last = (None if part is None else int(part) for part in match.groups())
    if first is None:
        assert last is not None
        if last == 0:
            raise Unsatisfiable
        return Span(max(0, size - last), size)
    if last is not None and last < first:
        return None
    if first >= size:
        raise Unsatisfiable
    return Span(first, size if last is None else min(last + 1, size))
