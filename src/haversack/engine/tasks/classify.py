"""Classify: a probability for each class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haversack.engine.detections import label_of
from haversack.engine.fitted import Fitted
from haversack.engine.session import Array
from haversack.engine.tasks.plain import PhotoTask, PlainOutcome
from haversack.engine.tasks.task import (
    CAPTION_LINES,
    Cell,
    Difference,
    Marks,
    TaskOutcome,
)
from haversack.packfile.signature import Signature

CLASSES_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Probabilities(PlainOutcome):
    """float32[C], in the order of the pack's labels. A `TaskOutcome`."""

    values: NDArray[np.float32]

    def fields(
        self, labels: tuple[str, ...], size: tuple[int, int], *, with_map: bool
    ) -> dict[str, Any]:
        """`classes`, the surest of them."""
        return {"classes": list(self.rows(labels))}

    def arrays(self, signature: Signature) -> dict[str, Array]:
        """All of them."""
        return {"probabilities": self.values[None]}

    def rows(self, labels: tuple[str, ...]) -> Iterator[dict[str, Cell]]:
        """One a class, of the surest, as the record has them."""
        for i in np.argsort(-self.values, kind="stable")[:CLASSES_SHOWN].tolist():
            score = round(float(self.values[i]), 4)
            yield {"label": label_of(labels, i), "class_id": i, "score": score}

    def lines(self, labels: tuple[str, ...]) -> Iterator[str]:
        """Probability and name of each."""
        for row in self.rows(labels):
            yield f"{row['score']:.2f}  {row['label']}"

    def marks(self, labels: tuple[str, ...]) -> Marks:
        """A caption."""
        lines = (
            (int(row["class_id"]), f"{row['label']} {100 * float(row['score']):.1f} %")
            for row in self.rows(labels)
        )
        return Marks(caption=tuple(lines)[:CAPTION_LINES])

    def difference(self, expected: Mapping[str, Array], *, threshold: float) -> Difference:
        """The largest difference of any class."""
        theirs, size = expected["probabilities"], self.values.size
        worst = 1.0
        if self.values.shape == theirs.shape:
            worst = float(np.abs(self.values - theirs).max())
        return Difference(expected=theirs.size, found=size, worst=worst)


class ClassifyTask(PhotoTask):
    """See `Task`."""

    name = "classify"
    columns: tuple[str, ...] = ("label", "class_id", "score")

    def outcome(
        self, row: Mapping[str, Array], photo: Fitted | None, limit_bytes: int
    ) -> TaskOutcome:
        """The probabilities."""
        return Probabilities(values=row["probabilities"])
