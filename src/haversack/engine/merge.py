"""Per tile -> per photo: boxes of one object that several tiles saw become one box.

A detector sees an object at a seam twice, whole or cut. NMS by IoU keeps a fragment beside the
whole; overlap over the smaller area alone eats the calf on its mother. The seam rule uses what
only a survey knows: a fragment touches an edge of its tile, and no tile shows one object twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from haversack.engine.boxes import Boxes, area
from haversack.engine.tiles import Tile, TileGrid

Rule = Literal["seam", "nms", "none"]
RULES: tuple[Rule, ...] = ("seam", "nms", "none")
CUT_PX = 3
"""A box whose edge is so near an interior edge of its tile may go on in the next."""
MATCH = 0.5
"""Two boxes are one object above this share: of the smaller where either is cut, else IoU."""

_CELL_LEAST_PX = 16.0
_CELLS_MOST = 64  # along one side of the largest box
_PAIRS_AT_ONCE = 1 << 20
_Ids = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, eq=False)
class TileBoxes:
    """Boxes with the tile that each was seen in, in columns.

    Attributes:
        boxes: float32[M,4], xyxy in pixels of the photo, inside their tiles.
        scores: float32[M].
        class_ids: int64[M].
        tiles: int64[M], numbers of `TileGrid`.
        cut: bool[M], see `is_cut`.
    """

    boxes: Boxes
    scores: NDArray[np.float32]
    class_ids: _Ids
    tiles: _Ids
    cut: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.scores)

    def take(self, which: NDArray[np.bool_] | _Ids) -> TileBoxes:
        """The rows that a mask or indices name, in their order."""
        return TileBoxes(
            boxes=self.boxes[which],
            scores=self.scores[which],
            class_ids=self.class_ids[which],
            tiles=self.tiles[which],
            cut=self.cut[which],
        )


@dataclass(frozen=True, kw_only=True)
class MergeOptions:
    """How boxes of several tiles become objects.

    Attributes:
        rule: "seam" as told above; "nms" keeps the surest of boxes over IoU 0.5, blind to tiles;
            "none" keeps every box.
        threshold: boxes of a lower score take no part.
        any_class: whether boxes of two classes may be one object.
    """

    rule: Rule = "seam"
    threshold: float = 0.0
    any_class: bool = False


class Merger:
    """The objects of one photo, from its tiles as they come.

    Promises: the result is the same for any order of tiles; two boxes of one tile never become
    one under "seam"; time and memory grow with the boxes, not with their pairs. One thread.

    Source: for the seam rule, docs/explanation/seams.md; for NMS, Felzenszwalb et al.,
    "Object detection with discriminatively trained part-based models" (2010), section 5.
    """

    def __init__(self, grid: TileGrid, options: MergeOptions | None = None) -> None:
        self._grid = grid
        self._options = options or MergeOptions()
        self._fed: list[TileBoxes] = []

    def feed(self, found: TileBoxes) -> None:
        """Boxes of one tile, or of several."""
        self._fed.append(found.take(found.scores >= self._options.threshold))

    def finish(self) -> TileBoxes:
        """One row an object, surest first: its survivor's tile, score and class, and its box."""
        found = concatenate(self._fed)
        self._fed = []
        if self._options.rule == "seam":
            return by_score(_seam(found, self._grid, self._options))
        if self._options.rule == "nms":
            return by_score(_nms(found, self._options))
        return by_score(found)


def tile_boxes(
    grid: TileGrid, tile: Tile, boxes: Boxes, scores: NDArray[np.float32], class_ids: _Ids
) -> TileBoxes:
    """What was seen in one tile: cut to the tile, without boxes that lie outside, and marked.

    What hangs over an edge was guessed, not seen; cut back to the edge it is near it all the same.
    Of the overview only boxes longer than the overlap stay: the tiles see the others better.
    """
    limits = np.array(tile.xyxy, dtype=np.float32)
    inside = np.clip(boxes, limits[[0, 1, 0, 1]], limits[[2, 3, 2, 3]])
    sides = inside[:, 2:] - inside[:, :2]
    keep = (sides > 0).all(axis=1)
    if tile.number == grid.count:
        keep &= sides.max(axis=1, initial=0) > grid.overlap
    inside = inside[keep]
    return TileBoxes(
        boxes=inside,
        scores=scores[keep],
        class_ids=class_ids[keep],
        tiles=np.full(len(inside), tile.number, dtype=np.int64),
        cut=_distance(grid, tile, inside) <= CUT_PX,
    )


