"""Detections of one photo: from a graph's padded slots to the objects a caller sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haversack.engine.boxes import Boxes, clip


@dataclass(frozen=True, kw_only=True)
class Detection:
    """One object.

    Attributes:
        label: the class's name.
        class_id: its place in the pack's labels.
        score: 0 to 1.
        box: x1, y1, x2, y2 in pixels of the upright photo; edges at whole numbers.
    """

    label: str
    class_id: int
    score: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class Detections:
    """The objects of one photo as columns, surest first.

    Attributes:
        boxes: float32[M,4], xyxy in pixels of the upright photo, inside it.
        scores: float32[M], falling.
        class_ids: int64[M].
        candidates: how many passed the graph's score floor before any cut.
        truncated: whether a cut may have dropped objects; never silently complete.
    """

    boxes: Boxes
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int64]
    candidates: int
    truncated: bool

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, threshold: float) -> Detections:
        """Only the objects whose score is at least `threshold`."""
        keep = self.scores >= threshold
        return Detections(
            boxes=self.boxes[keep],
            scores=self.scores[keep],
            class_ids=self.class_ids[keep],
            candidates=self.candidates,
            truncated=self.truncated,
        )

    def named(self, labels: tuple[str, ...]) -> tuple[Detection, ...]:
        """The same objects one by one, with their names."""
        return tuple(
            Detection(
                label=label_of(labels, int(class_id)),
                class_id=int(class_id),
                score=float(score),
                box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
            )
            for box, score, class_id in zip(self.boxes, self.scores, self.class_ids, strict=True)
        )


@dataclass(frozen=True, kw_only=True)
class Slots:
    """One row of a detect graph's outputs: K slots, of which those with score 0 are empty.

    Attributes:
        boxes: float32[K,4], xyxy in pixels of the upright photo.
        scores: float32[K].
        class_ids: int64[K].
        candidates: how many passed the floor.
    """

    boxes: Boxes
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int64]
    candidates: int


def from_slots(slots: Slots, *, width: int, height: int, candidate_limit: int) -> Detections:
    """Clip to the photo, drop empty slots, sort by score, stably.

    `truncated` is set where more passed the floor than the graph keeps before NMS
    (`candidate_limit`), or where every slot after NMS is taken although more had passed.
    """
    taken = slots.scores > 0
    order = np.argsort(-slots.scores[taken], kind="stable")
    full = bool(taken.all()) and slots.candidates > len(slots.scores)
    return Detections(
        boxes=clip(slots.boxes[taken][order], width=width, height=height),
        scores=slots.scores[taken][order],
        class_ids=slots.class_ids[taken][order],
        candidates=slots.candidates,
        truncated=slots.candidates > candidate_limit or full,
    )


def label_of(labels: tuple[str, ...], class_id: int) -> str:
    """The name of a class, or its number where the pack has no name for it."""
    return labels[class_id] if 0 <= class_id < len(labels) else str(class_id)
