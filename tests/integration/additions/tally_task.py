"""Tally: how much of each class there is in a photo. A task that no pack of this version has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haversack.engine.fitted import Fitted
from haversack.engine.session import Array
from haversack.engine.tasks.plain import PhotoTask, PlainOutcome
from haversack.engine.tasks.task import Cell, Difference, Marks, TaskOutcome
from haversack.packfile.signature import Signature


@dataclass(frozen=True, kw_only=True)
class Totals(PlainOutcome):
    """float32[C]: one a class. A `TaskOutcome`."""

    values: NDArray[np.float32]

    def fields(
        self, labels: tuple[str, ...], size: tuple[int, int], *, with_map: bool
    ) -> dict[str, Any]:
        return {"totals": dict(zip(labels, self.values.tolist(), strict=True))}

    def arrays(self, signature: Signature) -> dict[str, Array]:
        return {"totals": self.values[None]}

    def rows(self, labels: tuple[str, ...]) -> Iterator[dict[str, Cell]]:
        for label, value in zip(labels, self.values.tolist(), strict=True):
            yield {"label": label, "total": value}

    def lines(self, labels: tuple[str, ...]) -> Iterator[str]:
        for label, value in zip(labels, self.values.tolist(), strict=True):
            yield f"{value:.1f}  {label}"

    def marks(self, labels: tuple[str, ...]) -> Marks:
        return Marks(caption=tuple(enumerate(self.lines(labels))))

    def difference(self, expected: Mapping[str, Array], *, threshold: float) -> Difference:
        worst = float(np.abs(self.values - expected["totals"]).max())
        return Difference(expected=len(self.values), found=len(self.values), worst=worst)


class TallyTask(PhotoTask):
    """See `Task`."""

    name = "tally"
    columns: tuple[str, ...] = ("label", "total")
    tolerance = 0.5

    def outcome(
        self, row: Mapping[str, Array], photo: Fitted | None, limit_bytes: int
    ) -> TaskOutcome:
        return Totals(values=row["totals"])
