"""Many photos for one job: sent one by one, each kept before it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from haversack.asgi.errors import json_response
from haversack.callers import Scope
from haversack.errors import HaversackError, Kind, RetryLaterError
from haversack.jobs.files import Role, Upload
from haversack.serve.http.job_access import owner_of
from haversack.serve.http.job_context import JobContext
from haversack.serve.http.received import received_photo

T = TypeVar("T")
_FULL_RETRY_SECONDS = 30


class UploadRoutes:
    """The endpoints under /uploads. As with jobs, each caller sees only his own."""

    def __init__(self, context: JobContext) -> None:
        self._context = context

    async def begin(self, request: Request) -> Response:
        """POST /uploads: the id under which photos are sent, and later the job's."""
        principal = self._context.allow(request, Scope.JOBS)
        intake = self._context.services.intake
        upload = await kept(lambda: intake.begin_upload(principal.name))
        headers = {"Location": f"/uploads/{upload.id}"}
        return json_response(self._described(upload), status=201, headers=headers)

    async def add(self, request: Request) -> Response:
        """POST /uploads/{id}?name=: one photo, as the body itself or a form's one file."""
        owner = owner_of(self._context.allow(request, Scope.JOBS))
        intake, upload = self._context.services.intake, request.path_params["name"]
        # Not counted: a photo would then cost the more, the more have come.
        await asyncio.to_thread(intake.check_upload, upload, owner)
        async with received_photo(self._context, request) as photo:
            body, name = photo.body, photo.wishes.get("name") or photo.name
            self._context.check_photo(body.size_bytes)
            data = body.view()  # taken here: the body may be closed before a thread begins
            is_new = await kept(lambda: intake.add_photo(upload, name, data))
            told = {"name": name, "bytes": body.size_bytes}
        return json_response(told, status=201 if is_new else 200)

    async def show(self, request: Request) -> Response:
        """GET /uploads/{id}: what has come, so that a sender can go on with the rest."""
        upload = await self._own(request)
        files = await asyncio.to_thread(self._context.services.files.files, upload.id, Role.PHOTO)
        names = [file.name for file in files]
        return json_response({**self._described(upload), "names": names})

    async def remove(self, request: Request) -> Response:
        """DELETE /uploads/{id}: its photos go with the next tidying."""
        upload = await self._own(request)
        await asyncio.to_thread(self._context.services.files.end, upload.id)
        return Response(status_code=204)

    async def _own(self, request: Request) -> Upload:
        owner = owner_of(self._context.allow(request, Scope.JOBS))
        intake = self._context.services.intake
        return await asyncio.to_thread(intake.upload, request.path_params["name"], owner)

    def _described(self, upload: Upload) -> dict[str, Any]:
        limits = self._context.services.intake.limits
        return {
            "id": upload.id,
            "photos": upload.photos,
            "bytes": upload.size_bytes,
            "limits": {
                "photos": limits.upload_photos,
                "photo_bytes": self._context.body_limit.limit_bytes,
                "suffixes": sorted(limits.suffixes),
            },
        }


async def kept(work: Callable[[], T]) -> T:
    """Do what puts things on the disk; a caller for whom there is no room is told to come again.

    Raises:
        HaversackError: what `work` raises.
    """
    try:
        return await asyncio.to_thread(work)
    except HaversackError as error:
        if error.kind is not Kind.OVERLOADED:
            raise
        raise RetryLaterError(
            error.message,
            retry_after_seconds=_FULL_RETRY_SECONDS,
            hint=error.hint,
            code=error.code,
        ) from error
