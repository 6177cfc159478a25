"""The routes of the page: itself, its modules and styles, and its sample photos."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from haversack.web.samples import SampleShelf

STATIC = Path(__file__).parent / "static"
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
# Asked again each time and answered with 304: an upgraded server never meets an old module.
_REVALIDATE = {"Cache-Control": "no-cache"}
_GUARDED = {
    **_REVALIDATE,
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept",
}
_ALIVE = b'{"status":"alive"}'
_MEDIA_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}


Reserve = Callable[[int], AbstractAsyncContextManager[None]]
"""So many bytes of the server's memory for the length of a block."""


def routes(samples: SampleShelf, reserve: Reserve) -> list[BaseRoute]:
    """GET /, /static/..., /samples and /samples/{file}."""
    shelf = _ShelfRoutes(samples, reserve)
    return [
        Route("/", front, methods=["GET"]),
        Route("/samples", shelf.index, methods=["GET"]),
        Route("/samples/{file}", shelf.photo, methods=["GET"]),
        Mount("/static", app=_PageFiles(directory=STATIC), name="static"),
    ]


async def front(request: Request) -> Response:
    """The page for a browser; for a program the liveness answer that KServe's clients expect."""
    if "text/html" in request.headers.get("accept", ""):
        return FileResponse(STATIC / "index.html", media_type="text/html", headers=_GUARDED)
    return Response(_ALIVE, media_type="application/json", headers={"Vary": "Accept"})


class _ShelfRoutes:
    """The sample photos over HTTP."""

    def __init__(self, shelf: SampleShelf, reserve: Reserve) -> None:
        self._shelf = shelf
        self._reserve = reserve

    async def index(self, request: Request) -> Response:
        """Names and addresses."""
        photos = await run_in_threadpool(self._shelf.photos)
        rows = [{"name": one.name, "url": f"/samples/{quote(one.file)}"} for one in photos]
        return JSONResponse({"samples": rows}, headers=_REVALIDATE)

    async def photo(self, request: Request) -> Response:
        """One photo's bytes."""
        photo = await run_in_threadpool(self._shelf.find, request.path_params["file"])
        if photo is None:
            raise HTTPException(404)
        async with self._reserve(photo.need_bytes):
            data = await run_in_threadpool(photo.read)
        tag = f'"{sha256(data).hexdigest()[:32]}"'
        headers = {**_REVALIDATE, "ETag": tag}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(data, media_type=photo.media_type, headers=headers)


class _PageFiles(StaticFiles):
    """The page's files, with media types that do not depend on the machine's own table."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """As StaticFiles gives it: with an ETag, and 304 where the browser has it already."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update(_REVALIDATE)
        media_type = _MEDIA_TYPES.get(Path(full_path).suffix)
        if media_type and "content-type" in response.headers:
            response.headers["content-type"] = media_type
        return response
