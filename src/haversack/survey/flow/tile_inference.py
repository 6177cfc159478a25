"""Tiles -> what the pack sees in them, in pixels of the photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from haversack.engine.fitted import Fitted
from haversack.engine.merge import TileBoxes, concatenate
from haversack.engine.photo import DecodedPhoto
from haversack.engine.results import PackIdentity
from haversack.engine.tasks.table import survey_task
from haversack.engine.tasks.task import TaskOutcome, TileObjects
from haversack.engine.tiles import Tile, TileGrid

_SPARSE = 37
_QUARTERS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class TileView:
    """One tile to look at.

    Attributes:
        pixels: uint8[h,w,3], a view.
        tile: where it lies.
        grid: of its photo.
    """

    pixels: NDArray[np.uint8]
    tile: Tile
    grid: TileGrid


@dataclass(frozen=True, kw_only=True, eq=False)
class TileFinding:
    """What became of one tile.

    Attributes:
        boxes: of the tile, or of its quarters.
        candidates: in it, or in its quarters, that passed the pack's score floor.
        quartered: it had more candidates than the pack keeps and was run again in quarters.
        truncated: and a quarter had too many all the same, or it could not be cut.
        skipped: it is one colour throughout, and was not looked at.
    """

    boxes: TileBoxes = field(default_factory=lambda: concatenate([]))
    candidates: int = 0
    quartered: bool = False
    truncated: bool = False
    skipped: bool = False


class TileModel(Protocol):
    """A pack whose task a survey can merge. Promises: may be called from any thread."""

    @property
    def identity(self) -> PackIdentity:
        """Who looks."""
        ...

    def fit(self, image: DecodedPhoto) -> Fitted:
        """A photo in the network's frame."""
        ...

    def infer(self, photos: Sequence[Fitted]) -> Sequence[TaskOutcome]:
        """What the model says of each, in their order. Raises EngineError."""
        ...


def is_constant(pixels: NDArray[np.uint8]) -> bool:
    """Whether every pixel is the same: no data, or nothing to see. Exact, so no animal is missed.

    A few pixels decide nearly always; all are compared only where those agree.
    """
    first = pixels[0, 0]
    sparse = pixels[::_SPARSE, ::_SPARSE]
    return bool((sparse == first).all()) and bool((pixels == first).all())


def infer_tiles(
    model: TileModel, views: Sequence[TileView], *, fill_to: int = 1
) -> list[TileFinding]:
    """What the pack sees in each tile, in their order.

    A tile of one colour is skipped; one with more candidates than the pack keeps is run again as
    four quarters.

    Args:
        fill_to: on a GPU the batch is filled up with copies of the last tile, so that every call
            has one shape, and one set of kernels.

    Raises:
        EngineError: the graph failed.
    """
    seen = [view for view in views if not is_constant(view.pixels)]
    found = dict(zip(map(id, seen), _infer(model, seen, fill_to), strict=True)) if seen else {}
    full = [view for view in seen if found[id(view)].truncated and _can_be_cut(view)]
    quartered = dict(zip(map(id, full), _quartered(model, full, fill_to), strict=True))
    findings: list[TileFinding] = []
    for view in views:
        one = found.get(id(view))
        if one is None:
            findings.append(TileFinding(skipped=True))
        else:
            whole = TileFinding(boxes=one.boxes, candidates=one.candidates, truncated=one.truncated)
            findings.append(quartered.get(id(view), whole))
    return findings


def _can_be_cut(view: TileView) -> bool:
    """A tile of the grid can; the whole photo, a quarter, and what is one pixel wide cannot."""
    return view.tile.number < view.grid.count and min(view.tile.width, view.tile.height) >= 2


def _quartered(model: TileModel, views: Sequence[TileView], fill_to: int) -> list[TileFinding]:
    """Each tile as four; each is fitted to the network again, so it sees each object larger."""
    parts = [part for view in views for part in _quarters(view)]
    # In batches of the size that was measured, across tiles: one by one, each would be filled up
    # with copies, and a herd of 46 tiles took 184 batches of 64.
    found: list[TileObjects] = []
    for first in range(0, len(parts), fill_to):
        found += _infer(model, parts[first : first + fill_to], fill_to)
    findings = []
    for i in range(0, len(parts), _QUARTERS):
        four = found[i : i + _QUARTERS]
        findings.append(
            TileFinding(
                boxes=concatenate([one.boxes for one in four]),
                candidates=sum(one.candidates for one in four),
                quartered=True,
                truncated=any(one.truncated for one in four),
            )
        )
    return findings


def _quarters(view: TileView) -> list[TileView]:
    tile = view.tile
    return [
        TileView(
            pixels=view.pixels[
                part.y - tile.y : part.y - tile.y + part.height,
                part.x - tile.x : part.x - tile.x + part.width,
            ],
            tile=part,
            grid=view.grid,
        )
        for part in view.grid.quarters(tile)
    ]


def _infer(model: TileModel, views: Sequence[TileView], fill_to: int) -> list[TileObjects]:
    survey = survey_task(model.identity.task)
    fitted = [_fit(model, view) for view in views]
    fitted += fitted[-1:] * (fill_to - len(fitted))
    outcomes = model.infer(fitted)[: len(views)]
    return [
        survey.tile(outcome, view.grid, view.tile)
        for view, outcome in zip(views, outcomes, strict=True)
    ]


def _fit(model: TileModel, view: TileView) -> Fitted:
    """The tile in the network's frame, placed so that boxes come out in the photo's pixels."""
    height, width = view.pixels.shape[:2]
    fitted = model.fit(
        DecodedPhoto(pixels=view.pixels, width=width, height=height, shrink=1, format="tile")
    )
    scale_x, scale_y, left, top = fitted.placement.tolist()
    placement = np.array(
        [scale_x, scale_y, left - view.tile.x * scale_x, top - view.tile.y * scale_y],
        dtype=np.float32,
    )
    return Fitted(
        pixels=fitted.pixels, placement=placement, width=view.grid.width, height=view.grid.height
    )
