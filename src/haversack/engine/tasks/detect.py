"""Detect: a graph's padded slots become the objects of a photo."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from haversack.engine.boxes import Boxes, clip, iou
from haversack.engine.detections import Detection, label_of
from haversack.engine.fitted import Fitted
from haversack.engine.merge import TileBoxes, tile_boxes
from haversack.engine.rle import area
from haversack.engine.session import Array
from haversack.engine.tasks.plain import PhotoTask
from haversack.engine.tasks.task import (
    Cell,
    Difference,
    FoundRow,
    Marks,
    SurveyTask,
    TaskOutcome,
    TileObjects,
    largest,
)
from haversack.engine.tiles import Tile, TileGrid
from haversack.packfile.manifest import Manifest
from haversack.packfile.signature import Signature

# Two boxes are the same object from here up.
_SAME_OBJECT_IOU = 0.5


class _Objects(Protocol):
    """What is made of the objects in an answer, however it holds them."""

    truncated: bool

    def objects(self, labels: tuple[str, ...]) -> tuple[Detection, ...]: ...

    def rows(self, labels: tuple[str, ...]) -> Iterator[dict[str, Cell]]:
        """One an object."""
        for one in self.objects(labels):
            x1, y1, x2, y2 = (round(edge, 2) for edge in one.box)
            yield {
                "label": one.label,
                "class_id": one.class_id,
                "score": round(one.score, 4),
                **{"x1": x1, "y1": y1, "x2": x2, "y2": y2},
            }

    def lines(self, labels: tuple[str, ...]) -> Iterator[str]:
        """Score, name and box of each."""
        found = self.objects(labels)
        if not found:
            yield "nothing found"
        for one in found:
            box = ", ".join(f"{edge:.0f}" for edge in one.box)
            yield f"{one.score:.2f}  {one.label:<16} [{box}]"
        if self.truncated:
            yield "more passed the floor than the pack keeps: this list is not complete"

    def marks(self, labels: tuple[str, ...]) -> Marks:
        """Boxes."""
        return Marks(boxes=self.objects(labels))


@dataclass(frozen=True, kw_only=True)
class Detections(_Objects):
    """The objects of one photo as columns, surest first. A `TaskOutcome`.

    Attributes:
        boxes: float32[M,4], xyxy in pixels of the upright photo, inside it.
        scores: float32[M], falling.
        class_ids: int64[M].
        candidates: how many passed the graph's score floor before any cut; None where nobody
            knows, as in a run that an earlier version began.
        truncated: whether a cut may have dropped objects; never silently complete.
    """

    boxes: Boxes
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int64]
    candidates: int | None
    truncated: bool

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, threshold: float) -> Self:
        """Only the objects whose score is at least `threshold`."""
        keep = self.scores >= threshold
        return replace(
            self,
            boxes=self.boxes[keep],
            scores=self.scores[keep],
            class_ids=self.class_ids[keep],
        )

    def objects(self, labels: tuple[str, ...]) -> tuple[Detection, ...]:
        """The same objects one by one, with their names."""
        return tuple(
            Detection(
                label=label_of(labels, class_id),
                class_id=class_id,
                score=score,
                box=(box[0], box[1], box[2], box[3]),
            )
            for class_id, score, box in zip(
                self.class_ids.tolist(), self.scores.tolist(), self.boxes.tolist(), strict=True
            )
        )

    def fields(
        self, labels: tuple[str, ...], size: tuple[int, int], *, with_map: bool
    ) -> dict[str, Any]:
        """`detections`, and whether there may be more."""
        # Column by column: thousands of records a second are written on an event loop.
        class_ids, known = self.class_ids.tolist(), len(labels)
        names = [labels[i] if 0 <= i < known else str(i) for i in class_ids]
        columns = (names, class_ids, self.scores.tolist(), self.boxes.tolist())
        found = _record(zip(*columns, repeat(None, len(names)), strict=True), size)
        return {"detections": found, **_cut_short(self.truncated, self.candidates)}

    def arrays(self, signature: Signature) -> dict[str, Array]:
        """Clipped to the photo and sorted; the empty slots behind them are zeros."""
        count = next(spec.shape[1] for spec in signature.outputs if spec.name == "scores")
        empty = max(count - len(self), 0)
        return {
            "boxes": np.pad(self.boxes, ((0, empty), (0, 0)))[None],
            "scores": np.pad(self.scores, (0, empty))[None],
            "classes": np.pad(self.class_ids, (0, empty))[None],
            "candidates": np.array([self.candidates or 0], dtype=np.int64),
        }

    def difference(self, expected: Mapping[str, Array], *, threshold: float) -> Difference:
        """The worst of score and edge differences over objects that either side sees.

        Each object of at least `threshold` on one side is matched with the best box of its class
        on the other, whatever that one's score. Scores differ as they are, edges as a share of the
        longer side of everything expected; an object without a partner counts with its whole
        score.
        """
        theirs = Detections(
            boxes=expected["boxes"].astype(np.float32),
            scores=expected["scores"].astype(np.float32),
            class_ids=expected["classes"].astype(np.int64),
            candidates=len(expected["scores"]),
            truncated=False,
        )
        extent = float(expected["size"].max())
        ways = (
            _one_way(theirs, self, threshold, extent),
            _one_way(self, theirs, threshold, extent),
        )
        return Difference(
            expected=int((theirs.scores >= threshold).sum()),
            found=int((self.scores >= threshold).sum()),
            worst=largest(ways),
        )


@dataclass(frozen=True, kw_only=True)
class StoredDetections(_Objects):
    """The objects of one photo as a run has kept them, surest first. A `TaskOutcome`.

    One by one and not in columns: exports walk through them, over a hundred thousand photos.

    Attributes:
        found: with their names.
        candidates, truncated: see `Detections`.
    """

    found: tuple[Detection, ...]
    candidates: int | None
    truncated: bool

    def above(self, threshold: float) -> Self:
        """Only the objects whose score is at least `threshold`."""
        return replace(self, found=tuple(one for one in self.found if one.score >= threshold))

    def objects(self, labels: tuple[str, ...]) -> tuple[Detection, ...]:
        """All of them."""
        return self.found

    def fields(
        self, labels: tuple[str, ...], size: tuple[int, int], *, with_map: bool
    ) -> dict[str, Any]:
        """As those of `Detections`."""
        found = [(one.label, one.class_id, one.score, one.box, one.mask) for one in self.found]
        return {
            "detections": _record(found, size),
            **_cut_short(self.truncated, self.candidates),
        }

    def arrays(self, signature: Signature) -> dict[str, Array]:
        """As those of `Detections`."""
        return self._columns().arrays(signature)

    def difference(self, expected: Mapping[str, Array], *, threshold: float) -> Difference:
        """As that of `Detections`."""
        return self._columns().difference(expected, threshold=threshold)

    def _columns(self) -> Detections:
        return Detections(
            boxes=np.array([one.box for one in self.found], np.float32).reshape(-1, 4),
            scores=np.array([one.score for one in self.found], np.float32),
            class_ids=np.array([one.class_id for one in self.found], np.int64),
            candidates=self.candidates,
            truncated=self.truncated,
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


class DetectSurvey:
    """See `SurveyTask`."""

    def tile(self, outcome: TaskOutcome, grid: TileGrid, tile: Tile) -> TileObjects:
        """The objects, cut to the tile."""
        assert isinstance(outcome, Detections), "an answer of the same task"
        return TileObjects(
            boxes=tile_boxes(grid, tile, outcome.boxes, outcome.scores, outcome.class_ids),
            candidates=outcome.candidates or 0,
            truncated=outcome.truncated,
        )

    def merged(self, found: TileBoxes, *, candidates: int, truncated: bool) -> TaskOutcome:
        """The objects, of whatever tile."""
        return Detections(
            boxes=found.boxes,
            scores=found.scores,
            class_ids=found.class_ids,
            candidates=candidates,
            truncated=truncated,
        )

    def rows(self, outcome: TaskOutcome) -> Iterator[FoundRow]:
        """One an object."""
        for one in outcome.objects(()):
            yield one.class_id, one.score, *one.box, one.mask, int(one.review), int(one.counted)

    def stored(
        self,
        rows: Iterable[FoundRow],
        labels: tuple[str, ...],
        *,
        candidates: int | None,
        truncated: bool,
    ) -> TaskOutcome:
        """The objects with their names."""
        found = tuple(
            Detection(
                label=label_of(labels, class_id),
                class_id=class_id,
                score=score,
                box=(x1, y1, x2, y2),
                mask=mask,
                review=bool(review),
                counted=bool(counted),
            )
            for class_id, score, x1, y1, x2, y2, mask, review, counted in rows
        )
        return StoredDetections(found=found, candidates=candidates, truncated=truncated)


class DetectTask(PhotoTask):
    """See `Task`."""

    name = "detect"
    columns: tuple[str, ...] = ("label", "class_id", "score", "x1", "y1", "x2", "y2")
    takes_threshold = True
    survey: SurveyTask | None = DetectSurvey()

    def __init__(self, manifest: Manifest) -> None:
        assert manifest.graph is not None, "its row asks for [graph]"
        self._candidate_limit = manifest.graph.candidates

    def outcome(
        self, row: Mapping[str, Array], photo: Fitted | None, limit_bytes: int
    ) -> TaskOutcome:
        """The objects in the slots."""
        assert photo is not None, "a pack that detects takes photos"
        slots = Slots(
            boxes=row["boxes"],
            scores=row["scores"],
            class_ids=row["classes"],
            candidates=int(row["candidates"]),
        )
        limit = self._candidate_limit
        return from_slots(slots, width=photo.width, height=photo.height, candidate_limit=limit)


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


_Column = tuple[str, int, float, Sequence[float], str | None]
"""Of one object: label, class_id, score, box, mask."""


def _record(found: Iterable[_Column], size: tuple[int, int]) -> list[dict[str, Any]]:
    """The objects as the canonical record has them; `size` is the photo's width and height."""
    record: list[dict[str, Any]] = []
    for label, class_id, score, (x1, y1, x2, y2), mask in found:
        box = [round(x1, 2), round(y1, 2), round(x2, 2), round(y2, 2)]
        one = {"label": label, "class_id": class_id, "score": round(score, 4), "box": box}
        if mask is not None:
            one["mask"] = {"size": [size[1], size[0]], "counts": mask}
            one["area"] = area(mask)
        record.append(one)
    return record


def _cut_short(truncated: bool, candidates: int | None) -> dict[str, Any]:
    if not truncated:
        return {}
    return (
        {"truncated": True} if candidates is None else {"truncated": True, "candidates": candidates}
    )


def _one_way(seen: Detections, other: Detections, threshold: float, extent: float) -> float:
    differences = [0.0]
    sure = seen.above(threshold)
    overlaps = iou(sure.boxes, other.boxes)
    for i, (box, score, class_id) in enumerate(
        zip(sure.boxes, sure.scores, sure.class_ids, strict=True)
    ):
        shared = np.where(other.class_ids == class_id, overlaps[i], 0)
        best = int(shared.argmax()) if shared.size else -1
        if best < 0 or shared[best] < _SAME_OBJECT_IOU:
            differences.append(float(score))
            continue
        differences.append(float(np.abs(box - other.boxes[best]).max()) / extent)
        differences.append(abs(float(score - other.scores[best])))
    return largest(differences)
