"""Requests to other routes that are to be answered later: their bodies become jobs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from haversack.callers import Scope
from haversack.jobs.kind import JobInput
from haversack.serve.http.context import Context
from haversack.serve.http.jobs import JobRoutes, asked_for
from haversack.serve.protocols.answering import HEADER_LENGTH, Answering, SentBody
from haversack.serve.work import request_kind

Submit = Callable[[Request, Answering], Awaitable[Response]]
"""Makes a job of a request that another route was asked; see `LaterRoutes.submit`."""


class LaterRoutes:
    """`Prefer: respond-async` at a route of V1 or V2."""

    def __init__(self, context: Context, jobs: JobRoutes) -> None:
        self._context = context
        self._jobs = jobs

    async def submit(self, request: Request, answering: Answering) -> Response:
        """202 once the body and the row are on the disk.

        What shows without running the pack is refused at once, as the route itself refuses it.
        """
        wished = self._jobs.wished(request, request.query_params)
        kind = self._context.services.kinds.default(JobInput.REQUEST)
        length = request.headers.get(HEADER_LENGTH, "")
        async with self._context.body(request, Scope.JOBS) as body:
            sent = SentBody(body=body, header_length=length, is_job=True)
            await answering.check(self._context.offered(request), sent)
            said = {request_kind.ROUTE: answering.route, request_kind.HEADER_LENGTH: length}
            job = await self._jobs.put(asked_for(wished, kind, kind.read(said)), body)
        return await self._jobs.accepted(request, job)
