"""What a task is to everything that is not the graph itself, and what its answers are."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from haversack.engine.detections import Detection
from haversack.engine.fitted import Fitted
from haversack.engine.merge import TileBoxes
from haversack.engine.session import Array
from haversack.engine.tiles import Tile, TileGrid
from haversack.packfile.manifest import Manifest
from haversack.packfile.signature import Signature

Cell: TypeAlias = str | int | float
"""Of a table's row."""

CAPTION_LINES = 5
"""As many hide little of a photo."""


FoundRow: TypeAlias = tuple[int, float, float, float, float, float, str | None, int, int]
"""Of a run's table `found`: class_id, score, x1, y1, x2, y2, mask, review, counted."""


@dataclass(frozen=True, kw_only=True)
class Marks:
    """What is drawn on a photo.

    Attributes:
        boxes: outlined and named, the surest on top.
        class_ids: uint8[height,width], tints the photo; None for no tint.
        clear_class: of those, the class that tints nothing.
        caption: a class_id, for its colour, and a text a line; None for no caption.
    """

    boxes: tuple[Detection, ...] = ()
    class_ids: NDArray[np.uint8] | None = None
    clear_class: int | None = None
    caption: tuple[tuple[int, str], ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How far an answer is from the one that was expected.

    Attributes:
        expected, found: how many objects, or values, each has.
        worst: the largest difference, under the task's rule.
    """

    expected: int
    found: int
    worst: float


@dataclass(frozen=True, kw_only=True, eq=False)
class TileObjects:
    """What was found in one tile of a photo.

    Attributes:
        boxes: in pixels of the photo.
        candidates: how many passed the floor.
        truncated: whether a cut may have dropped objects.
    """

    boxes: TileBoxes
    candidates: int
    truncated: bool


class TaskOutcome(Protocol):
    """What a model said of one photo, or of one set of tensors.

    Promises: it never changes, may be used by any thread, and can be sent to another process; a
    method that has nothing to give gives nothing, and never an error.
    """

    def above(self, threshold: float) -> Self:
        """What is at least as sure as that; itself where answers have no scores."""
        ...

    def objects(self, labels: tuple[str, ...]) -> tuple[Detection, ...]:
        """The objects in it, surest first."""
        ...

    def fields(
        self, labels: tuple[str, ...], size: tuple[int, int], *, with_map: bool
    ) -> dict[str, Any]:
        """Its part of the canonical record, ready for JSON.

        Args:
            size: width and height of the photo.
            with_map: also give what has a value for each pixel.
        """
        ...

    def arrays(self, signature: Signature) -> dict[str, Array]:
        """The named outputs of model.onnx, on the photo, with a batch dimension of 1."""
        ...

    def rows(self, labels: tuple[str, ...]) -> Iterator[dict[str, Cell]]:
        """A table's rows, of the task's columns, as the record has them."""
        ...

    def lines(self, labels: tuple[str, ...]) -> Iterator[str]:
        """The same for a person at a terminal."""
        ...

    def marks(self, labels: tuple[str, ...]) -> Marks:
        """How it is drawn."""
        ...

    def difference(self, expected: Mapping[str, Array], *, threshold: float) -> Difference:
        """How far it is from the outputs that were expected.

        Args:
            threshold: objects of less score on both sides do not matter.

        Raises:
            KeyError, IndexError, ValueError, TypeError: they are no outputs of this task.
        """
        ...


class SurveyTask(Protocol):
    """How a survey takes a task's answers on tiles together. Promises: as `Task`."""

    def tile(self, outcome: TaskOutcome, grid: TileGrid, tile: Tile) -> TileObjects:
        """What was found in a tile, placed on its photo."""
        ...

    def merged(self, found: TileBoxes, *, candidates: int, truncated: bool) -> TaskOutcome:
        """What was found in the photo, once doubles at seams are joined."""
        ...

    def rows(self, outcome: TaskOutcome) -> Iterator[FoundRow]:
        """What of that a run's table `found` keeps, a row an object."""
        ...

    def stored(
        self,
        rows: Iterable[FoundRow],
        labels: tuple[str, ...],
        *,
        candidates: int | None,
        truncated: bool,
    ) -> TaskOutcome:
        """The same, read back."""
        ...


class Task(Protocol):
    """What one pack's task means for everything that is not the graph itself.

    Promises: made from the manifest alone, at no cost; it keeps nothing between calls, reads and
    writes nothing, and may be used by any thread.

    Attributes:
        name: in pack.toml.
        columns: of its rows in a table; none where a table cannot hold its answers.
        takes_threshold: whether a least score changes its answers.
        is_drawn: whether its answers can be drawn on the photo.
        renders_slowly: whether writing an answer takes so long that an event loop would notice.
        tolerance: the worst difference between the pack and the original model, which has a
            preprocessing of its own, that an import may show.
        survey: how a survey merges its answers; None where it cannot.
    """

    name: str
    columns: tuple[str, ...]
    takes_threshold: bool
    is_drawn: bool
    renders_slowly: bool
    tolerance: float
    survey: SurveyTask | None

    def __init__(self, manifest: Manifest) -> None:
        """The task of this pack."""
        ...

    def outcome(
        self, row: Mapping[str, Array], photo: Fitted | None, limit_bytes: int
    ) -> TaskOutcome:
        """One row of model.onnx's outputs as an answer.

        Args:
            row: by name, without the batch dimension where `photo` is given.
            photo: that the row is about; None for a pack that takes tensors.
            limit_bytes: of memory that the answer on this photo may take.

        Raises:
            PhotoError: `image-too-large`.
        """
        ...

    def shown(self, signature: Signature) -> Signature:
        """What a caller of a tensor protocol sees of model.onnx."""
        ...

    def answer_bytes(self, photo_pixels: int) -> int:
        """Memory that an answer takes beside the network's frame until it is sent."""
        ...


def largest(differences: Sequence[float]) -> float:
    """The largest, where a NaN is larger than anything: max() would pass over it."""
    return math.inf if any(map(math.isnan, differences)) else max(differences)
