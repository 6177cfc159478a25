"""The table of routes: what there is, who may ask, what goes in and what comes out.

The routes and the OpenAPI page are both made from it, so they cannot differ.
"""

from __future__ import annotations

from dataclasses import replace

from haversack.callers import Scope
from haversack.jobs.kinds import JobKinds
from haversack.serve.http.contract.jobs import REQUEST_LATER, job_operations, job_query
from haversack.serve.http.contract.operation import (
    BINARY,
    JSON,
    OCTETS,
    PHOTO,
    PHOTO_QUERY,
    Operation,
    Parameter,
    both,
    json_of,
)
from haversack.serve.http.contract.schemas import Schema, ref

_NAMES: Schema = {"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$"}
_VERSIONS: Schema = {"type": "string", "pattern": "^(0|[1-9][0-9]{0,17})$"}
_FILES: Schema = {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"}
PATH_PARAMETERS = {"name": _NAMES, "version": _VERSIONS, "file": _FILES}
"""The parameters that stand in paths."""

_INFER_TAKES = {JSON: ref("InferRequest"), OCTETS: BINARY}
_INFER_GIVES = {JSON: ref("InferResponse"), OCTETS: BINARY}
_INFER_TEXT = "V2 inference: JSON, or JSON with binary tensors behind it."
_LATER = (
    Parameter(
        name="Prefer",
        text="`respond-async` makes a job of it (scope jobs), with what /jobs takes in query and "
        "headers.",
        schema={"type": "string"},
    ),
)
_AS_JOB = {"202": "Accepted as a job; Location is its address"}
_V2 = "/v2/models/{name}"
_V1 = "/v1/models/{name}"
_PHOTO = "/predict/{name}"
_PHOTO_PATHS = (_PHOTO, f"{_PHOTO}/versions/{{version}}")

_FIRST: tuple[Operation, ...] = (
    # The hot ones first: routes are tried in order.
    *both(
        Operation(
            id="infer",
            method="POST",
            path=f"{_V2}/infer",
            text=_INFER_TEXT,
            tag="v2",
            takes=_INFER_TAKES,
            gives=_INFER_GIVES,
            headers=_LATER,
            later=REQUEST_LATER,
            also=_AS_JOB,
        ),
        _V2,
    ),
    *both(
        Operation(
            id="predict_photo",
            method="POST",
            path=_PHOTO,
            text="What is in one photo: its canonical record.",
            tag="photos",
            takes=PHOTO,
            gives=json_of("Record"),
            query=PHOTO_QUERY,
            headers=_LATER,
            also=_AS_JOB,
        ),
        _PHOTO,
    ),
    *both(
        Operation(
            id="predict_v1",
            method="POST",
            path=f"{_V1}:predict",
            text='V1 predict: `instances` row by row, or `inputs` in columns; {"b64"} for bytes.',
            tag="v1",
            takes=json_of("PredictRequest"),
            gives=json_of("PredictResponse"),
            headers=_LATER,
            later=REQUEST_LATER,
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
        gives=json_of("ServerMetadata"),
    ),
    *(
        Operation(
            id=name,
            method="GET",
            path=path,
            text="Whether the process answers.",
            tag="health",
            scope=None,
            gives=json_of("Live"),
            passes_over=True,
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
            gives=json_of("Ready"),
            passes_over=True,
        )
        for name, path in (("ready", "/v2/health/ready"), ("readyz", "/readyz"))
    ),
    Operation(
        id="all_statistics",
        method="GET",
        path="/v2/models/stats",
        text="Counts and durations of every loaded model.",
        tag="v2",
        gives=json_of("Statistics"),
    ),
    *both(
        Operation(
            id="model_metadata",
            method="GET",
            path=_V2,
            text="What a model takes and gives.",
            tag="v2",
            gives=json_of("ModelMetadata"),
        ),
        _V2,
    ),
    *both(
        Operation(
            id="model_ready",
            method="GET",
            path=f"{_V2}/ready",
            text="Whether a model is loaded.",
            tag="v2",
            scope=None,
            gives=json_of("Ready"),
            passes_over=True,
        ),
        _V2,
    ),
    *both(
        Operation(
            id="model_config",
            method="GET",
            path=f"{_V2}/config",
            text="Triton's ModelConfig.",
            tag="v2",
            gives=json_of("ModelConfig"),
        ),
        _V2,
    ),
    *both(
        Operation(
            id="model_statistics",
            method="GET",
            path=f"{_V2}/stats",
            text="Counts and durations of one model.",
            tag="v2",
            gives=json_of("Statistics"),
        ),
        _V2,
    ),
    Operation(
        id="repository_index",
        method="POST",
        path="/v2/repository/index",
        text="Every pack and version that is loaded or could be.",
        tag="repository",
        takes=json_of("IndexRequest"),
        gives=json_of("RepositoryIndex"),
        needs_body=False,
    ),
    Operation(
        id="repository_load",
        method="POST",
        path="/v2/repository/models/{name}/load",
        text="Load a pack's highest version and switch to it without a pause.",
        tag="repository",
        scope=Scope.ADMIN,
        takes=json_of("LoadRequest"),
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
        gives=json_of("Models"),
    ),
    *both(
        Operation(
            id="model_v1",
            method="GET",
            path=_V1,
            text="A model's state, in TensorFlow Serving's words and KServe's.",
            tag="v1",
            gives=json_of("ModelStatus"),
        ),
        _V1,
    ),
    Operation(
        id="packs",
        method="GET",
        path="/packs",
        text="Every loaded pack, with its labels, accuracy and speed.",
        tag="packs",
        gives=json_of("Packs"),
    ),
    Operation(
        id="pack_upload",
        method="POST",
        path="/packs",
        text="Send a .pack file: it is checked, kept, loaded and made current.",
        tag="packs",
        scope=Scope.ADMIN,
        takes={"application/zip": BINARY, OCTETS: BINARY},
        gives=json_of("Pack"),
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
)

_LAST: tuple[Operation, ...] = (
    Operation(
        id="session_begin",
        method="POST",
        path="/session",
        text="Sign in on the page: the answer has the session's cookie.",
        tag="session",
        scope=None,
        takes=json_of("SignIn"),
        status=204,
    ),
    Operation(
        id="session",
        method="GET",
        path="/session",
        text="Who asks, what they may do, and whether people sign in here.",
        tag="session",
        scope=None,
        gives=json_of("Session"),
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
        passes_over=True,
    ),
    Operation(
        id="status",
        method="GET",
        path="/status",
        text="Memory, queue and packs, as the page's panel shows them.",
        tag="operations",
        gives=json_of("Status"),
    ),
    Operation(
        id="openapi",
        method="GET",
        path="/openapi.json",
        text="This page.",
        tag="operations",
        scope=None,
        gives={JSON: {"type": "object"}},
        passes_over=True,
    ),
)


def operations(kinds: JobKinds) -> tuple[Operation, ...]:
    """Every operation of a server that knows these kinds of jobs, in the order of the routes."""
    query = job_query(kinds)
    first = (replace(one, later=query) if one.path in _PHOTO_PATHS else one for one in _FIRST)
    return (*first, *job_operations(kinds), *_LAST)
