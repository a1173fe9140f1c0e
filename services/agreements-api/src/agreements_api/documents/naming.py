"""Names of files: how they are kept, and how a download is named (RFC 6266)."""

import re
import unicodedata
from urllib.parse import quote, unquote_to_bytes

from shared.text import nfc

LONGEST = 255
# Marks that turn the direction of writing around make "bao-cao<U+202E>fdp.exe" look like a PDF.
_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_EXTENDED = re.compile(r"(?i)^([\w!#$&+^`{}~-]+)'[\w-]*'(.+)$")
_UNSAFE_IN_ASCII = re.compile(r"[^A-Za-z0-9 ._()+,=@-]")
# The characters that RFC 8187 lets stand for themselves.
_ATTRIBUTE = "!#$&+-.^_`|~"
# The one letter that does not come apart into a letter and its marks.
_STROKES = str.maketrans("đĐ", "dD")


def clean(name: str) -> str | None:
    """A file's own name without the folders before it; none where nothing is left that could be one."""
    shown = _UNSEEN.sub("", nfc(name)).replace("\\", "/").rpartition("/")[2].strip()
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in shown):
        return None
    if not shown.strip(".") or len(shown) > LONGEST:
        return None
    return shown


def disposition(name: str) -> str:
    """`attachment` under this name, with a likeness in ASCII for those who know no other."""
    likeness = _UNSAFE_IN_ASCII.sub("_", _without_marks(name)).strip() or "document"
    return f"attachment; filename=\"{likeness}\"; filename*=UTF-8''{quote(name, safe=_ATTRIBUTE)}"


def extended(value: str) -> str | None:
    """What `filename*` says (RFC 8187); none where it cannot be read."""
    match = _EXTENDED.match(value)
    if match is None:
        return None
    try:
        return unquote_to_bytes(match[2]).decode(match[1])
    except (LookupError, UnicodeDecodeError):
        return None


def _without_marks(name: str) -> str:
    decomposed = unicodedata.normalize("NFD", name.translate(_STROKES))
    return "".join(character for character in decomposed if not unicodedata.combining(character))
