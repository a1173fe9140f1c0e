"""What the lifecycle role does of funding: tell that a plan period closed without a task."""

from agreements_api.funding import service
from shared import clock
from shared.auth import SYSTEM
from shared.db import Database


async def tell_missed(database: Database, batch: int) -> int:
    """One batch in one transaction; how many tasks were looked at."""
    async with database.write(SYSTEM) as connection:
        return await service.tell_missed(connection, today=clock.today(), limit=batch)
