"""V2's model repository over HTTP: index, load, unload.

Source: Triton Inference Server, "Model Repository Extension".
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from haversack.asgi.bodies import BodyLimit
from haversack.asgi.errors import json_response
from haversack.callers import Scope
from haversack.errors import HaversackError
from haversack.serve.http.context import Context
from haversack.serve.protocols.checks import invalid

T = TypeVar("T")
_SMALL = BodyLimit(limit_bytes=64 << 10)


class _Index(msgspec.Struct):
    ready: bool = False


class _Load(msgspec.Struct):
    parameters: dict[str, object] = {}


class RepositoryRoutes:
    """The endpoints of the model repository."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._catalogue = context.plane.catalogue

    async def index(self, request: Request) -> Response:
        """POST /v2/repository/index: every known version; with {"ready": true} the loaded ones."""
        self._context.allow(request, Scope.INFER)
        wish = await self._json(request, _Index)
        rows = await asyncio.to_thread(self._catalogue.index)
        shown = []
        for row in rows:
            if wish.ready and row.state != "READY":
                continue
            fields = {"name": row.name, "version": row.version}
            shown.append(fields | ({"state": row.state, "reason": row.reason} if row.state else {}))
        return json_response(shown)

    async def load(self, request: Request) -> Response:
        """POST /v2/repository/models/{name}/load: the highest version, without a pause."""
        self._context.allow(request, Scope.ADMIN)
        wish = await self._json(request, _Load)
        if wish.parameters:
            raise HaversackError(
                "request-invalid",
                f"load takes no parameters here; received {', '.join(wish.parameters)[:200]}",
                hint="A model's configuration is in its pack; send another pack to POST /packs.",
            )
        await asyncio.to_thread(self._catalogue.load, request.path_params["name"])
        return Response()

    async def unload(self, request: Request) -> Response:
        """POST /v2/repository/models/{name}/unload: requests under way finish."""
        self._context.allow(request, Scope.ADMIN)
        await self._json(request, _Load)
        await asyncio.to_thread(partial(self._catalogue.unload, request.path_params["name"]))
        return Response()

    async def _json(self, request: Request, kind: type[T]) -> T:
        async with self._context.bodies.receive(request, _SMALL) as body:
            if not body.size_bytes:
                return kind()
            try:
                return msgspec.json.decode(body.read(), type=kind)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
                raise invalid(f"the body is not what this route takes: {fault}") from fault
