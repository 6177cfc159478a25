"""The routes of jobs without a server, for whoever can open the database: they may do everything.

It knows no packs, opens no model and loads no ONNX Runtime: an error of a route is raised as it is.
"""

from __future__ import annotations

from pathlib import Path

from starlette.routing import Router
from starlette.types import ASGIApp

from haversack.asgi.access import AccessRules
from haversack.asgi.bodies import BodyStore
from haversack.asgi.body_rates import BodyRateLimits, Incoming
from haversack.jobs.services import JobServices
from haversack.serve.http.contract.jobs import job_operations
from haversack.serve.http.job_context import JobContext, Phase
from haversack.serve.http.job_handlers import job_handlers
from haversack.serve.http.jobs import JobRoutes
from haversack.serve.http.table_routes import table_routes

_PATIENT = BodyRateLimits(patience_seconds=86_400.0, window_seconds=86_400.0)


def own_jobs(services: JobServices, spool: Path) -> ASGIApp:
    """The application.

    Args:
        spool: folder for large bodies on their way to where photos of jobs are kept.
    """
    context = JobContext(
        rules=AccessRules(),
        # They come from a disk of this machine, however slow that is.
        bodies=BodyStore(spool, incoming=Incoming(_PATIENT)),
        jobs=services,
        phase=Phase.READY,
    )
    handlers = job_handlers(context, JobRoutes(context))
    rows = [
        row for row in job_operations(services.kinds) if row.id.removesuffix("_version") in handlers
    ]
    return Router(table_routes(rows, handlers), redirect_slashes=False)
