"""Tensor: a graph's outputs by name, as they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haversack.engine.fitted import Fitted
from haversack.engine.session import Array
from haversack.engine.tasks.plain import PhotoTask, PlainOutcome
from haversack.engine.tasks.task import Cell, Difference, Marks, TaskOutcome, largest
from haversack.packfile.manifest import Manifest
from haversack.packfile.signature import Signature


@dataclass(frozen=True, kw_only=True)
class Tensors(PlainOutcome):
    """A pack's outputs by name, as the graph gave them. A `TaskOutcome`.

    Of a photo without the batch dimension, of tensors with what the graph has.
    """

    values: dict[str, NDArray[Any]]

    def fields(
        self, labels: tuple[str, ...], size: tuple[int, int], *, with_map: bool
    ) -> dict[str, Any]:
        """`outputs`: name, shape and values of each."""
        return {
            "outputs": [
                {"name": name, "shape": list(one.shape), "data": one.reshape(-1).tolist()}
                for name, one in self.values.items()
            ]
        }

    def arrays(self, signature: Signature) -> dict[str, Array]:
        """All of them."""
        return {name: np.asarray(one)[None] for name, one in self.values.items()}

    def rows(self, labels: tuple[str, ...]) -> Iterator[dict[str, Cell]]:
        """None: a table has no columns for them."""
        yield from ()

    def lines(self, labels: tuple[str, ...]) -> Iterator[str]:
        """Name, datatype and shape of each."""
        for name, one in self.values.items():
            yield f"{name} {one.dtype}{list(one.shape)}"

    def marks(self, labels: tuple[str, ...]) -> Marks:
        """None."""
        return Marks()

    def difference(self, expected: Mapping[str, Array], *, threshold: float) -> Difference:
        """The largest difference of any value, as a share of that output's largest value."""
        differences, count = [0.0], 0
        for output, wanted in expected.items():
            got = self.values.get(output)
            if got is None or got.shape != wanted.shape:
                return Difference(expected=wanted.size, found=0, worst=1.0)
            count += wanted.size
            if wanted.size:
                differences.append(_difference(got, wanted))
        return Difference(expected=count, found=count, worst=largest(differences))


class TensorTask(PhotoTask):
    """See `Task`."""

    name = "tensor"
    columns: tuple[str, ...] = ()
    is_drawn = False

    def __init__(self, manifest: Manifest) -> None:
        self._takes_photos = manifest.takes_photos
        # Tensors see no resize: only the runtime's last bits differ.
        self.tolerance = 1e-3 if manifest.takes_photos else 1e-4

    def outcome(
        self, row: Mapping[str, Array], photo: Fitted | None, limit_bytes: int
    ) -> TaskOutcome:
        """The outputs."""
        return Tensors(values=dict(row))

    def shown(self, signature: Signature) -> Signature:
        """The graph's own, or a photo in and its outputs out."""
        return super().shown(signature) if self._takes_photos else signature


def _difference(got: Array, wanted: Array) -> float:
    if wanted.dtype.kind not in "fiub":
        return float((got != wanted).mean())
    ours, theirs = got.astype(np.float64), wanted.astype(np.float64)
    size = float(np.abs(theirs).max()) or 1.0
    return float(np.abs(ours - theirs).max()) / size
