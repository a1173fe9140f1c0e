"""The HTTP application of the reporting service."""

from fastapi import FastAPI

from reporting.config import Settings
from reporting.indicators.router import router as indicators
from reporting.reports.router import router as reports
from shared.app import create_service_app


def create_app(settings: Settings) -> FastAPI:
    """Routes of this service under /v1, with health, metrics and problem documents."""
    return create_service_app(
        settings,
        title="Liên Vùng: indicators and reports",
        description="Figures of what was promised and kept, each with its tasks, and official reports made of them.",
        routers=[indicators, reports],
    )
