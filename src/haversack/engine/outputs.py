"""One photo's outcome as model.onnx's named outputs, batch 1, as tensor protocols give them."""

from __future__ import annotations

import numpy as np

from haversack.engine.detections import Detections
from haversack.engine.results import LabelMap, Outcome, Probabilities, Tensors
from haversack.engine.session import Array
from haversack.packfile.signature import Signature, TensorSpec

IMAGE = TensorSpec(name="image", datatype="UINT8", shape=(-1, -1, 3))
"""The one input that a pack that takes photos shows: RGB pixels, or an encoded photo."""


def to_arrays(outcome: Outcome, signature: Signature) -> dict[str, Array]:
    """Every output of the signature, with a batch dimension of 1.

    Detections are clipped to the photo and sorted, and the empty slots that the graph gives behind
    them are zeros. A label map has the photo's size, not the network's.
    """
    match outcome:
        case Detections() as found:
            return _slots(found, signature)
        case Probabilities(values=values):
            return {"probabilities": values[None]}
        case LabelMap(class_ids=class_ids):
            return {"labels": class_ids[None]}
        case Tensors(arrays=arrays):
            return {name: np.asarray(array)[None] for name, array in arrays.items()}


def shown_outputs(signature: Signature, task: str) -> tuple[TensorSpec, ...]:
    """The outputs as a photo's caller gets them: a batch of 1, a label map of any size."""
    shown = []
    for spec in signature.outputs:
        shape = (1, *spec.shape[1:])
        if task == "label-map":
            shape = (1, -1, -1)
        shown.append(TensorSpec(name=spec.name, datatype=spec.datatype, shape=shape))
    return tuple(shown)


def _slots(found: Detections, signature: Signature) -> dict[str, Array]:
    count = next(spec.shape[1] for spec in signature.outputs if spec.name == "scores")
    empty = max(count - len(found), 0)
    return {
        "boxes": np.pad(found.boxes, ((0, empty), (0, 0)))[None],
        "scores": np.pad(found.scores, (0, empty))[None],
        "classes": np.pad(found.class_ids, (0, empty))[None],
        "candidates": np.array([found.candidates], dtype=np.int64),
    }
