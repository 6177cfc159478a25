"""Every route of the data plane, from the contract table and the rooms' handlers."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from haversack.asgi.errors import json_response
from haversack.jobs.kinds import JobKinds
from haversack.serve.http.context import Context
from haversack.serve.http.contract.openapi import document
from haversack.serve.http.contract.table import operations
from haversack.serve.http.health import HealthRoutes
from haversack.serve.http.job_handlers import job_handlers
from haversack.serve.http.job_photos import JobPhotoRoutes
from haversack.serve.http.jobs import JobRoutes
from haversack.serve.http.later import LaterRoutes
from haversack.serve.http.measurements import MetricsRoutes
from haversack.serve.http.packs import PackRoutes
from haversack.serve.http.photos import PhotoRoutes
from haversack.serve.http.repository import RepositoryRoutes
from haversack.serve.http.sessions import SessionRoutes
from haversack.serve.http.status import StatusRoutes
from haversack.serve.http.table_routes import Handler, table_routes
from haversack.serve.http.v1 import V1Routes
from haversack.serve.http.v2 import V2Routes


def routes(context: Context) -> list[Route]:
    """Starlette's routes, one for each path, in the table's order."""
    return table_routes(operations(_kinds(context)), _handlers(context))


def _kinds(context: Context) -> JobKinds:
    return context.jobs.kinds if context.jobs is not None else JobKinds()


def _handlers(context: Context) -> dict[str, Handler]:
    jobs = JobRoutes(context)
    later = LaterRoutes(context, jobs)
    v1, v2 = V1Routes(context, later.submit), V2Routes(context, later.submit)
    photos = PhotoRoutes(context, jobs.submit)
    health, packs = HealthRoutes(context), PackRoutes(context)
    repository, measured = RepositoryRoutes(context), MetricsRoutes(context)
    session = SessionRoutes(context)
    page = document(_kinds(context))

    async def openapi(request: Request) -> Response:
        return json_response(page)

    return {
        "infer": v2.infer,
        "predict_photo": photos.predict,
        "predict_v1": v1.predict,
        "server_metadata": v2.server,
        "live": health.live,
        "livez": health.live,
        "healthz": health.live,
        "ready": health.ready,
        "readyz": health.ready,
        "all_statistics": v2.statistics,
        "model_metadata": v2.model,
        "model_ready": v2.ready,
        "model_config": v2.config,
        "model_statistics": v2.statistics,
        "repository_index": repository.index,
        "repository_load": repository.load,
        "repository_unload": repository.unload,
        "models_v1": v1.models,
        "model_v1": v1.model,
        "packs": packs.index,
        "pack_upload": packs.upload,
        "pack_download": packs.download,
        "pack_remove": packs.remove,
        **job_handlers(context, jobs),
        "job_photo": JobPhotoRoutes(context).photo,
        "session_begin": session.begin,
        "session": session.show,
        "session_end": session.end,
        "metrics": measured.metrics,
        "status": StatusRoutes(context).status,
        "openapi": openapi,
    }
