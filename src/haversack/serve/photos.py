"""A photo in, its canonical record out: what the page, curl and any program can use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from haversack.asgi.access import Scope
from haversack.asgi.bodies import Body
from haversack.asgi.multipart import is_form, receive_file
from haversack.engine.results import ImageResult
from haversack.errors import HaversackError
from haversack.serve.context import Context, target_of
from haversack.serve.model import ServedModel

_encoder = msgspec.json.Encoder()
_FLAGS = {"": False, "0": False, "false": False, "1": True, "true": True}


class PhotoRoutes:
    """POST /predict/{name}."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def predict(self, request: Request) -> Response:
        """The record of one photo, sent as the body itself or as a form's one file.

        ?threshold=0.25 keeps surer objects only (else the pack's default); ?map=true adds a label
        map's pixels.
        """
        self._context.allow(request, Scope.INFER)
        threshold, with_map = _threshold(request), _flag(request, "map")

        async with self._photo(request) as (body, name):

            def render(result: ImageResult, model: ServedModel) -> bytes:
                floor = threshold
                if floor is None:
                    floor = model.manifest.defaults.score_threshold
                shown = replace(result.above(floor), image=name)
                return _encoder.encode(shown.to_dict(with_map=with_map))

            record = await self._context.plane.see(target_of(request), body, render)
        return Response(record, media_type="application/json")

    @asynccontextmanager
    async def _photo(self, request: Request) -> AsyncIterator[tuple[Body, str]]:
        """The photo and the name that its sender gave it, or ""."""
        if not is_form(request):
            async with self._context.body(request) as body:
                yield body, ""
            return
        self._context.check_open()
        body = Body(self._context.bodies)
        with self._context.plane.seats.seat():
            try:
                name = await receive_file(request, self._context.body_limit, body)
                yield body, name
            finally:
                body.close()


def _threshold(request: Request) -> float | None:
    text = request.query_params.get("threshold")
    if text is None:
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise HaversackError(
            "query-invalid", f"threshold is {text[:40]!r}; a number from 0 to 1 is needed"
        )
    return value


def _flag(request: Request, name: str) -> bool:
    text = request.query_params.get(name, "")
    if text.lower() not in _FLAGS:
        raise HaversackError("query-invalid", f"{name} is {text[:40]!r}; true or false is needed")
    return _FLAGS[text.lower()]
