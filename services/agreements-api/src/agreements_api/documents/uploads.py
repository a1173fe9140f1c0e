"""From a file that was received to a content in the store: its type, its name, and one object for one digest."""

import asyncio
from collections.abc import Collection
from typing import NamedTuple

from agreements_api.documents import errors, media_types, naming, repository
from agreements_api.documents.media_types import EXTENSIONS, MediaType
from agreements_api.documents.models import ScanState
from agreements_api.documents.receiving import Received
from agreements_api.documents.storage import STORAGE_ERRORS, Storage
from shared.auth import SYSTEM
from shared.db import Database

DECLARED = "/header/Content-Type"
NAMED = "/header/Content-Disposition"


class Checked(NamedTuple):
    """What a file is, and what it is called from now on."""

    media_type: MediaType
    name: str


def check_declared(declared: str | None, types: Collection[MediaType]) -> None:
    """Refuse what is said to be of a type that is not taken, before any of it is read."""
    kind = media_types.essence(declared)
    if kind and kind not in types:
        raise errors.TypeNotAllowed(types)


async def check(received: Received, given_name: str | None, types: Collection[MediaType]) -> Checked:
    """Hold what a file is said to be, by its type and by its name, to what is in it."""
    declared = media_types.essence(received.declared)
    check_declared(declared, types)
    name, where = _name(received, given_name)
    found = await asyncio.to_thread(media_types.sniff, received.file) & frozenset(types)
    if not found:
        raise errors.TypeNotAllowed(types)
    kind = media_types.chosen(found, declared, name)
    if declared and declared != kind.value:
        raise errors.another_type(received.pointer or DECLARED, kind.value)
    extension = media_types.extension_of(name)
    known = {each for extensions in EXTENSIONS.values() for each in extensions}
    if extension in EXTENSIONS[kind]:
        return Checked(kind, name)
    if extension in known or extension in _DECEPTIVE:
        raise errors.another_extension(where, kind.value)
    return Checked(kind, f"{name[: naming.LONGEST - len(EXTENSIONS[kind][0])]}{EXTENSIONS[kind][0]}")


async def keep(database: Database, storage: Storage, received: Received, *, first: ScanState) -> None:
    """See to it that the content is in the store, once; `first` is what is known of one that is new.

    The object comes before its row, and both under a lock on the digest: of two uploads of the same at once the second
    finds the row, and whoever is killed in between leaves an object that no row stands for, which is swept up later.
    """
    async with database.write(SYSTEM) as connection:
        await repository.lock_digest(connection, received.digest)
        if await repository.touch(connection, received.digest):
            return
        try:
            await storage.put(received.digest, received.file)
        except STORAGE_ERRORS as error:
            raise errors.StorageAway(headers={"Retry-After": "5"}) from error
        await repository.keep(connection, received.digest, size=received.size, state=first)


def _name(received: Received, given: str | None) -> tuple[str, str]:
    where = "/query/name" if given is not None else received.pointer or NAMED
    name = given if given is not None else received.name
    if name is None:
        raise errors.no_name()
    cleaned = naming.clean(name)
    if cleaned is None:
        raise errors.bad_name(where)
    return cleaned, where


# Names that a system takes for a program or a page, whatever is in the file.
_DECEPTIVE = frozenset(
    f".{extension}"
    for extension in (
        *("exe", "com", "bat", "cmd", "scr", "pif", "msi", "dll", "js", "jse", "vbs", "vbe", "wsf", "ps1", "lnk"),
        *("hta", "jar", "sh", "py", "html", "htm", "xhtml", "svg", "xml", "php", "docm", "xlsm", "pptm", "zip"),
    )
)
