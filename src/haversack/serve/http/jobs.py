"""Jobs over HTTP: a photo in, an address out that survives whatever happens to this process."""

from __future__ import annotations

import asyncio
import math
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from haversack.asgi.bodies import Body
from haversack.asgi.errors import json_response
from haversack.callers import Scope
from haversack.jobs.describe import describe
from haversack.jobs.intake import wish
from haversack.jobs.job import Job, NewJob, State
from haversack.jobs.kind import JobInput, JobKind, JobWish
from haversack.jobs.services import JobServices
from haversack.jobs.wishes import Wishes
from haversack.serve.http.job_access import own_job, owner_of
from haversack.serve.http.job_context import JobContext, Phase
from haversack.serve.http.job_events import EventStreams
from haversack.serve.http.job_queries import (
    idempotency_key,
    listing,
    priority,
    wait_seconds,
    webhook,
)
from haversack.serve.http.received import received_photo
from haversack.serve.http.uploads import kept

_LONGEST_RETRY_SECONDS = 60
_encoder = msgspec.json.Encoder()


class JobRoutes:
    """The endpoints under /jobs. Someone with a key sees the jobs of that key; admin sees all."""

    def __init__(self, context: JobContext) -> None:
        self._context = context
        self._streams = EventStreams(lambda: context.phase is Phase.DRAINING)

    async def submit(self, request: Request) -> Response:
        """POST /jobs/{name}: the photos and the row are on the disk when this answers 202.

        Of which kind the job is says ?kind, else what is sent: a photo, or an upload's id.
        """
        query = request.query_params
        # What is wrong with the query is told before the photo is sent.
        wished = self.wished(request, query)
        kind = self._services.kinds.chosen(query)
        wished = asked_for(wished, kind, kind.read(query))
        if kind.takes is JobInput.UPLOAD:
            job = await self._put_upload(request, kind, wished)
        else:
            job = await self._put_photo(request)
        return await self.accepted(request, job)

    async def _put_photo(self, request: Request) -> Job:
        async with received_photo(self._context, request) as photo:
            kind = self._services.kinds.chosen(photo.wishes)
            self._check_pack(request, kind)
            self._context.check_photo(photo.body.size_bytes)
            wished = replace(self.wished(request, photo.wishes), image=photo.name)
            return await self.put(asked_for(wished, kind, kind.read(photo.wishes)), photo.body)

    async def _put_upload(self, request: Request, kind: JobKind, wished: NewJob) -> Job:
        """A job of an upload's photos, under the upload's id."""
        owner = owner_of(self._context.allow(request, Scope.JOBS))
        self._context.check_open()
        self._check_pack(request, kind)
        upload, intake = request.query_params[JobInput.UPLOAD.value], self._services.intake
        return await kept(lambda: intake.submit_upload(wished, upload, owner))

    def _check_pack(self, request: Request, kind: JobKind) -> None:
        manifest = self._context.offered(request)
        if manifest is not None:
            kind.check_pack(manifest)

    async def index(self, request: Request) -> Response:
        """GET /jobs: the caller's jobs, the newest first, by pages."""
        principal = self._context.allow(request, Scope.JOBS)
        owner, kinds = owner_of(principal), self._services.kinds
        chosen = listing(request.query_params, owner, kinds)
        jobs = await asyncio.to_thread(self._services.store.listed, chosen)
        after = jobs[-1].id if len(jobs) == chosen.limit else None
        return json_response({"jobs": [describe(job, kinds) for job in jobs], "next": after})

    async def show(self, request: Request) -> Response:
        """GET /jobs/{id}: its state, with an ETag; Retry-After says when to look again.

        A browser that was given this address is led to the page that shows the job.
        """
        if "text/html" in request.headers.get("accept", ""):
            page = f"/#job={quote(request.path_params['name'])}"
            return RedirectResponse(page, status_code=303, headers={"Vary": "Accept"})
        job = await own_job(self._context, request)
        described = {**await self._described(job), **await self._told(job)}
        body = _encoder.encode(described)
        headers = {
            "ETag": f'"{sha256(body).hexdigest()[:20]}"',
            "Cache-Control": "no-cache",
            "Vary": "Accept",
        }
        if not job.state.is_terminal:
            seconds = math.ceil(described["eta_seconds"] or 1)
            headers["Retry-After"] = str(max(1, min(seconds, _LONGEST_RETRY_SECONDS)))
        if headers["ETag"] in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type="application/json")

    async def events(self, request: Request) -> Response:
        """GET /jobs/{id}/events: each change of the row as a server-sent event."""
        job = await own_job(self._context, request)
        again = request.query_params.get("lastEventId", "")
        seen = request.headers.get("last-event-id", again)
        last = int(seen) if seen.isdecimal() and len(seen) < 16 else 0
        if job.state.is_terminal and job.revision <= last:
            # Nothing more will come: 204 tells a browser not to connect again.
            return Response(status_code=204)
        return self._streams.of(self._services, job.id, last)

    async def result(self, request: Request) -> Response:
        """GET /jobs/{id}/result: the record; 409 before it is done, 410 when it was removed."""
        job = await own_job(self._context, request)
        found = await asyncio.to_thread(self._services.store.result, job.id)
        return Response(found, media_type="application/json")

    async def cancel(self, request: Request) -> Response:
        """DELETE /jobs/{id}: queued or running, it ends here."""
        job = await own_job(self._context, request)
        job = await asyncio.to_thread(self._services.store.cancel, job.id)
        return json_response(describe(job, self._services.kinds))

    async def retry(self, request: Request) -> Response:
        """POST /jobs/{id}/retry: one more attempt of what failed or is dead."""
        job = await own_job(self._context, request)
        job = await asyncio.to_thread(self._services.store.retry, job.id)
        return json_response(
            await self._described(job), status=202, headers={"Location": f"/jobs/{job.id}"}
        )

    async def _described(self, job: Job) -> dict[str, Any]:
        services, place = self._services, None
        if job.state in (State.QUEUED, State.RUNNING):
            place = await asyncio.to_thread(services.store.queue_position, job)
        return describe(job, services.kinds, place)

    async def _told(self, job: Job) -> dict[str, Any]:
        """How far a job's webhook is, where it has one."""
        if self._context.webhooks is None:
            return {}
        told = await asyncio.to_thread(self._services.webhooks.find, job.id)
        return {"webhook": asdict(told)} if told is not None else {}

    def wished(self, request: Request, wishes: Wishes) -> NewJob:
        """Everything of a job but its input. Raises HaversackError."""
        principal = self._context.allow(request, Scope.JOBS)
        return wish(
            request.path_params["name"],
            kind="",  # `asked_for` says it
            version=request.path_params.get("version") or "",
            owner=principal.name,
            idempotency_key=idempotency_key(request),
            priority=priority(wishes),
            wait_seconds=wait_seconds(wishes),
            webhook=webhook(wishes, self._context.webhooks),
        )

    async def put(self, wished: NewJob, body: Body) -> Job:
        """Keep the body, and then the row."""
        data = body.view()  # taken here: the body may be closed before a thread begins
        return await kept(lambda: self._services.intake.submit(wished, data))

    @property
    def _services(self) -> JobServices:
        return self._context.services

    async def accepted(self, request: Request, job: Job) -> Response:
        """202, with the job and its address."""
        headers = {"Location": f"/jobs/{job.id}"}
        if "prefer" in request.headers:
            headers["Preference-Applied"] = "respond-async"
        return json_response(await self._described(job), status=202, headers=headers)


def asked_for(wished: NewJob, kind: JobKind, asked: JobWish) -> NewJob:
    """The job with what its kind keeps of what the caller said."""
    image = wished.image if asked.title is None else asked.title
    return replace(wished, kind=kind.name, image=image, options=asked.options)
