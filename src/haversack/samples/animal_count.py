"""Found against true: how many of a scene's animals were seen, and how much else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from haversack.engine.boxes import Boxes, iou

# A detector of round blobs on long bodies: a fifth of the union is the same animal.
_SAME_ANIMAL_IOU = 0.2


@dataclass(frozen=True, kw_only=True)
class AnimalCount:
    """One photo's count.

    Attributes:
        true: animals in the photo.
        found: of these, seen; each by one detection at most.
        other: detections that are no animal, or an animal's second.
    """

    true: int
    found: int
    other: int


def tally(true_boxes: Boxes, found_boxes: Boxes) -> AnimalCount:
    """Match detections (surest first) with animals, one to one, best overlap first.

    Args:
        true_boxes: float32[T,4], xyxy, px.
        found_boxes: float32[F,4], in the same frame.
    """
    free = np.ones(len(true_boxes), dtype=np.bool_)
    found = 0
    for shared in iou(found_boxes, true_boxes):
        shared = np.where(free, shared, 0)
        best = int(shared.argmax()) if shared.size else -1
        if best >= 0 and shared[best] >= _SAME_ANIMAL_IOU:
            free[best] = False
            found += 1
    return AnimalCount(true=len(true_boxes), found=found, other=len(found_boxes) - found)
