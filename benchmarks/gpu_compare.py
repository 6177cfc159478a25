"""How far detections of two devices are apart: rows paired by class and place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haversack.engine.boxes import iou

_SAME_PLACE = 0.8


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """Detections of one photo: float[K,4] xyxy, float[K], int[K]."""

    boxes: NDArray[Any]
    scores: NDArray[Any]
    class_ids: NDArray[Any]

    def above(self, threshold: float) -> Rows:
        """Those with at least that score."""
        kept = self.scores >= threshold
        return Rows(
            boxes=self.boxes[kept], scores=self.scores[kept], class_ids=self.class_ids[kept]
        )


@dataclass(kw_only=True)
class Difference:
    """Of all photos compared so far.

    Attributes:
        rows: on the first side and on the second.
        unpaired: rows of either side without a row of the same class and place on the other.
        score_most, box_px_most: between rows of a pair.
    """

    rows: tuple[int, int] = (0, 0)
    unpaired: int = 0
    score_most: float = 0.0
    box_px_most: float = 0.0

    def add(self, one: Rows, two: Rows) -> None:
        """Pair the rows of one photo, the surest first."""
        self.rows = (self.rows[0] + len(one.scores), self.rows[1] + len(two.scores))
        overlap = iou(one.boxes, two.boxes)
        overlap[one.class_ids[:, None] != two.class_ids[None]] = 0
        pairs = 0
        for row in np.argsort(-one.scores, kind="stable"):
            best = int(overlap[row].argmax()) if overlap.shape[1] else -1
            if best < 0 or overlap[row, best] < _SAME_PLACE:
                continue
            overlap[:, best] = 0
            pairs += 1
            apart = abs(float(one.scores[row]) - float(two.scores[best]))
            self.score_most = max(self.score_most, apart)
            moved = float(np.abs(one.boxes[row] - two.boxes[best]).max())
            self.box_px_most = max(self.box_px_most, moved)
        self.unpaired += len(one.scores) + len(two.scores) - 2 * pairs

    def told(self) -> dict[str, Any]:
        """As figures."""
        return {
            "rows": list(self.rows),
            "unpaired": self.unpaired,
            "score_most": round(self.score_most, 6),
            "box_px_most": round(self.box_px_most, 4),
        }
