"""The roles of the product, of which each works when a walk says so."""

from __future__ import annotations

from dataclasses import dataclass

from agreements_api.config import Settings
from agreements_api.documents.storage import open_storage
from agreements_api.documents.sweeping import sweep
from shared.db import Database


@dataclass(frozen=True)
class Backstage:
    """What they need of the running application."""

    settings: Settings
    database: Database

    async def sweep(self) -> None:
        """Contents that no document refers to leave the store, without the hour that they have."""
        await sweep(self.database, open_storage(self.settings), grace_seconds=0)
