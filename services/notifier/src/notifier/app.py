"""The HTTP application of the notifier."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from notifier.alerts.planning import Planner
from notifier.alerts.router import router as alerts
from notifier.config import Settings
from notifier.dead_letters.router import router as dead_letters
from notifier.deadlines.router import router as deadlines
from notifier.delivery.links import UnsubscribeLinks
from notifier.delivery.repository import secret
from notifier.delivery.router import router as unsubscribe
from notifier.feed.router import router as feed
from notifier.feed.stream import following
from shared.app import create_service_app
from shared.auth import SYSTEM


def create_app(settings: Settings) -> FastAPI:
    """Routes of this service under /v1, with health, metrics and problem documents."""
    app = create_service_app(
        settings,
        title="Liên Vùng – nhắc hạn",
        description="Deadlines, alerts and the feed of events.",
        routers=[alerts, deadlines, feed, unsubscribe, dead_letters],
        lifespan_hooks=[following, _unsubscribe_links],
    )
    app.state.planner = Planner.of(settings)
    return app


@asynccontextmanager
async def _unsubscribe_links(app: FastAPI) -> AsyncIterator[None]:
    async with app.state.database.read(SYSTEM) as connection:
        app.state.links = UnsubscribeLinks(await secret(connection), app.state.settings.public_url)
    yield
