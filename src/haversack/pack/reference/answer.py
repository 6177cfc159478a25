"""What the original model says of one photo, in numpy: the functions that heads name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haversack.pack.decoding import Decoding
from haversack.pack.reference import decode
from haversack.pack.reference.pixels import Placed


@dataclass(frozen=True, kw_only=True)
class RawAnswer:
    """A network's outputs for one photo.

    Attributes:
        outputs: in the graph's order, with their batch of one.
        decoding: what is known of them; its suppression is what was written into the pack.
        placed: the photo in the network's frame.
        size: (width, height) of the photo, px.
    """

    outputs: list[NDArray[Any]]
    decoding: Decoding
    placed: Placed
    size: tuple[int, int]


Reference = Callable[[RawAnswer], dict[str, NDArray[Any]]]
"""From raw outputs to what a sample of the pack expects, in pixels of the photo."""


def detections(
    read: Callable[[list[NDArray[Any]], Decoding], decode.RawBoxes],
) -> Reference:
    """boxes, scores, classes of every box that stays, and `size` (width, height)."""

    def reference(raw: RawAnswer) -> dict[str, NDArray[Any]]:
        width, height = raw.size
        found = read(raw.outputs, raw.decoding)
        kept = decode.suppress(found, raw.decoding.suppression)
        offset, scale = np.array(raw.placed.offset * 2), np.array(raw.placed.scale * 2)
        boxes = np.clip((found.boxes[kept] - offset) / scale, 0, [width, height, width, height])
        return {
            "boxes": boxes.astype(np.float32),
            "scores": found.scores[kept].astype(np.float32),
            "classes": found.class_ids[kept],
            "size": np.array([width, height]),
        }

    return reference


def of_logits(raw: RawAnswer) -> dict[str, NDArray[Any]]:
    """probabilities float32[C], by softmax."""
    return {"probabilities": decode.softmax(raw.outputs[0]).astype(np.float32)}


def of_probabilities(raw: RawAnswer) -> dict[str, NDArray[Any]]:
    """probabilities float32[C], as they are."""
    return {"probabilities": raw.outputs[0].reshape(-1).astype(np.float32)}


def of_planes(raw: RawAnswer) -> dict[str, NDArray[Any]]:
    """labels uint8[height,width]: the surest class of each pixel of the photo."""
    return {"labels": decode.label_map(raw.outputs[0][0], raw.placed, raw.size, raw.decoding)}
