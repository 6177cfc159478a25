"""The table of routes: what there is, who may ask, what goes in and what comes out.

The routes and the OpenAPI page are both made from it, so they cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from haversack.asgi.access import Scope
from haversack.jobs.job import State
from haversack.serve.schemas import Schema, ref

JSON = "application/json"
OCTETS = "application/octet-stream"
BINARY: Schema = {"type": "string", "format": "binary"}

_PHOTO: dict[str, Schema] = {
    "image/jpeg": BINARY,
    "image/png": BINARY,
    OCTETS: BINARY,
    "multipart/form-data": {
        "type": "object",
        "properties": {"image": BINARY},
        "required": ["image"],
    },
}
_NAMES: Schema = {"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$"}
_VERSIONS: Schema = {"type": "string", "pattern": "^(0|[1-9][0-9]{0,17})$"}
PATH_PARAMETERS = {"name": _NAMES, "version": _VERSIONS}
"""The parameters that stand in paths."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One query parameter, or header."""

    name: str
    text: str
    schema: Schema


@dataclass(frozen=True, kw_only=True)
class Operation:
    """One method at one path.

    Attributes:
        id: names its handler.
        text: one sentence.
        scope: that a key needs; None where everyone may ask.
        takes: schemas of the body by media type; {} where there is none.
        gives: schemas of the answer by media type; {} where it is empty.
        query, headers: what else a caller may give.
        also: other statuses that are no errors, and when.
        status: of success.
    """

    id: str
    method: str
    path: str
    text: str
    tag: str
    scope: Scope | None = Scope.INFER
    takes: dict[str, Schema] = field(default_factory=dict)
    gives: dict[str, Schema] = field(default_factory=dict)
    query: tuple[Parameter, ...] = ()
    headers: tuple[Parameter, ...] = ()
    also: dict[str, str] = field(default_factory=dict)
    status: int = 200
    needs_body: bool = True


def _json(name: str) -> dict[str, Schema]:
    return {JSON: ref(name)}


_INFER_TAKES = {JSON: ref("InferRequest"), OCTETS: BINARY}
_INFER_GIVES = {JSON: ref("InferResponse"), OCTETS: BINARY}
_INFER_TEXT = "V2 inference: JSON, or JSON with binary tensors behind it."
_PHOTO_QUERY = (
    Parameter(
        name="threshold",
        text="The least score of an object; the pack's own where it is left out.",
        schema={"type": "number", "minimum": 0, "maximum": 1},
    ),
    Parameter(name="map", text="Also give a label map's pixels.", schema={"type": "boolean"}),
)

