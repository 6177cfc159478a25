"""JSON schemas of what each task's answers add to a record, for whoever describes records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

RecordFields: TypeAlias = Mapping[str, Mapping[str, Any]]
"""A schema for each field, by its name in the record."""

_FREE = {"type": "array", "items": {"type": "object"}}

DETECT: RecordFields = {
    "detections": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "label": {"type": "string"},
                "class_id": {"type": "integer"},
                "score": {"type": "number"},
                "box": {"type": "array", "items": {"type": "number"}},
            },
            "required": ["label", "class_id", "score", "box"],
        },
    },
    "truncated": {"type": "boolean"},
    "candidates": {"type": "integer"},
}
LABEL_MAP: RecordFields = {
    "legend": _FREE,
    "map": {"type": "string", "contentEncoding": "base64", "contentMediaType": "image/png"},
}
CLASSIFY: RecordFields = {"classes": _FREE}
TENSOR: RecordFields = {
    "outputs": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "name": {"type": "string"},
                "shape": {"type": "array", "items": {"type": "integer"}},
                "data": {"type": "array", "items": {}},
            },
            "required": ["name", "shape", "data"],
        },
    },
}
