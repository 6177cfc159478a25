"""A photo in, its canonical record out: what the page, curl and any program can use.

With `Prefer: respond-async` the record comes later, as the result of a job.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from haversack.callers import Scope
from haversack.engine.results import PhotoResult
from haversack.jobs.wishes import Wishes, flag, share
from haversack.serve.http.context import Context, target_of
from haversack.serve.http.job_queries import prefers_later
from haversack.serve.http.received import received_photo
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


def read_shown(wishes: Wishes) -> tuple[float | None, bool]:
    """?threshold and ?map. Raises HaversackError `query-invalid`."""
    return share(wishes, "threshold"), flag(wishes, "map")
