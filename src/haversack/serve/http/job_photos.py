"""The photos of a job over HTTP, as they were sent."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from haversack.engine.photo import read_header
from haversack.errors import HaversackError, Kind, PhotoError
from haversack.jobs.blobs import BlobStore
from haversack.jobs.files import JobFile, Role
from haversack.jobs.job import Job
from haversack.serve.http.job_access import own_job
from haversack.serve.http.job_context import JobContext
from haversack.serve.http.job_files import OCTETS, answered, found

_HEAD_BYTES = 64 << 10
_PHOTOS = frozenset({"jpeg", "png", "webp", "tiff", "gif", "bmp", "avif"})


class JobPhotoRoutes:
    """GET /jobs/{id}/photo, for whoever may see the job."""

    def __init__(self, context: JobContext) -> None:
        self._context = context

    async def photo(self, request: Request) -> Response:
        """The job's photo; of a job with many the one that ?name names."""
        job = await own_job(self._context, request)
        file = await self._photo_of(job, request.query_params.get("name"))
        blobs = self._context.services.blobs
        media_type = await asyncio.to_thread(_photo_type, blobs, file.blob)
        kind = "attachment" if media_type == OCTETS else "inline"
        return answered(self._context, request, file, media_type, kind)

    async def _photo_of(self, job: Job, name: str | None) -> JobFile:
        if job.input_removed:
            raise HaversackError(
                "job-input-removed",
                f"the photos of the job {job.id} are kept no longer",
                hint="Its result is kept for longer, and says what was found.",
                kind=Kind.GONE,
            )
        if job.input and name in (None, job.image):
            return JobFile(name=job.image, blob=job.input, size_bytes=job.input_bytes)
        file = await found(self._context, job, Role.PHOTO, name or "")
        if file is None:
            raise HaversackError(
                "job-file-missing",
                f"the job has no photo {(name or '')[:80]!r}",
                hint="photos.json among the files of a survey names them: ?name=...",
                kind=Kind.NOT_FOUND,
            )
        return file


def _photo_type(blobs: BlobStore, name: str) -> str:
    """By its first bytes: what only says that it is a photo is not shown as a page."""
    try:
        found = read_header(blobs.part(name, 0, _HEAD_BYTES)).format.lower()
    except PhotoError:
        return OCTETS
    return f"image/{found}" if found in _PHOTOS else OCTETS