_JOB_QUERY = (
    *_PHOTO_QUERY,
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
_LATER = (
    Parameter(
        name="Prefer",
        text="`respond-async` makes a job of it (scope jobs), with what /jobs takes in query and "
        "headers.",
        schema={"type": "string"},
    ),
)
_AS_JOB = {"202": "Accepted as a job; Location is its address"}
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


def _both(operation: Operation, at: str) -> tuple[Operation, Operation]:
    """The operation for the current version, and for one that the path names."""
    versioned = operation.path.replace(at, f"{at}/versions/{{version}}", 1)
    values = {**vars(operation), "id": f"{operation.id}_version", "path": versioned}
    return operation, Operation(**values)


_V2 = "/v2/models/{name}"
_V1 = "/v1/models/{name}"

OPERATIONS: tuple[Operation, ...] = (
    # The hot ones first: routes are tried in order.
    *_both(
        Operation(
            id="infer",
            method="POST",
            path=f"{_V2}/infer",
            text=_INFER_TEXT,
            tag="v2",
            takes=_INFER_TAKES,
            gives=_INFER_GIVES,
            headers=_LATER,
            also=_AS_JOB,
        ),
        _V2,
    ),
    *_both(
        Operation(
            id="predict_photo",
            method="POST",
            path="/predict/{name}",
            text="What is in one photo: its canonical record.",
            tag="photos",
            takes=_PHOTO,
            gives=_json("Record"),
            query=_PHOTO_QUERY,
            headers=_LATER,
            also=_AS_JOB,
        ),
        "/predict/{name}",
    ),
    *_both(
        Operation(
            id="predict_v1",
            method="POST",
            path=f"{_V1}:predict",
            text='V1 predict: `instances` row by row, or `inputs` in columns; {"b64"} for bytes.',
            tag="v1",
            takes=_json("PredictRequest"),
            gives=_json("PredictResponse"),
            headers=_LATER,
            also=_AS_JOB,
        ),
        _V1,
    ),
    Operation(
        id="server_metadata",
        method="GET",
        path="/v2",
        text="The server's name, version and V2 extensions.",
        tag="v2",
        scope=None,
        gives=_json("ServerMetadata"),
    ),
    *(
        Operation(
            id=name,
            method="GET",
            path=path,
            text="Whether the process answers.",
            tag="health",
            scope=None,
            gives=_json("Live"),
        )
        for name, path in (
            ("live", "/v2/health/live"),
            ("livez", "/livez"),
            ("healthz", "/healthz"),
        )
    ),
    *(
        Operation(
            id=name,
            method="GET",
            path=path,
            text="Whether requests are answered: 503 while packs load and when it is to end.",
            tag="health",
            scope=None,
            gives=_json("Ready"),
        )
        for name, path in (("ready", "/v2/health/ready"), ("readyz", "/readyz"))
    ),
    Operation(
        id="all_statistics",
        method="GET",
        path="/v2/models/stats",
        text="Counts and durations of every loaded model.",
        tag="v2",
        gives=_json("Statistics"),
    ),
    *_both(
        Operation(
            id="model_metadata",
            method="GET",
            path=_V2,
            text="What a model takes and gives.",
            tag="v2",
            gives=_json("ModelMetadata"),
        ),
        _V2,
    ),
    *_both(
        Operation(
            id="model_ready",
            method="GET",
            path=f"{_V2}/ready",
            text="Whether a model is loaded.",
            tag="v2",
            scope=None,
            gives=_json("Ready"),
        ),
        _V2,
    ),
    *_both(
        Operation(
            id="model_config",
            method="GET",
            path=f"{_V2}/config",
            text="Triton's ModelConfig.",
            tag="v2",
            gives=_json("ModelConfig"),
        ),
        _V2,
    ),
    *_both(
        Operation(
            id="model_statistics",
            method="GET",
            path=f"{_V2}/stats",
            text="Counts and durations of one model.",
            tag="v2",
            gives=_json("Statistics"),
        ),
        _V2,
    ),
    Operation(
        id="repository_index",
        method="POST",
        path="/v2/repository/index",
        text="Every pack and version that is loaded or could be.",
        tag="repository",
        takes=_json("IndexRequest"),
        gives=_json("RepositoryIndex"),
        needs_body=False,
    ),
    Operation(
        id="repository_load",
        method="POST",
        path="/v2/repository/models/{name}/load",
        text="Load a pack's highest version and switch to it without a pause.",
        tag="repository",
        scope=Scope.ADMIN,
        takes=_json("LoadRequest"),
        needs_body=False,
    ),
    Operation(
        id="repository_unload",
        method="POST",
        path="/v2/repository/models/{name}/unload",
        text="Stop serving a pack; requests under way finish.",
        tag="repository",
        scope=Scope.ADMIN,
        takes={JSON: {"type": "object"}},
        needs_body=False,
    ),
    Operation(
        id="models_v1",
        method="GET",
        path="/v1/models",
        text="The names of the loaded models.",
        tag="v1",
        gives=_json("Models"),
    ),
    *_both(
        Operation(
            id="model_v1",
            method="GET",
            path=_V1,
            text="A model's state, in TensorFlow Serving's words and KServe's.",
            tag="v1",
            gives=_json("ModelStatus"),
        ),
        _V1,
    ),
    Operation(
        id="packs",
        method="GET",
        path="/packs",
        text="Every loaded pack, with its labels, accuracy and speed.",
        tag="packs",
        gives=_json("Packs"),
    ),
    Operation(
        id="pack_upload",
        method="POST",
        path="/packs",
        text="Send a .pack file: it is checked, kept, loaded and made current.",
        tag="packs",
        scope=Scope.ADMIN,
        takes={"application/zip": BINARY, OCTETS: BINARY},
        gives=_json("Pack"),
        status=201,
    ),
    Operation(
        id="pack_download",
        method="GET",
        path="/packs/{name}/versions/{version}",
        text="A pack as one .pack file.",
        tag="packs",
        scope=Scope.ADMIN,
        gives={"application/zip": BINARY},
    ),
    Operation(
        id="pack_remove",
        method="DELETE",
        path="/packs/{name}/versions/{version}",
        text="Stop serving a version, and remove it if it came over HTTP.",
        tag="packs",
        scope=Scope.ADMIN,
        status=204,
    ),
    *_both(
        Operation(
            id="job_submit",
            method="POST",
            path="/jobs/{name}",
            text="Send a photo as a job for the pack of that name; it is kept before this answers.",
            tag="jobs",
            scope=Scope.JOBS,
            takes=_PHOTO,
            gives=_json("Job"),
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
        gives=_json("Jobs"),
        query=_LIST_QUERY,
    ),
    Operation(
        id="job",
        method="GET",
        path="/jobs/{name}",
        text="The job of that id: its state, place in the line and error.",
        tag="jobs",
        scope=Scope.JOBS,
        gives=_json("Job"),
        also={"304": "Unchanged since the ETag in If-None-Match"},
    ),
    Operation(
        id="job_cancel",
        method="DELETE",
        path="/jobs/{name}",
        text="Cancel the job of that id, queued or running.",
        tag="jobs",
        scope=Scope.JOBS,
        gives=_json("Job"),
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
        text="What the job of that id made: a record, or what its V1 or V2 route would answer.",
        tag="jobs",
        scope=Scope.JOBS,
        gives=_json("JobResult"),
    ),
    Operation(
        id="job_retry",
        method="POST",
        path="/jobs/{name}/retry",
        text="One more attempt at the job of that id, which failed or is dead.",
        tag="jobs",
        scope=Scope.JOBS,
        gives=_json("Job"),
        status=202,
    ),
    Operation(
        id="session_begin",
        method="POST",
        path="/session",
        text="Sign in on the page: the answer has the session's cookie.",
        tag="session",
        scope=None,
        takes=_json("SignIn"),
        status=204,
    ),
    Operation(
        id="session",
        method="GET",
        path="/session",
        text="Who asks, what they may do, and whether people sign in here.",
        tag="session",
        scope=None,
        gives=_json("Session"),
    ),
    Operation(
        id="session_end",
        method="DELETE",
        path="/session",
        text="Sign out.",
        tag="session",
        scope=None,
        status=204,
    ),
    Operation(
        id="metrics",
        method="GET",
        path="/metrics",
        text="Numbers for Prometheus.",
        tag="operations",
        scope=Scope.METRICS,
        gives={"text/plain": {"type": "string"}},
    ),
    Operation(
        id="status",
        method="GET",
        path="/status",
        text="Memory, queue and packs, as the page's panel shows them.",
        tag="operations",
        gives=_json("Status"),
    ),
    Operation(
        id="openapi",
        method="GET",
        path="/openapi.json",
        text="This page.",
        tag="operations",
        scope=None,
        gives={JSON: {"type": "object"}},
    ),
)
"""Every operation, in the order that routes are tried."""
