"""Jobs over HTTP: a photo in, an address out that survives whatever happens to this process."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Awaitable, Callable
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
from haversack.errors import HaversackError, Kind
from haversack.jobs.describe import describe
from haversack.jobs.intake import wish
from haversack.jobs.job import Job, NewJob, State
from haversack.jobs.services import JobServices
from haversack.jobs.survey_wish import KIND, write_wish
from haversack.packfile.manifest import Manifest
from haversack.packfile.tiles import survey_obstacle
from haversack.serve.http.context import Context, Phase
from haversack.serve.http.job_access import own_job, owner_of, services_of
from haversack.serve.http.job_events import EventStreams
from haversack.serve.http.job_queries import (
    Wishes,
    idempotency_key,
    listing,
    priority,
    survey_wish,
    title,
    wait_seconds,
    webhook,
)
from haversack.serve.http.photos import read_shown, received_photo
from haversack.serve.http.uploads import kept
from haversack.serve.protocols.answering import HEADER_LENGTH, Answering, SentBody
from haversack.serve.work.requests import as_request

_LONGEST_RETRY_SECONDS = 60
_encoder = msgspec.json.Encoder()

Submit = Callable[[Request, Answering], Awaitable[Response]]
"""Makes a job of a request that another route was asked; see `JobRoutes.submit_request`."""


class JobRoutes:
    """The endpoints under /jobs. Someone with a key sees the jobs of that key; admin sees all."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._streams = EventStreams(lambda: context.phase is Phase.DRAINING)

    async def submit(self, request: Request) -> Response:
        """POST /jobs/{name}: the photo and the row are on the disk when this answers 202."""
        if "upload" in request.query_params:
            return await self._submit_survey(request)
        # What is wrong with the query is told before the photo is sent.
        self._wished(request, request.query_params)
        read_shown(request.query_params)
        async with received_photo(self._context, request) as photo:
            _check_takes_photos(self._offered(request))
            if not photo.body.size_bytes:
                raise HaversackError("image-empty", "the request's body holds no photo")
            wished = replace(
                self._wished(request, photo.wishes),
                image=photo.name,
                options=_options(*read_shown(photo.wishes)),
            )
            job = await self._put(wished, photo.body)
        return await self._accepted(request, job)

    async def _submit_survey(self, request: Request) -> Response:
        """POST /jobs/{name}?upload=: a survey of an upload's photos, under the upload's id."""
        owner = owner_of(self._context.allow(request, Scope.JOBS))
        query = request.query_params
        threshold, with_map = read_shown(query)
        if with_map:
            raise HaversackError(
                "query-invalid", "received map; a survey gives objects, and no label maps"
            )
        options = write_wish(survey_wish(query, threshold))
        wished = self._wished(request, query)
        wished = replace(wished, kind=KIND, image=title(query), options=options)
        self._context.check_open()
        _check_can_survey(self._offered(request))
        upload = query["upload"]
        job = await kept(lambda: self._services.intake.submit_upload(wished, upload, owner))
        return await self._accepted(request, job)

    async def submit_request(self, request: Request, answering: Answering) -> Response:
        """A V1 or V2 request to be answered later: 202 once the body and the row are on the disk.

        What shows without running the pack is refused at once, as the route itself refuses it.
        """
        wished = self._wished(request, request.query_params)
        header_length = request.headers.get(HEADER_LENGTH, "")
        async with self._context.body(request, Scope.JOBS) as body:
            sent = SentBody(body=body, header_length=header_length, is_job=True)
            await answering.check(self._offered(request), sent)
            job = await self._put(as_request(wished, answering.route, header_length), body)
        return await self._accepted(request, job)

    async def index(self, request: Request) -> Response:
        """GET /jobs: the caller's jobs, the newest first, by pages."""
        principal = self._context.allow(request, Scope.JOBS)
        chosen = listing(request.query_params, owner=owner_of(principal))
        jobs = await asyncio.to_thread(self._services.store.listed, chosen)
        after = jobs[-1].id if len(jobs) == chosen.limit else None
        return json_response({"jobs": [describe(job) for job in jobs], "next": after})

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
        return self._streams.of(self._services.store, job.id, last)

    async def result(self, request: Request) -> Response:
        """GET /jobs/{id}/result: the record; 409 before it is done, 410 when it was removed."""
        job = await own_job(self._context, request)
        found = await asyncio.to_thread(self._services.store.result, job.id)
        return Response(found, media_type="application/json")

    async def cancel(self, request: Request) -> Response:
        """DELETE /jobs/{id}: queued or running, it ends here."""
        job = await own_job(self._context, request)
        job = await asyncio.to_thread(self._services.store.cancel, job.id)
        return json_response(describe(job))

    async def retry(self, request: Request) -> Response:
        """POST /jobs/{id}/retry: one more attempt of what failed or is dead."""
        job = await own_job(self._context, request)
        job = await asyncio.to_thread(self._services.store.retry, job.id)
        return json_response(
            await self._described(job), status=202, headers={"Location": f"/jobs/{job.id}"}
        )

    async def _described(self, job: Job) -> dict[str, Any]:
        if job.state not in (State.QUEUED, State.RUNNING):
            return describe(job)
        return describe(job, await asyncio.to_thread(self._services.store.queue_position, job))

    async def _told(self, job: Job) -> dict[str, Any]:
        """How far a job's webhook is, where it has one."""
        if self._context.webhooks is None:
            return {}
        told = await asyncio.to_thread(self._services.webhooks.find, job.id)
        return {"webhook": asdict(told)} if told is not None else {}

    def _wished(self, request: Request, wishes: Wishes) -> NewJob:
        """Everything of a job but its input. Raises HaversackError."""
        principal = self._context.allow(request, Scope.JOBS)
        return wish(
            request.path_params["name"],
            version=request.path_params.get("version") or "",
            owner=principal.name,
            idempotency_key=idempotency_key(request),
            priority=priority(wishes),
            wait_seconds=wait_seconds(wishes),
            webhook=webhook(wishes, self._context.webhooks),
        )

    def _offered(self, request: Request) -> Manifest:
        """Of the pack in the path, if it is on offer; it need not be in memory now."""
        name, version = request.path_params["name"], request.path_params.get("version")
        offered = self._context.plane.catalogue.offers.find(name, version)
        if offered is None:
            raise HaversackError(
                "pack-not-loaded",
                f"no version {version} of {name[:80]!r} is served here"
                if version
                else f"there is no pack {name[:80]!r} here",
                hint="GET /packs lists what is served.",
                kind=Kind.NOT_FOUND,
            )
        return offered.manifest

    async def _put(self, wished: NewJob, body: Body) -> Job:
        data = body.view()  # taken here: the body may be closed before a thread begins
        return await kept(lambda: self._services.intake.submit(wished, data))

    @property
    def _services(self) -> JobServices:
        return services_of(self._context)

    async def _accepted(self, request: Request, job: Job) -> Response:
        headers = {"Location": f"/jobs/{job.id}"}
        if "prefer" in request.headers:
            headers["Preference-Applied"] = "respond-async"
        return json_response(await self._described(job), status=202, headers=headers)


def _options(threshold: float | None, with_map: bool) -> str:
    """Of a photo's record, as a job keeps them."""
    options = ({} if threshold is None else {"threshold": threshold}) | (
        {"map": True} if with_map else {}
    )
    return json.dumps(options)


def _check_takes_photos(manifest: Manifest) -> None:
    if not manifest.takes_photos:
        raise HaversackError(
            "pack-takes-tensors",
            f"{manifest.name} takes tensors; jobs that are sent here are photos",
            hint=f"POST /v2/models/{manifest.name}/infer, with `Prefer: respond-async` for a job.",
        )


def _check_can_survey(manifest: Manifest) -> None:
    obstacle = survey_obstacle(manifest)
    if obstacle is not None:
        raise HaversackError(
            "survey-pack-unfit",
            f"a survey needs a pack that detects everywhere in a photo; {manifest.name} is of task "
            f"{manifest.task}" + (", and sees only the middle" if obstacle == "margins" else ""),
            hint=f"Send each photo as a job of its own: POST /jobs/{manifest.name}.",
        )