def concatenate(parts: list[TileBoxes]) -> TileBoxes:
    """All rows of all parts; empty columns where there are none."""
    return TileBoxes(
        boxes=np.concatenate([p.boxes for p in parts] or [np.zeros((0, 4), np.float32)]),
        scores=np.concatenate([p.scores for p in parts] or [np.zeros(0, np.float32)]),
        class_ids=np.concatenate([p.class_ids for p in parts] or [np.zeros(0, np.int64)]),
        tiles=np.concatenate([p.tiles for p in parts] or [np.zeros(0, np.int64)]),
        cut=np.concatenate([p.cut for p in parts] or [np.zeros(0, np.bool_)]),
    )


def by_score(found: TileBoxes) -> TileBoxes:
    """Surest first; equal scores by tile and place, so that the order says nothing of the feed."""
    return found.take(_ordered(found, -found.scores))


def _ordered(found: TileBoxes, *first: NDArray[np.float32] | NDArray[np.bool_]) -> _Ids:
    """Indices by the keys given, then score, tile, place and class: never by the order fed."""
    left, top, right, bottom = found.boxes.T
    ties = (found.class_ids, bottom, right, top, left, found.tiles, -found.scores)
    return np.lexsort((*ties, *reversed(first)))


def _distance(grid: TileGrid, tile: Tile, boxes: Boxes) -> NDArray[np.float32]:
    """Pixels from each box to the nearest interior edge of its tile; infinite without any."""
    left, top, right, bottom = tile.xyxy
    gaps = (boxes[:, 0] - left, boxes[:, 1] - top, right - boxes[:, 2], bottom - boxes[:, 3])
    nearest = np.full(len(boxes), np.inf, dtype=np.float32)
    for gap, interior in zip(gaps, grid.interior(tile), strict=True):
        if interior:
            nearest = np.minimum(nearest, gap)
    return nearest


def _depths(found: TileBoxes, grid: TileGrid) -> NDArray[np.float32]:
    depths = np.zeros(len(found), dtype=np.float32)
    for number in np.unique(found.tiles):
        tile = grid.tile_at(int(number))
        # The overview sees a large object whole but coarsely: a tile that has it whole goes first.
        if tile.number != grid.count:
            rows = found.tiles == number
            depths[rows] = _distance(grid, tile, found.boxes[rows])
    return depths


def _seam(found: TileBoxes, grid: TileGrid, options: MergeOptions) -> TileBoxes:
    order = _ordered(found, found.cut, -_depths(found, grid))
    found = found.take(order)
    edges = np.array([grid.tile_at(int(n)).xyxy for n in found.tiles], np.float32).reshape(-1, 4)
    partners: dict[int, list[tuple[float, int]]] = {}
    for one, other in _pairs(found.boxes):
        same = found.tiles[one] == found.tiles[other]
        if not options.any_class:
            same |= found.class_ids[one] != found.class_ids[other]
        one, other = one[~same], other[~same]
        either = found.cut[one] | found.cut[other]
        match = _shares(found.boxes[one], found.boxes[other], either) > MATCH
        one, other = one[match], other[match]
        likeness = _seen_alike(found.boxes[one], found.boxes[other], edges[one], edges[other])
        firsts, seconds = np.minimum(one, other), np.maximum(one, other)
        for first, second, alike in zip(
            firsts.tolist(), seconds.tolist(), likeness.tolist(), strict=True
        ):
            partners.setdefault(first, []).append((-alike, second))
    return _join(found, partners)


def _join(found: TileBoxes, partners: dict[int, list[tuple[float, int]]]) -> TileBoxes:
    """Walk the boxes in their order; each takes at most one free partner of each other tile."""
    tiles, is_cut = found.tiles.tolist(), found.cut.tolist()
    boxes = found.boxes.copy()
    taken = np.zeros(len(found), dtype=np.bool_)
    for first in sorted(partners):
        if taken[first]:
            continue
        met = {tiles[first]}
        for _, second in sorted(partners[first]):
            if taken[second] or tiles[second] in met:
                continue
            met.add(tiles[second])
            taken[second] = True
            if is_cut[first] or is_cut[second]:
                boxes[first, :2] = np.minimum(boxes[first, :2], found.boxes[second, :2])
                boxes[first, 2:] = np.maximum(boxes[first, 2:], found.boxes[second, 2:])
    joined = TileBoxes(
        boxes=boxes,
        scores=found.scores,
        class_ids=found.class_ids,
        tiles=found.tiles,
        cut=found.cut,
    )
    return joined.take(~taken)


