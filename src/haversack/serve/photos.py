"""A photo in, its canonical record out: what the page, curl and any program can use.

With `Prefer: respond-async` the record comes later, as the result of a job.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.requests import Request
from starlette.responses import Response

from haversack.asgi.access import Scope
from haversack.asgi.bodies import Body
from haversack.asgi.multipart import is_form, receive_file
from haversack.engine.results import ImageResult
from haversack.errors import HaversackError
from haversack.serve.context import Context, target_of
from haversack.serve.job_queries import flag, prefers_later
from haversack.serve.model import ServedModel
from haversack.serve.record import Shown, record


class PhotoRoutes:
    """POST /predict/{name}."""

    def __init__(self, context: Context, submit: Callable[[Request], Awaitable[Response]]) -> None:
        self._context = context
        self._submit = submit

    async def predict(self, request: Request) -> Response:
        """The record of one photo, sent as the body itself or as a form's one file.

        ?threshold=0.25 keeps surer objects only (else the pack's default); ?map=true adds a label
        map's pixels.
        """
        if prefers_later(request):
            return await self._submit(request)
        self._context.allow(request, Scope.INFER)
        threshold, with_map = read_shown(request)

        async with received_photo(self._context, request) as (body, name):
            shown = Shown(image=name, threshold=threshold, with_map=with_map)

            def render(result: ImageResult, model: ServedModel) -> bytes:
                return record(result, model, shown)

            answer = await self._context.plane.see(target_of(request), body, render)
        return Response(answer, media_type="application/json")


@asynccontextmanager
async def received_photo(context: Context, request: Request) -> AsyncIterator[tuple[Body, str]]:
    """A seat, the photo and the name that its sender gave it, or "", for the length of a block."""
    context.check_open()
    context.plane.seats.check_free()
    if not is_form(request):
        async with context.bodies.receive(request, context.body_limit) as body:
            with context.plane.seats.seat():
                yield body, ""
        return
    body = Body(context.bodies)
    try:
        name = await receive_file(request, context.body_limit, body)
        with context.plane.seats.seat():
            yield body, name
    finally:
        body.close()


def read_shown(request: Request) -> tuple[float | None, bool]:
    """?threshold and ?map. Raises HaversackError `query-invalid`."""
    return _threshold(request), flag(request, "map")


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
