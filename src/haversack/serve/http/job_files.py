"""The files of a job over HTTP: what came out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from haversack.errors import HaversackError, Kind
from haversack.jobs.blobs import BlobStore
from haversack.jobs.files import JobFile, Role
from haversack.jobs.job import Job, State
from haversack.serve.http.job_access import own_job
from haversack.serve.http.job_context import JobContext

_PIECE_BYTES = 256 << 10
_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{0,18})")
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".geojson": "application/geo+json",
    ".csv": "text/csv; charset=utf-8",
}
_SHOWN = frozenset({".html", ".json", ".jsonl"})
OCTETS = "application/octet-stream"
"""Of what is not said to be anything else."""
# A report brings a policy of its own, with the hashes of its style and script.
_GUARDS = {
    "Content-Security-Policy": "frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "private, no-cache",
    "Accept-Ranges": "bytes",
}


class JobFileRoutes:
    """GET /jobs/{id}/files/{file}, for whoever may see the job."""

    def __init__(self, context: JobContext) -> None:
        self._context = context

    async def result(self, request: Request) -> Response:
        """One of the files that the job's result names; a part of it with Range."""
        job = await own_job(self._context, request)
        name = request.path_params["file"]
        file = await found(self._context, job, Role.RESULT, name)
        if file is None or job.state is not State.DONE:
            raise _no_result(job, name)
        suffix = PurePosixPath(name).suffix
        kind = "inline" if suffix in _SHOWN else "attachment"
        return answered(self._context, request, file, _TYPES.get(suffix, OCTETS), kind)


async def found(context: JobContext, job: Job, role: Role, name: str) -> JobFile | None:
    """One file of the job, or None."""
    return await asyncio.to_thread(context.services.files.file, job.id, role, name)


def answered(
    context: JobContext, request: Request, file: JobFile, media_type: str, kind: str
) -> Response:
    """The file, or the part of it that Range names; `kind` is inline or attachment."""
    shown = quote(PurePosixPath(file.name).name)
    headers = {
        **_GUARDS,
        "ETag": f'"{file.blob[:32]}"',
        "Content-Disposition": f"{kind}; filename*=UTF-8''{shown}",
    }
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    span = _span(request.scope.get("range", ""), file.size_bytes)
    start, end = span or (0, file.size_bytes)
    if span is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size_bytes}"
    headers["Content-Length"] = str(end - start)
    pieces = _pieces(context.services.blobs, file.blob, start, end)
    status = 200 if span is None else 206
    return StreamingResponse(pieces, status, headers=headers, media_type=media_type)


async def _pieces(blobs: BlobStore, name: str, start: int, end: int) -> AsyncIterator[bytes]:
    for at in range(start, end, _PIECE_BYTES):
        yield await asyncio.to_thread(blobs.part, name, at, min(_PIECE_BYTES, end - at))


def _span(asked: str, size: int) -> tuple[int, int] | None:
    """First byte, and the one behind the last; None for the whole. Source: RFC 9110, 14.

    Several ranges, and ends that are counted from behind, are answered with the whole.

    Raises:
        HaversackError: `range-unsatisfiable`.
    """
    match = _RANGE.fullmatch(asked)
    if match is None:
        return None
    start, last = int(match[1]), int(match[2] or size - 1)
    if last < start and match[2]:
        return None
    if start >= size:
        raise HaversackError(
            "range-unsatisfiable",
            f"bytes from {start:,} on were asked for; the file has {size:,}",
            hint="Ask without Range, or for what is there.",
        )
    return start, min(last + 1, size)


def _no_result(job: Job, name: str) -> HaversackError:
    if job.result_removed:
        return HaversackError(
            "job-result-removed",
            f"the files of the job {job.id} are kept no longer",
            hint="Send the photos again as a new job.",
            kind=Kind.GONE,
        )
    if job.state is not State.DONE:
        return HaversackError(
            "job-not-done",
            f"the job {job.id} is {job.state}; only a job that is done has files",
            hint="GET the job itself to see how far it is.",
            kind=Kind.CONFLICT,
        )
    return HaversackError(
        "job-file-missing",
        f"the job has no file {name[:80]!r}",
        hint="GET its result: it names the files.",
        kind=Kind.NOT_FOUND,
    )
