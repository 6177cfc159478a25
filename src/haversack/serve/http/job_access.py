"""Whose jobs a caller may see."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from haversack.callers import Principal, Scope
from haversack.jobs.job import Job, job_not_found
from haversack.serve.http.job_context import JobContext


def owner_of(principal: Principal) -> str | None:
    """Whose jobs are shown; None for everyone's."""
    return None if Scope.ADMIN in principal.scopes else principal.name


async def own_job(context: JobContext, request: Request) -> Job:
    """The job in the path, if it is the caller's: another's is not told from none."""
    owner = owner_of(context.allow(request, Scope.JOBS))
    job_id = request.path_params["name"]
    job = await asyncio.to_thread(context.services.store.find, job_id)
    if owner is not None and job.owner != owner:
        raise job_not_found(job_id)
    return job
