"""One photo's results: typed values, and the one canonical record that every door gives."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from haversack.engine.codecs.png import png_bytes
from haversack.engine.detections import Detection, Detections, label_of
from haversack.errors import HaversackError

CLASSES_SHOWN = 5
_ROWS_COUNTED = 64


@dataclass(frozen=True, kw_only=True)
class Probabilities:
    """A classifier's answer: float32[C], in the order of the pack's labels."""

    values: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class LabelMap:
    """A class for each pixel of the upright photo: uint8[height,width]."""

    class_ids: NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class Tensors:
    """A `tensor` pack's outputs by name, as the graph gave them, without the batch dimension."""

    arrays: dict[str, NDArray[Any]]


Outcome: TypeAlias = Detections | Probabilities | LabelMap | Tensors


@dataclass(frozen=True, kw_only=True)
class PackIdentity:
    """What a result says of the pack that made it."""

    name: str
    version: str
    task: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PhotoResult:
    """What was understood of one photo, or why nothing was.

    Attributes:
        image: the name the caller gave it (a path, or "" for bytes).
        width, height: pixels after EXIF orientation; 0 where the header could not be read.
        pack: who answered.
        outcome: the task's values, or None where `error` is set.
        error: why the photo failed, or None.
        timing: seconds by stage: `decode_seconds`, `model_seconds`.
    """

    image: str
    width: int
    height: int
    pack: PackIdentity
    outcome: Outcome | None = None
    error: HaversackError | None = None
    timing: dict[str, float] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """ "done", or "failed" where `error` says why."""
        return "failed" if self.error is not None else "done"

    @property
    def detections(self) -> tuple[Detection, ...]:
        """The objects found, surest first; empty for other tasks and for failures."""
        if not isinstance(self.outcome, Detections):
            return ()
        return self.outcome.named(self.pack.labels)

    def above(self, threshold: float) -> PhotoResult:
        """Only the objects of at least this score; other tasks are unchanged."""
        if not isinstance(self.outcome, Detections):
            return self
        return replace(self, outcome=self.outcome.above(threshold))

    def to_dict(self, *, with_map: bool = False) -> dict[str, Any]:
        """The canonical record of one photo, ready for JSON.

        Args:
            with_map: also give a label map's pixels, as a PNG in base64 (`map`).
        """
        record: dict[str, Any] = {
            # A name that is no UTF-8 holds surrogates, which JSON cannot.
            "image": self.image.encode("utf-8", "backslashreplace").decode("utf-8"),
            "width": self.width,
            "height": self.height,
            "pack": self.pack.name,
            "version": self.pack.version,
            "task": self.pack.task,
            "status": self.status,
        }
        if self.error is not None:
            record["error"] = {
                "code": self.error.code,
                "message": self.error.message,
                "hint": self.error.hint,
            }
        record.update(_outcome_fields(self, with_map=with_map))
        if self.timing:
            record["timing"] = {name: round(value, 6) for name, value in self.timing.items()}
        return record


def _outcome_fields(result: PhotoResult, *, with_map: bool) -> dict[str, Any]:
    labels = result.pack.labels
    match result.outcome:
        case Detections() as found:
            return _detection_fields(result.detections, found)
        case Probabilities(values=values):
            return {"classes": _surest(values, labels)}
        case LabelMap(class_ids=class_ids):
            fields: dict[str, Any] = {"legend": legend(class_ids, labels)}
            return fields | {"map": _png(class_ids)} if with_map else fields
        case Tensors(arrays=arrays):
            return {"outputs": [_tensor(name, array) for name, array in arrays.items()]}
        case None:
            return {}


def _detection_fields(named: tuple[Detection, ...], found: Detections) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "detections": [
            {
                "label": one.label,
                "class_id": one.class_id,
                "score": round(one.score, 4),
                "box": [round(edge, 2) for edge in one.box],
            }
            for one in named
        ]
    }
    if found.truncated:
        fields |= {"truncated": True, "candidates": found.candidates}
    return fields


def _surest(values: NDArray[np.float32], labels: tuple[str, ...]) -> list[dict[str, Any]]:
    order = np.argsort(-values, kind="stable")[:CLASSES_SHOWN]
    return [
        {"label": label_of(labels, int(i)), "class_id": int(i), "score": round(float(values[i]), 4)}
        for i in order
    ]


def legend(class_ids: NDArray[np.uint8], labels: tuple[str, ...]) -> list[dict[str, Any]]:
    """The classes in a label map with their pixels, largest first."""
    counts = np.zeros(256, dtype=np.int64)
    for row in range(0, len(class_ids), _ROWS_COUNTED):
        # bincount makes eight bytes of each pixel: a block of rows at a time.
        counts += np.bincount(class_ids[row : row + _ROWS_COUNTED].reshape(-1), minlength=256)
    order = sorted(np.flatnonzero(counts), key=lambda i: (-counts[i], i))
    return [
        {"label": label_of(labels, int(i)), "class_id": int(i), "pixels": int(counts[i])}
        for i in order
    ]


def _png(class_ids: NDArray[np.uint8]) -> str:
    return base64.b64encode(png_bytes(class_ids)).decode("ascii")


def _tensor(name: str, array: NDArray[Any]) -> dict[str, Any]:
    return {"name": name, "shape": list(array.shape), "data": array.reshape(-1).tolist()}
