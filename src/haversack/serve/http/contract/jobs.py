"""The routes of jobs."""

from __future__ import annotations

from haversack.asgi.access import Scope
from haversack.jobs.job import State
from haversack.serve.http.contract.operation import (
    BINARY,
    PHOTO,
    PHOTO_QUERY,
    Operation,
    Parameter,
    both,
    json_of,
)
from haversack.serve.work.kinds import KINDS

_PLACE_QUERY = (
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
_WEBHOOK_QUERY = (
    Parameter(
        name="webhook",
        text="An address to be told when the job has ended, where the server does that.",
        schema={"type": "string", "format": "uri", "maxLength": 2000},
    ),
)
_SURVEY_QUERY = (
    Parameter(
        name="upload",
        text="Photos that were sent before: the job is a survey of them, and there is no body.",
        schema={"type": "string"},
        in_form=False,
    ),
    Parameter(
        name="name",
        needs="upload",
        in_form=False,
        text="What a list of jobs calls the survey.",
        schema={"type": "string", "maxLength": 200},
    ),
    Parameter(
        name="tile",
        needs="upload",
        in_form=False,
        text="Side of a tile in px, or `whole` for whole photos; the pack's own if left out.",
        schema={
            "oneOf": [{"type": "integer", "minimum": 16, "maximum": 65_536}, {"const": "whole"}]
        },
    ),
    Parameter(
        name="overlap",
        needs="upload",
        in_form=False,
        text="Px that neighbouring tiles share; the pack's own if left out.",
        schema={"type": "integer", "minimum": 0, "maximum": 65_535},
    ),
    Parameter(
        name="overview",
        needs="upload",
        in_form=False,
        text="Also look at each photo once more as a whole.",
        schema={"type": "boolean"},
    ),
)
REQUEST_LATER = (*_PLACE_QUERY, *_WEBHOOK_QUERY)
"""What the query of a V1 or V2 request takes besides, if it is to be a job."""
JOB_QUERY = (*PHOTO_QUERY, *REQUEST_LATER, *_SURVEY_QUERY)
"""What the query of a job takes."""
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
    Parameter(name="kind", text="Only jobs of that kind.", schema={"enum": list(KINDS)}),
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
            text="Send a photo, or name an upload, as a job for the pack of that name; it is kept.",
            tag="jobs",
            scope=Scope.JOBS,
            takes=PHOTO,
            gives=json_of("Job"),
            query=JOB_QUERY,
            headers=_SAFE_PUT,
            status=202,
            needs_body=False,
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
        query=(
            Parameter(
                name="lastEventId",
                text="As the header Last-Event-ID, for readers that cannot send one.",
                schema={"type": "string"},
            ),
        ),
        also={"204": "It has ended, and Last-Event-ID is its last change"},
    ),
    Operation(
        id="job_result",
        method="GET",
        path="/jobs/{name}/result",
        text="A record, a survey's summary, or what the job's V1 or V2 route would answer.",
        tag="jobs",
        scope=Scope.JOBS,
        gives=json_of("JobResult"),
    ),
    Operation(
        id="job_file",
        method="GET",
        path="/jobs/{name}/files/{file}",
        text="One of the files that a survey made; Range gives a part of it.",
        tag="jobs",
        scope=Scope.JOBS,
        gives={"*/*": BINARY},
        also={"206": "The part that Range asked for", "304": "Unchanged since If-None-Match"},
    ),
    Operation(
        id="job_photo",
        method="GET",
        path="/jobs/{name}/photo",
        text="The photo of the job of that id, as it was sent.",
        tag="jobs",
        scope=Scope.JOBS,
        gives={"*/*": BINARY},
        query=(
            Parameter(
                name="name", text="Which one, of a survey's photos.", schema={"type": "string"}
            ),
        ),
        also={"206": "The part that Range asked for", "304": "Unchanged since If-None-Match"},
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
    Operation(
        id="upload_begin",
        method="POST",
        path="/uploads",
        text="Begin to send photos one by one; the answer's id is later the job's.",
        tag="jobs",
        scope=Scope.JOBS,
        gives=json_of("Upload"),
        status=201,
    ),
    Operation(
        id="upload_photo",
        method="POST",
        path="/uploads/{name}",
        text="Send one photo to the upload of that id.",
        tag="jobs",
        scope=Scope.JOBS,
        takes=PHOTO,
        gives=json_of("UploadedPhoto"),
        query=(
            Parameter(
                name="name",
                text="The photo's path in its folder; else the name in the form.",
                schema={"type": "string", "minLength": 1, "maxLength": 400},
            ),
        ),
        also={"200": "The very same photo was here already"},
        status=201,
    ),
    Operation(
        id="upload",
        method="GET",
        path="/uploads/{name}",
        text="What has come of the upload of that id.",
        tag="jobs",
        scope=Scope.JOBS,
        gives=json_of("Upload"),
    ),
    Operation(
        id="upload_remove",
        method="DELETE",
        path="/uploads/{name}",
        text="Drop the upload of that id, and its photos.",
        tag="jobs",
        scope=Scope.JOBS,
        status=204,
    ),
)
"""Rows of the table; see `contract`."""
