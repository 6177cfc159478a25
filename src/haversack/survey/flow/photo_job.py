"""One photo on its way: what is known of it, and what its tiles have given so far."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from haversack.engine.merge import MergeOptions, Merger, TileBoxes, concatenate
from haversack.engine.results import GeoTag, PackIdentity, PhotoResult, TileCounts
from haversack.engine.tasks.table import survey_task
from haversack.engine.tiles import Tile, TileGrid
from haversack.errors import HaversackError, PhotoError
from haversack.survey.flow.grid import GridTable
from haversack.survey.flow.open_photo import OpenPhoto
from haversack.survey.flow.outcome import FinishedPhoto
from haversack.survey.flow.tile_inference import TileFinding

_Valid = tuple[int, int, int, int]


@dataclass(eq=False)
class Piece:
    """A part of a photo in memory, and how many of its tiles are still out.

    Attributes:
        job: of the photo.
        pixels: uint8[h,w,3].
        left, top: where its first pixel lies in the photo.
        tiles: to look at.
        open_tiles: not yet looked at; guarded by the job's lock.
    """

    job: PhotoJob
    pixels: NDArray[np.uint8]
    left: int
    top: int
    tiles: Sequence[Tile]
    open_tiles: int = field(init=False)

    def __post_init__(self) -> None:
        """Every tile is open at first."""
        self.open_tiles = len(self.tiles)


class Reader(Protocol):
    """A photo's pixels, in one piece or in several; one thread at a time, not always the same.

    `cost_bytes` is the most memory it takes, all pieces in use included.
    """

    cost_bytes: int

    @property
    def has_more(self) -> bool:
        """Whether `read` has another piece to give."""
        ...

    def read(self, job: PhotoJob) -> Piece:
        """The next piece; the first call also tells the job its size and place.

        Raises:
            HaversackError, OSError, MemoryError: it cannot be read.
        """
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


@dataclass(eq=False)
class PhotoJob:
    """A photo from listing to outcome. Threads report tiles to it in any order.

    Attributes:
        photo: as listed.
        reader: of its pixels.
        held_bytes: taken from the budget for it.
        grid: once its size is known.
        geotag: when and where it was taken.
        valid: left, top, right, bottom of what is real.
        valid_rows, fault: of a partial photo.
        broken: why it has no outcome but this failure.
        pieces_alive: in memory; like the next two, guarded by the pipeline.
        being_read: whether a thread is reading the next piece.
        ended: whether its outcome is out.
    """

    photo: OpenPhoto
    reader: Reader
    held_bytes: int = 0
    grid: TileGrid | None = None
    geotag: GeoTag = field(default_factory=GeoTag)
    valid: _Valid = (0, 0, 0, 0)
    valid_rows: int | None = None
    fault: PhotoError | None = None
    broken: HaversackError | None = None
    seconds_decode: float = 0.0
    pieces_alive: int = 0
    being_read: bool = False
    ended: bool = False
    _counts: TileCounts = field(default_factory=TileCounts)
    _seconds_model: float = 0.0
    _boxes: list[TileBoxes] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def lay_grid(self, width: int, height: int, table: GridTable) -> TileGrid:
        """The grid over a photo of that size."""
        self.grid = TileGrid(width=width, height=height, tile=table.tile, overlap=table.overlap)
        return self.grid

    def real(self, tiles: Sequence[Tile]) -> list[Tile]:
        """Tiles with any real pixel; all are counted, and the others as missing."""
        left, top, right, bottom = self.valid
        kept = [
            tile
            for tile in tiles
            if tile.x < right
            and tile.y < bottom
            and tile.x + tile.width > left
            and tile.y + tile.height > top
        ]
        with self._lock:
            self._counts = replace(
                self._counts,
                total=self._counts.total + len(tiles),
                missing=self._counts.missing + len(tiles) - len(kept),
            )
        return kept

    def report(self, piece: Piece, findings: Sequence[TileFinding], seconds: float) -> bool:
        """Tiles of a piece that were looked at. Returns whether the piece is done with.

        Args:
            seconds: CPU time they took.
        """
        with self._lock:
            self._boxes += [finding.boxes for finding in findings if len(finding.boxes)]
            self._counts = replace(
                self._counts,
                skipped=self._counts.skipped + sum(f.skipped for f in findings),
                quartered=self._counts.quartered + sum(f.quartered for f in findings),
                truncated=self._counts.truncated + sum(f.truncated for f in findings),
                candidates=(self._counts.candidates or 0) + sum(f.candidates for f in findings),
            )
            self._seconds_model += seconds
            piece.open_tiles -= len(findings)
            return piece.open_tiles == 0

    def finished(self, pack: PackIdentity, merge: MergeOptions) -> FinishedPhoto:
        """The photo, done or partial: its boxes in an order of their own, and merged."""
        grid, counts = self.grid, self._counts
        assert grid is not None, "a photo without a size has no result but a failure"
        raw = self._inside_valid(concatenate(self._boxes))
        raw = raw.take(np.lexsort((*raw.boxes.T[::-1], raw.class_ids, -raw.scores, raw.tiles)))
        merger = Merger(grid, merge)
        merger.feed(raw)
        result = PhotoResult(
            id=self.photo.id,
            image=self.photo.path,
            width=grid.width,
            height=grid.height,
            pack=pack,
            status="partial" if self.fault is not None else "done",
            outcome=survey_task(pack.task).merged(
                merger.finish(),
                candidates=counts.candidates or 0,
                truncated=counts.truncated > 0,
            ),
            error=self.fault,
            valid_rows=self.valid_rows,
            timing={"decode_seconds": self.seconds_decode, "model_seconds": self._seconds_model},
            tiles=counts,
            geotag=self.geotag,
        )
        return FinishedPhoto(result=result, raw=raw)

    def _inside_valid(self, raw: TileBoxes) -> TileBoxes:
        """Without boxes whose middle lies in the filling of a partial photo."""
        if self.fault is None:
            return raw
        left, top, right, bottom = self.valid
        middle = (raw.boxes[:, :2] + raw.boxes[:, 2:]) / 2
        inside = (middle >= (left, top)) & (middle < (right, bottom))
        return raw.take(np.logical_and.reduce(inside, axis=1))
