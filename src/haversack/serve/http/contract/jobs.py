"""The routes of jobs."""

from __future__ import annotations

from collections.abc import Sequence

from haversack.callers import Scope
from haversack.jobs.job import State
from haversack.jobs.kind import JobInput
from haversack.jobs.kinds import KIND, JobKinds
from haversack.serve.http.contract.operation import (
    BINARY,
    PHOTO,
    Operation,
    Parameter,
    both,
    json_of,
    parameter,
)

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
_UPLOAD = Parameter(
    name=JobInput.UPLOAD.value,
    text="Photos that were sent before: the job is a survey of them, and there is no body.",
    schema={"type": "string"},
    in_form=False,
)
REQUEST_LATER = (*_PLACE_QUERY, *_WEBHOOK_QUERY)
"""What the query of a V1 or V2 request takes besides, if it is to be a job."""
_SAFE_PUT = (
    Parameter(
        name="Idempotency-Key",
        text="The same key gives the same job, however often it is sent.",
        schema={"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    ),
)
_STATE = Parameter(
    name="state",
    text="Only jobs in that state.",
    schema={"enum": [state.value for state in State]},
)
_PAGE_QUERY = (
    Parameter(name="pack", text="Only jobs for that pack.", schema={"type": "string"}),
    Parameter(name="after", text="The `next` of the page before.", schema={"type": "string"}),
    Parameter(
        name="limit",
        text="Jobs on a page; 50 where it is left out.",
        schema={"type": "integer", "minimum": 1, "maximum": 200},
    ),
)


_ONE_JOB: tuple[Operation, ...] = (
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
)

_FILES: tuple[Operation, ...] = (
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


def job_query(kinds: JobKinds) -> tuple[Parameter, ...]:
    """What the query of a job takes: everybody's, and the options of each kind."""
    sent = {
        takes: [
            parameter(option, needs)
            for kind in kinds
            if kind.takes is takes
            for option in kind.options
        ]
        for takes, needs in ((JobInput.PHOTO, ""), (JobInput.UPLOAD, JobInput.UPLOAD.value))
    }
    rows = (
        *sent[JobInput.PHOTO],
        *REQUEST_LATER,
        *_named(kinds),
        _UPLOAD,
        *sent[JobInput.UPLOAD],
    )
    # What kinds have in common is said once.
    return tuple({one.name: one for one in reversed(rows)}[name] for name in _names(rows))


def _names(rows: Sequence[Parameter]) -> list[str]:
    return list(dict.fromkeys(one.name for one in rows))


def _named(kinds: JobKinds) -> list[Parameter]:
    """?kind, where there are kinds that nothing else tells."""
    if not kinds.named_only:
        return []
    schema = {"enum": kinds.submitted}
    text = "Which kind of job; what is sent tells it where this is left out."
    return [Parameter(name=KIND, text=text, schema=schema, in_form=False)]


def job_operations(kinds: JobKinds) -> tuple[Operation, ...]:
    """Rows of the table; see `contract`."""
    submit = Operation(
        id="job_submit",
        method="POST",
        path="/jobs/{name}",
        text="Send a photo, or name an upload, as a job for the pack of that name; it is kept.",
        tag="jobs",
        scope=Scope.JOBS,
        takes=PHOTO,
        gives=json_of("Job"),
        query=job_query(kinds),
        headers=_SAFE_PUT,
        status=202,
        needs_body=False,
    )
    of_kind = Parameter(name=KIND, text="Only jobs of that kind.", schema={"enum": kinds.names})
    listed = Operation(
        id="jobs",
        method="GET",
        path="/jobs",
        text="The caller's jobs, the newest first, by pages.",
        tag="jobs",
        scope=Scope.JOBS,
        gives=json_of("Jobs"),
        query=(_STATE, of_kind, *_PAGE_QUERY),
    )
    result = Operation(
        id="job_result",
        method="GET",
        path="/jobs/{name}/result",
        text=_sentence([kind.words.result for kind in kinds]),
        tag="jobs",
        scope=Scope.JOBS,
        gives=json_of("JobResult"),
    )
    return (*both(submit, "/jobs/{name}"), listed, *_ONE_JOB, result, *_FILES)


def _sentence(results: Sequence[str]) -> str:
    """As in: A record, a summary, or an answer."""
    *most, last = results or ["what came of the job"]
    text = f"{', '.join(most)}, or {last}." if most else f"{last}."
    return text[0].upper() + text[1:]
