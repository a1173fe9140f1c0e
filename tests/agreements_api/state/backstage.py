"""The roles of the product, of which each works when a walk says so."""

from __future__ import annotations

from dataclasses import dataclass

from agreements_api.config import Settings
from agreements_api.documents.storage import open_storage
from agreements_api.documents.sweeping import sweep
from agreements_api.imports.jobs import expire, make_reader, work_next
from agreements_api.party_succession.runs import work_off
from shared.db import Database


@dataclass(frozen=True)
class Backstage:
    """What they need of the running application."""

    settings: Settings
    database: Database

    async def sweep(self) -> None:
        """Contents that no document refers to leave the store, without the hour that they have."""
        await sweep(self.database, open_storage(self.settings), grace_seconds=0)

    async def work_on_an_import(self) -> None:
        """The one that has waited longest."""
        await work_next(self.settings, self.database, make_reader(self.settings))

    async def expire_imports(self) -> None:
        await expire(self.settings, self.database)

    async def carry_out_successions(self) -> None:
        """Small batches: most agreements meet another one in theirs, and some do not."""
        await work_off(self.database, batch=3)
