"""The HTTP application of agreements-api."""

from fastapi import FastAPI

from agreements_api.accounts.passwords import Attempts, Passwords
from agreements_api.accounts.router import router as accounts
from agreements_api.administration.router import router as administration
from agreements_api.agreements.router import router as agreements
from agreements_api.assignments.router import router as assignments
from agreements_api.boundary_cases.router import router as boundary_cases
from agreements_api.bulk.router import router as bulk
from agreements_api.comments.router import router as comments
from agreements_api.config import Settings
from agreements_api.corridors.router import router as corridors
from agreements_api.documents.router import STREAMED, documents_hook
from agreements_api.documents.router import router as documents
from agreements_api.extensions.router import router as extensions
from agreements_api.funding.router import router as funding
from agreements_api.history.router import router as history
from agreements_api.imports.router import router as imports
from agreements_api.localities.router import router as localities
from agreements_api.meeting_rhythm.router import router as meeting_rhythm
from agreements_api.meetings.router import router as meetings
from agreements_api.milestones.router import router as milestones
from agreements_api.obstacles.router import router as obstacles
from agreements_api.party_succession.router import router as party_succession
from agreements_api.provenance.router import router as provenance
from agreements_api.publication.router import router as publication
from agreements_api.recurrence.router import router as recurrence
from agreements_api.task_dependencies.router import router as task_dependencies
from agreements_api.tasks.router import router as tasks
from agreements_api.tasks.steering import router as steering
from agreements_api.urgings.router import router as urgings
from agreements_api.worklist.router import router as worklist
from shared.app import create_service_app
from shared.auth import TokenIssuer


def create_app(settings: Settings) -> FastAPI:
    """Routes of this service under /v1, with health, metrics and problem documents."""
    app = create_service_app(
        settings,
        title="Liên Vùng – thỏa thuận",
        # Routes are matched one by one in this order, so the ones that are asked for most come first.
        routers=[
            tasks,
            worklist,
            steering,
            extensions,
            milestones,
            task_dependencies,
            recurrence,
            agreements,
            history,
            party_succession,
            provenance,
            publication,
            meetings,
            meeting_rhythm,
            boundary_cases,
            obstacles,
            urgings,
            comments,
            localities,
            assignments,
            documents,
            corridors,
            funding,
            accounts,
            administration,
            imports,
            bulk,
        ],
        lifespan_hooks=[documents_hook],
        streamed=STREAMED,
        # The file, and what a form needs around it.
        larger_bodies={"/v1/imports": settings.import_max_mb * 1024 * 1024 + 64 * 1024},
    )
    app.state.issuer = TokenIssuer(settings.keys_dir)
    app.state.passwords = Passwords(at_once=settings.hashes_at_once, waiting=settings.hashes_waiting)
    app.state.attempts = Attempts(settings.sign_in_failures)
    return app