def _nms(found: TileBoxes, options: MergeOptions) -> TileBoxes:
    found = found.take(_ordered(found, -found.scores))
    rivals: dict[int, list[int]] = {}
    for one, other in _pairs(found.boxes):
        match = _shares(found.boxes[one], found.boxes[other], np.zeros(len(one), bool)) > MATCH
        if not options.any_class:
            match &= found.class_ids[one] == found.class_ids[other]
        firsts, seconds = np.minimum(one, other)[match], np.maximum(one, other)[match]
        for first, second in zip(firsts.tolist(), seconds.tolist(), strict=True):
            rivals.setdefault(first, []).append(second)
    alive = np.ones(len(found), dtype=np.bool_)
    for first in sorted(rivals):
        if alive[first]:
            alive[rivals[first]] = False
    return found.take(alive)


def _shares(one: Boxes, other: Boxes, of_smaller: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Row by row: intersection over the smaller area where told so, else over the union."""
    sides = np.minimum(one[:, 2:], other[:, 2:]) - np.maximum(one[:, :2], other[:, :2])
    shared = np.maximum(sides, 0).prod(axis=1)
    first, second = area(one), area(other)
    whole = np.where(of_smaller, np.minimum(first, second), first + second - shared)
    return np.asarray(np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0))


def _seen_alike(one: Boxes, other: Boxes, edges: Boxes, edges_other: Boxes) -> NDArray[np.float32]:
    """IoU inside what both tiles see: 1 for one object seen twice, wherever it is cut.

    Of several boxes in one tile that could be the same object, this tells which it is.
    """
    low = np.maximum(edges[:, :2], edges_other[:, :2])
    high = np.minimum(edges[:, 2:], edges_other[:, 2:])
    low, high = np.concatenate([low, low], axis=1), np.concatenate([high, high], axis=1)
    first, second = np.clip(one, low, high), np.clip(other, low, high)
    return _shares(first, second, np.zeros(len(one), dtype=np.bool_))


def _pairs(boxes: Boxes) -> Iterator[tuple[_Ids, _Ids]]:
    """Index pairs of boxes of which the larger holds the smaller's middle, each pair once.

    Boxes that share more than half of the smaller are among them: in both directions more than
    half of its side lies inside, and so does the middle. Middles are sorted into square cells of
    the median box, and each box asks the cells under it.
    """
    if len(boxes) < 2:
        return
    sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    cell = max(_CELL_LEAST_PX, float(np.median(sides)), float(sides.max()) / _CELLS_MOST)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    stride = int(boxes.max() // cell) + 2
    columns, rows = (middle // cell).astype(np.int64).T
    keys = rows * stride + columns
    order = np.argsort(keys, kind="stable")
    sorted_keys = keys[order]
    first, last = (boxes[:, :2] // cell).astype(np.int64), (boxes[:, 2:] // cell).astype(np.int64)
    areas = area(boxes)
    for block in _blocks((last - first + 1).prod(axis=1)):
        owner, asked = _cells_under(first[block], last[block], stride)
        low = np.searchsorted(sorted_keys, asked, side="left")
        high = np.searchsorted(sorted_keys, asked, side="right")
        for part in _blocks(high - low):
            lengths = (high - low)[part]
            larger = np.repeat(owner[part] + block.start, lengths)
            smaller = order[_ranges(low[part], lengths)]
            inside = (boxes[larger, :2] <= middle[smaller]) & (middle[smaller] <= boxes[larger, 2:])
            # Of two equal areas each may hold the other's middle: the earlier asks.
            asks = (areas[larger] > areas[smaller]) | (
                (areas[larger] == areas[smaller]) & (larger < smaller)
            )
            keep = inside.all(axis=1) & asks
            yield larger[keep], smaller[keep]


def _blocks(costs: _Ids) -> Iterator[slice]:
    """Consecutive slices whose costs add up to about a bound, so that arrays stay small."""
    ends = np.cumsum(costs)
    start = 0
    while start < len(costs):
        spent = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, spent + _PAIRS_AT_ONCE, side="right")))
        yield slice(start, stop)
        start = stop


def _cells_under(first: _Ids, last: _Ids, stride: int) -> tuple[_Ids, _Ids]:
    """(row of `first`, cell) for every cell from first to last, both inclusive: int64[M,2] each."""
    across, down = (last - first + 1).T
    owner = np.repeat(np.arange(len(first)), across * down)
    step = _ranges(np.zeros(len(first), np.int64), across * down)
    column = first[owner, 0] + step % across[owner]
    row = first[owner, 1] + step // across[owner]
    return owner, row * stride + column


def _ranges(starts: _Ids, lengths: _Ids) -> _Ids:
    """start, start + 1, ... for each start, laid end to end."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) - np.repeat(ends - lengths, lengths) + np.repeat(starts, lengths)
