"""A photo in, its canonical record out: what the page, curl and any program can use.

With `Prefer: respond-async` the record comes later, as the result of a job.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from haversack.asgi.bodies import Body
from haversack.asgi.multipart import is_form, receive_file
from haversack.callers import Scope
from haversack.engine.results import PhotoResult
from haversack.errors import HaversackError
from haversack.serve.http.context import Context, target_of
from haversack.serve.http.job_queries import Wishes, flag, prefers_later
from haversack.serve.http.wishes import with_form
from haversack.serve.models.model import ServedModel
from haversack.serve.protocols.record import Shown, record


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
        read_shown(request.query_params)  # what is wrong there is told before the photo is sent

        async with received_photo(self._context, request) as photo:
            threshold, with_map = read_shown(photo.wishes)
            shown = Shown(image=photo.name, threshold=threshold, with_map=with_map)

            def render(result: PhotoResult, model: ServedModel) -> bytes:
                return record(result, model, shown)

            answer = await self._context.plane.photos.predict(
                target_of(request), photo.body, render
            )
        return Response(answer, media_type="application/json")


@dataclass(frozen=True, kw_only=True)
class Photo:
    """One that was sent.

    Attributes:
        body: its bytes.
        name: that its sender gave it, or "".
        wishes: what the query says, and the form that it came in.
    """

    body: Body
    name: str
    wishes: Wishes


@asynccontextmanager
async def received_photo(context: Context, request: Request) -> AsyncIterator[Photo]:
    """A seat and the photo, for the length of a block. Raises HaversackError as `with_form`."""
    async with context.seated(_whole_photo(context, request)) as photo:
        yield photo


@asynccontextmanager
async def _whole_photo(context: Context, request: Request) -> AsyncIterator[Photo]:
    if not is_form(request):
        async with context.bodies.receive(request, context.body_limit) as body:
            yield Photo(body=body, name="", wishes=request.query_params)
        return
    body = Body(context.bodies)
    try:
        form = await receive_file(request, context.body_limit, body)
        yield Photo(body=body, name=form.name, wishes=with_form(request, form.fields))
    finally:
        body.close()


def read_shown(wishes: Wishes) -> tuple[float | None, bool]:
    """?threshold and ?map. Raises HaversackError `query-invalid`."""
    return _threshold(wishes), flag(wishes, "map")


def _threshold(wishes: Wishes) -> float | None:
    text = wishes.get("threshold")
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
