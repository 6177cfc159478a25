"""JSON schemas of what goes over the wire, for the OpenAPI page."""

from __future__ import annotations

from typing import Any

from haversack.jobs.job import State
from haversack.packfile.tasks.table import ROWS

Schema = dict[str, Any]

DATATYPES = (
    "BOOL UINT8 UINT16 UINT32 UINT64 INT8 INT16 INT32 INT64 FP16 FP32 FP64 BYTES".split()  # noqa: SIM905
)


def _object(properties: Schema, *required: str) -> Schema:
    return {"type": "object", "properties": properties, "required": list(required)}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def ref(name: str) -> Schema:
    """A schema of `SCHEMAS` by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


_TEXT: Schema = {"type": "string"}
_WHOLE: Schema = {"type": "integer"}
_NUMBER: Schema = {"type": "number"}
_BOOL: Schema = {"type": "boolean"}
_DURATION = _object({"count": _WHOLE, "ns": _WHOLE}, "count", "ns")
_SHAPE = _list({"type": "integer"})
_FREE: Schema = {"type": "object"}

SCHEMAS: dict[str, Schema] = {
    "Error": _object(
        {
            "error": _TEXT | {"description": "One sentence: what was received, what is allowed."},
            "code": _TEXT,
            "hint": _TEXT | {"description": "The next step, or empty."},
            "request_id": _TEXT,
            "details": _list(_TEXT),
        },
        *("error", "code", "hint"),
    ),
    "Record": _object(
        {
            "image": _TEXT,
            "width": _WHOLE,
            "height": _WHOLE,
            "pack": _TEXT,
            "version": _TEXT,
            "task": _TEXT,
            "status": {"enum": ["done"]},
            **{name: schema for row in ROWS for name, schema in row.record.items()},
            "timing": {"type": "object", "additionalProperties": _NUMBER},
        },
        *("image", "width", "height", "pack", "version", "task", "status"),
    ),
    "Pack": _object(
        {
            "name": _TEXT,
            "version": _TEXT,
            "task": _TEXT,
            "labels": _list(_TEXT),
            "description": _TEXT,
            "licence": _TEXT,
            "loaded": _BOOL,
            "takes_pictures": _BOOL,
            "survey_tile": {"type": ["integer", "null"]},
            "default_threshold": _NUMBER,
            "accuracy": _TEXT,
            "speed_seconds": {"type": ["number", "null"]},
        },
        *("name", "version", "task"),
    ),
    "Packs": _object({"packs": _list(ref("Pack"))}, "packs"),
    "Job": _object(
        {
            "id": _TEXT,
            "state": {"enum": [state.value for state in State]},
            "kind": _TEXT,
            "pack": _TEXT,
            "version": _TEXT | {"type": ["string", "null"]},
            "image": _TEXT,
            "photos": _WHOLE,
            "position": _WHOLE | {"type": ["integer", "null"]},
            "progress": _object({"done": _WHOLE, "total": _WHOLE}, "done", "total"),
            "eta_seconds": {"type": ["number", "null"]},
            "created": _TEXT,
            "started": {"type": ["string", "null"]},
            "finished": {"type": ["string", "null"]},
            "attempts": _WHOLE,
            "error": {"type": ["object", "null"]},
            "webhook": _object(
                {"state": _TEXT, "attempts": _WHOLE, "error": _TEXT}, "state", "attempts", "error"
            ),
            "links": _FREE,
        },
        *("id", "state", "kind", "pack", "version", "position", "progress", "eta_seconds"),
        *("created", "started", "finished", "attempts", "error", "links"),
    ),
    "Jobs": _object({"jobs": _list(ref("Job")), "next": {"type": ["string", "null"]}}, "jobs"),
    "Upload": _object(
        {
            "id": _TEXT,
            "photos": _WHOLE,
            "bytes": _WHOLE,
            "limits": _object(
                {"photos": _WHOLE, "photo_bytes": _WHOLE, "suffixes": _list(_TEXT)},
                *("photos", "photo_bytes", "suffixes"),
            ),
            "names": _list(_TEXT),
        },
        *("id", "photos", "bytes", "limits"),
    ),
    "UploadedPhoto": _object({"name": _TEXT, "bytes": _WHOLE}, "name", "bytes"),
    "Survey": _object(
        {
            "job": _TEXT,
            "pack": _TEXT,
            "photos": {"type": "object", "additionalProperties": _WHOLE},
            "objects": {"type": "object", "additionalProperties": _WHOLE},
            "seconds": _NUMBER,
            "problems": _list(
                _object({"photo": _TEXT, "code": _TEXT, "message": _TEXT}, "photo", "code")
            ),
            "files": _list(_object({"name": _TEXT, "bytes": _WHOLE}, "name", "bytes")),
        },
        *("job", "pack", "photos", "objects", "seconds", "problems", "files"),
    ),
    "SignIn": _object({"user": _TEXT, "password": _TEXT}, "user", "password"),
    "Session": _object(
        {
            "sign_in": _BOOL | {"description": "Whether people sign in here."},
            "name": {"type": ["string", "null"]},
            "scopes": _list(_TEXT),
            "csrf_token": {"type": ["string", "null"]}
            | {"description": "For the header X-CSRF-Token, where a cookie says who asks."},
        },
        *("sign_in", "name", "scopes", "csrf_token"),
    ),
    "ServerMetadata": _object(
        {"name": _TEXT, "version": _TEXT, "extensions": _list(_TEXT)}, "name", "version"
    ),
    "Tensor": _object(
        {"name": _TEXT, "datatype": {"enum": DATATYPES}, "shape": _SHAPE},
        *("name", "datatype", "shape"),
    ),
    "ModelMetadata": _object(
        {
            "name": _TEXT,
            "versions": _list(_TEXT),
            "platform": _TEXT,
            "inputs": _list(ref("Tensor")),
            "outputs": _list(ref("Tensor")),
        },
        *("name", "platform", "inputs", "outputs"),
    ),
    "ModelConfig": _FREE,
    "Ready": _object({"name": _TEXT, "ready": _BOOL}, "ready"),
    "Live": _object({"live": _BOOL}, "live"),
    "Statistics": _object(
        {
            "model_stats": _list(
                _object(
                    {
                        "name": _TEXT,
                        "version": _TEXT,
                        "inference_count": _WHOLE,
                        "execution_count": _WHOLE,
                        "inference_stats": {"type": "object", "additionalProperties": _DURATION},
                    },
                    *("name", "version"),
                )
            )
        },
        "model_stats",
    ),
    "InferRequest": _object(
        {
            "id": _TEXT,
            "parameters": _FREE,
            "inputs": _list(
                _object(
                    {
                        "name": _TEXT,
                        "shape": _list({"type": "integer", "minimum": 1}),
                        "datatype": {"enum": DATATYPES},
                        "parameters": _FREE,
                        "data": {"type": "array", "items": {}},
                    },
                    *("name", "shape", "datatype"),
                )
            )
            | {"minItems": 1},
            "outputs": _list(_object({"name": _TEXT, "parameters": _FREE}, "name"))
            | {"type": ["array", "null"]},
        },
        "inputs",
    ),
    "InferResponse": _object(
        {
            "model_name": _TEXT,
            "model_version": _TEXT,
            "id": _TEXT,
            "outputs": _list(
                _object(
                    {
                        "name": _TEXT,
                        "shape": _SHAPE,
                        "datatype": {"enum": DATATYPES},
                        "parameters": _FREE,
                        "data": {"type": "array", "items": {}},
                    },
                    *("name", "shape", "datatype"),
                )
            ),
        },
        *("model_name", "outputs"),
    ),
    "RepositoryIndex": _list(
        _object({"name": _TEXT, "version": _TEXT, "state": _TEXT, "reason": _TEXT}, "name")
    ),
    "IndexRequest": _object({"ready": _BOOL}),
    "LoadRequest": _object({"parameters": _FREE | {"maxProperties": 0}}),
    "PredictRequest": {
        "oneOf": [
            _object({"instances": {"type": "array", "minItems": 1, "items": {}}}, "instances"),
            _object({"inputs": {}}, "inputs"),
        ]
    },
    "PredictResponse": {
        "oneOf": [
            _object({"predictions": {"type": "array", "items": {}}}, "predictions"),
            _object({"outputs": {}}, "outputs"),
        ]
    },
    "Status": _object(
        {
            "phase": {"enum": ["loading", "ready", "draining"]},
            "memory": _object(
                {
                    "budget_bytes": {"type": ["integer", "null"]},
                    "said_by": {"type": ["string", "null"]},
                    "resident_bytes": _WHOLE,
                    "in_use_bytes": _WHOLE,
                    "sessions_bytes": _WHOLE,
                    "photos": _FREE,
                    "json": _FREE,
                    "calls": _FREE,
                    "parts": _list(_object({"name": _TEXT, "bytes": _WHOLE}, "name", "bytes")),
                    "devices": _list(
                        _object(
                            {
                                "name": _TEXT,
                                "budget_bytes": _WHOLE,
                                "sessions_bytes": _WHOLE,
                                "calls": _FREE,
                            },
                            *("name", "budget_bytes", "sessions_bytes", "calls"),
                        )
                    ),
                },
                *("budget_bytes", "resident_bytes", "in_use_bytes"),
            ),
            "queue": {"type": "object", "additionalProperties": _NUMBER},
            "models": _list(
                _object(
                    {
                        "name": _TEXT,
                        "version": _TEXT,
                        "loaded": _BOOL,
                        "pinned": _BOOL,
                        "bytes": _WHOLE,
                        "call_bytes": _WHOLE,
                        "device": _TEXT,
                        "device_bytes": _WHOLE,
                        "source": _TEXT,
                        "users": _WHOLE,
                        "waiting": _WHOLE,
                        "inferences": _WHOLE,
                        "cost_seconds": _NUMBER,
                    },
                    *("name", "version", "loaded", "pinned"),
                )
            ),
            "swaps": {"type": "object", "additionalProperties": _NUMBER},
            "jobs": {"type": ["object", "null"], "additionalProperties": _WHOLE},
        },
        *("phase", "memory", "queue", "models", "swaps", "jobs"),
    ),
    "Models": _object({"models": _list(_TEXT)}, "models"),
    "ModelStatus": _object(
        {"name": _TEXT, "ready": _BOOL, "model_version_status": _list(_FREE)}, "name", "ready"
    ),
}
"""Every schema by its name."""
