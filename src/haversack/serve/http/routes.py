"""Every route of the data plane, from the contract table and the rooms' handlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from haversack.asgi.errors import json_response
from haversack.serve.http.context import Context
from haversack.serve.http.contract.openapi import document
from haversack.serve.http.contract.operation import Operation
from haversack.serve.http.contract.table import OPERATIONS
from haversack.serve.http.health import HealthRoutes
from haversack.serve.http.job_files import JobFileRoutes
from haversack.serve.http.jobs import JobRoutes
from haversack.serve.http.measurements import MetricsRoutes
from haversack.serve.http.packs import PackRoutes
from haversack.serve.http.photos import PhotoRoutes
from haversack.serve.http.repository import RepositoryRoutes
from haversack.serve.http.sessions import SessionRoutes
from haversack.serve.http.status import StatusRoutes
from haversack.serve.http.uploads import UploadRoutes
from haversack.serve.http.v1 import V1Routes
from haversack.serve.http.v2 import V2Routes
from haversack.serve.http.wishes import check_query

Handler = Callable[[Request], Awaitable[Response]]


def routes(context: Context) -> list[Route]:
    """Starlette's routes, one for each path, in the table's order."""
    handlers = _handlers(context)
    by_path: dict[str, list[Operation]] = {}
    for operation in OPERATIONS:
        by_path.setdefault(operation.path, []).append(operation)
    return [_route(path, operations, handlers) for path, operations in by_path.items()]


def _route(path: str, operations: list[Operation], handlers: Mapping[str, Handler]) -> Route:
    """One path; a route for each of its methods would answer 405 naming only the first."""
    by_method = {
        one.method: _as_agreed(one, handlers[one.id.removesuffix("_version")]) for one in operations
    }
    if len(by_method) == 1:
        (method, handler), *_ = by_method.items()
        return Route(path, handler, methods=[method])

    async def choose(request: Request) -> Response:
        return await by_method[request.method.replace("HEAD", "GET")](request)

    return Route(path, choose, methods=list(by_method))


def _as_agreed(operation: Operation, handler: Handler) -> Handler:
    """The handler, told its row of the table. What everyone may ask has its query checked here.

    Elsewhere `Context.allow` does, since who may not ask is told nothing else.
    """

    async def answer(request: Request) -> Response:
        request.scope["operation"] = operation
        if operation.scope is None:
            check_query(request)
        return await handler(request)

    return answer


def _handlers(context: Context) -> dict[str, Handler]:
    jobs = JobRoutes(context)
    v1, v2 = V1Routes(context, jobs.submit_request), V2Routes(context, jobs.submit_request)
    photos = PhotoRoutes(context, jobs.submit)
    health, packs = HealthRoutes(context), PackRoutes(context)
    repository, measured = RepositoryRoutes(context), MetricsRoutes(context)
    session, uploads, files = SessionRoutes(context), UploadRoutes(context), JobFileRoutes(context)
    page = document()

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
        "job_submit": jobs.submit,
        "jobs": jobs.index,
        "job": jobs.show,
        "job_cancel": jobs.cancel,
        "job_events": jobs.events,
        "job_result": jobs.result,
        "job_retry": jobs.retry,
        "job_file": files.result,
        "job_photo": files.photo,
        "upload_begin": uploads.begin,
        "upload_photo": uploads.add,
        "upload": uploads.show,
        "upload_remove": uploads.remove,
        "session_begin": session.begin,
        "session": session.show,
        "session_end": session.end,
        "metrics": measured.metrics,
        "status": StatusRoutes(context).status,
        "openapi": openapi,
    }
