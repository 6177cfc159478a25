"""The routes of jobs."""

from __future__ import annotations

from haversack.asgi.access import Scope
from haversack.jobs.job import State
from haversack.serve.operation import PHOTO, PHOTO_QUERY, Operation, Parameter, both, json_of

_JOB_QUERY = (
    *PHOTO_QUERY,
    Parameter(
        name="priority",
        text="Higher ones are done first; 0 where it is left out.",
        schema={"type": "integer", "minimum": -100, "maximum": 100},
    ),
    Parameter(
        name="wait",
        text="Seconds after which a job that has not started expires.",
        schema={"type": "integer", "minimum": 1, "maximum": 2_592_000},
    ),
)
_SAFE_PUT = (
    Parameter(
        name="Idempotency-Key",
        text="The same key gives the same job, however often it is sent.",
        schema={"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    ),
)
_LIST_QUERY = (
    Parameter(
        name="state",
        text="Only jobs in that state.",
        schema={"enum": [state.value for state in State]},
    ),
    Parameter(name="pack", text="Only jobs for that pack.", schema={"type": "string"}),
    Parameter(name="after", text="The `next` of the page before.", schema={"type": "string"}),
    Parameter(
        name="limit",
        text="Jobs on a page; 50 where it is left out.",
        schema={"type": "integer", "minimum": 1, "maximum": 200},
    ),
)

JOB_OPERATIONS: tuple[Operation, ...] = (
    *both(
        Operation(
            id="job_submit",
            method="POST",
            path="/jobs/{name}",
            text="Send a photo as a job for the pack of that name; it is kept before this answers.",
            tag="jobs",
            scope=Scope.JOBS,
            takes=PHOTO,
            gives=json_of("Job"),
            query=_JOB_QUERY,
            headers=_SAFE_PUT,
            status=202,
        ),
        "/jobs/{name}",
    ),
    Operation(
        id="jobs",
        method="GET",
        path="/jobs",
        text="The caller's jobs, the newest first, by pages.",
        tag="jobs",
        scope=Scope.JOBS,
        gives=json_of("Jobs"),
        query=_LIST_QUERY,
    ),
    Operation(
        id="job",
        method="GET",
        path="/jobs/{name}",
        text="The job of that id: its state, place in the line and error.",
        tag="jobs",
        scope=Scope.JOBS,
        gives=json_of("Job"),
        also={"304": "Unchanged since the ETag in If-None-Match"},
    ),
    Operation(
        id="job_cancel",
        method="DELETE",
        path="/jobs/{name}",
        text="Cancel the job of that id, queued or running.",
        tag="jobs",
        scope=Scope.JOBS,
        gives=json_of("Job"),
    ),
    Operation(
        id="job_events",
        method="GET",
        path="/jobs/{name}/events",
        text="Each change of the job of that id as a server-sent event, until it has ended.",
        tag="jobs",
        scope=Scope.JOBS,
        gives={"text/event-stream": {}},
        also={"204": "It has ended, and Last-Event-ID is its last change"},
    ),
    Operation(
        id="job_result",
        method="GET",
        path="/jobs/{name}/result",
        text="The record that the job of that id made.",
        tag="jobs",
        scope=Scope.JOBS,
        gives=json_of("Record"),
    ),
    Operation(
        id="job_retry",
        method="POST",
        path="/jobs/{name}/retry",
        text="One more attempt at the job of that id, which failed or is dead.",
        tag="jobs",
        scope=Scope.JOBS,
        gives=json_of("Job"),
        status=202,
    ),
)
"""Rows of the table; see `contract`."""
