"""Whose jobs a caller may see."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from haversack.asgi.access import Principal, Scope
from haversack.errors import HaversackError, Kind
from haversack.jobs.job import Job, job_not_found
from haversack.jobs.services import JobServices
from haversack.serve.http.context import Context


def services_of(context: Context) -> JobServices:
    """Where jobs are kept. Raises HaversackError `jobs-off`."""
    if context.jobs is None:
        raise HaversackError("jobs-off", "this server takes no jobs", kind=Kind.UNAVAILABLE)
    return context.jobs


def owner_of(principal: Principal) -> str | None:
    """Whose jobs are shown; None for everyone's."""
    return None if Scope.ADMIN in principal.scopes else principal.name


async def own_job(context: Context, request: Request) -> Job:
    """The job in the path, if it is the caller's: another's is not told from none."""
    owner = owner_of(context.allow(request, Scope.JOBS))
    job_id = request.path_params["name"]
    job = await asyncio.to_thread(services_of(context).store.find, job_id)
    if owner is not None and job.owner != owner:
        raise job_not_found(job_id)
    return job
