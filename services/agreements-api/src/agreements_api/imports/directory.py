"""Organisations by what people call them: full name, short name, or the name of their unit."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from agreements_api.imports.values import NotUnderstood, shortened
from shared.text import fold

# How offices are abbreviated; whole words, folded.
_LONG_FORMS = {
    "ubnd": "uy ban nhan dan",
    "hdnd": "hoi dong nhan dan",
    "btv": "ban thuong vu",
    "bch": "ban chap hanh",
    "tp": "thanh pho",
    "tx": "thi xa",
    "tt": "thi tran",
    "h": "huyen",
    "x": "xa",
    "p": "phuong",
    "q": "quan",
    "vp": "van phong",
    "gtvt": "giao thong van tai",
    "khdt": "ke hoach va dau tu",
    "tnmt": "tai nguyen va moi truong",
}
_UNIT_TYPES = re.compile(r"^(?:tinh|thanh pho|thi xa|huyen|quan|xa|phuong|thi tran|dac khu) ")
_CANDIDATES_NAMED = 5
# No name has more commas.
_PIECES_OF_A_NAME = 6


@dataclass(frozen=True, slots=True)
class Entry:
    """An organisation with the unit that it acts for."""

    id: UUID
    name: str
    short_name: str | None
    unit_name: str
    unit_until: date | None
    above: str | None

    @property
    def described(self) -> str:
        """Enough to tell it from others of the same name."""
        return f"{self.name} ({self.unit_name}{', ' + self.above if self.above else ''})"


class Directory:
    """Finds the one organisation that is meant, and says which ones could be where several are."""

    def __init__(self, entries: Iterable[Entry], today: date) -> None:
        self._today = today
        self._by_id: dict[UUID, Entry] = {}
        self._named: dict[str, list[Entry]] = defaultdict(list)
        self._of_unit: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries:
            self._by_id[entry.id] = entry
            for name in {words_of(entry.name), words_of(entry.short_name or entry.name)}:
                self._named[name].append(entry)
            unit = words_of(entry.unit_name)
            for name in {unit, _UNIT_TYPES.sub("", unit)}:
                self._of_unit[name].append(entry)

    def find(self, text: str) -> Entry:
        """The organisation that a text means; raises NotUnderstood for none or several."""
        found = self._found(text)
        if not found:
            raise unknown_organization(text)
        if len(found) > 1:
            raise _several(text, found)
        return found[0]

    def find_all(self, text: str) -> list[tuple[Entry, str]]:
        """The organisations of one line, each with its own words; commas also stand within names.

        From the left, the longest piece that is a name is one.
        """
        pieces = [piece.strip() for piece in text.split(",") if piece.strip()]
        found: list[tuple[Entry, str]] = []
        at = 0
        while at < len(pieces):
            longest = min(at + _PIECES_OF_A_NAME, len(pieces))
            end = next((end for end in range(longest, at + 1, -1) if self._found(", ".join(pieces[at:end]))), at + 1)
            named = ", ".join(pieces[at:end])
            found += [(self.find(part), part) for part in self._by_and(named)]
            at = end
        return found

    def _by_and(self, text: str) -> list[str]:
        """ "A và B" where that is no name by itself, and both of its parts are."""
        if self._found(text):
            return [text]
        parts = re.split(r"\s+(?:và|&)\s+", text)
        return parts if len(parts) > 1 and all(self._found(part) for part in parts) else [text]

    def _found(self, text: str) -> Sequence[Entry]:
        try:
            known = self._by_id.get(UUID(text.strip()))
        except ValueError:
            words = words_of(text)
            return self._in_force(self._named.get(words) or self._of_unit.get(words) or [])
        return [known] if known is not None else []

    def _in_force(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        """Those whose units are there today, or all where none is: names come back after a reform."""
        present = [entry for entry in entries if entry.unit_until is None or entry.unit_until >= self._today]
        return present or entries


def words_of(text: str) -> str:
    """A name for comparing: "UBND TX. Đông Triều" and "Ủy ban nhân dân thị xã Đông Triều" are the same."""
    words = re.sub(r"[^\w\s]", " ", fold(text)).split()
    return " ".join(_LONG_FORMS.get(word, word) for word in words)


def unknown_organization(text: str) -> NotUnderstood:
    return NotUnderstood(
        "unknown_organization",
        f"Không có cơ quan nào tên «{shortened(text)}».",
        f"There is no organisation called “{shortened(text)}”.",
    )


def _several(text: str, found: Sequence[Entry]) -> NotUnderstood:
    named = "; ".join(f"{entry.described} [{entry.id}]" for entry in found[:_CANDIDATES_NAMED])
    more = len(found) - _CANDIDATES_NAMED
    vi, en = (f"; và {more} cơ quan khác", f"; and {more} more") if more > 0 else ("", "")
    return NotUnderstood(
        "ambiguous_organization",
        f"«{shortened(text)}» có thể là: {named}{vi}. Hãy ghi tên đầy đủ hoặc mã.",
        f"“{shortened(text)}” may be: {named}{en}. Write the full name, or the identifier.",
    )
