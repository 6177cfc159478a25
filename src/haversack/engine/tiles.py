"""The grid of tiles over one photo, in whole pixels; a tile is a view of the photo, no copy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from haversack.errors import EngineError

_QUARTERS = 4


@dataclass(frozen=True)
class Tile:
    """A rectangle of a photo, in pixels; `number` names it, see `TileGrid.tile_at`."""

    number: int
    x: int
    y: int
    width: int
    height: int

    @property
    def xyxy(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom."""
        return self.x, self.y, self.x + self.width, self.y + self.height

    def moved(self, x: int, y: int) -> Tile:
        """The same tile so many pixels to the right and down: its place in a part of the photo."""
        return Tile(self.number, self.x + x, self.y + y, self.width, self.height)


@dataclass(frozen=True, kw_only=True)
class TileGrid:
    """Tiles of one size, evenly spaced, that cover a photo and hang over nowhere.

    Along a side longer than a tile there are ceil((side - overlap) / (tile - overlap)) of them, so
    neighbours share at least `overlap` pixels; a shorter side has one tile of its own length.

    Numbers: 0 to count - 1 are the grid's tiles by rows; `count` is the whole photo, looked at
    once more in low resolution; count + 1 + 4 t + k is quarter k of tile t.

    Attributes:
        width, height: of the photo, 1 or more.
        tile: side of a tile, 1 or more.
        overlap: least pixels that neighbours share, from 0 to tile - 1.

    Raises:
        EngineError: `grid-unfit` where a number is outside its range.
    """

    width: int
    height: int
    tile: int
    overlap: int

    def __post_init__(self) -> None:
        """Refuse numbers that make no grid."""
        if min(self.width, self.height, self.tile) < 1 or not 0 <= self.overlap < self.tile:
            raise EngineError(
                "grid-unfit",
                f"tiles of {self.tile} px with an overlap of {self.overlap} px on a photo of "
                f"{self.width} x {self.height}: the tile must be 1 px or more, and the overlap "
                "less than the tile",
                hint="Give --tile and --overlap in pixels, for example --tile 800 --overlap 150.",
            )

    @cached_property
    def columns(self) -> tuple[int, ...]:
        """Left edges, rising."""
        return _starts(self.width, self.tile, self.overlap)

    @cached_property
    def rows(self) -> tuple[int, ...]:
        """Top edges, rising."""
        return _starts(self.height, self.tile, self.overlap)

    @property
    def count(self) -> int:
        """How many tiles the grid has."""
        return len(self.columns) * len(self.rows)

    @property
    def redundancy(self) -> float:
        """Pixels of all tiles over pixels of the photo; 1 where no two tiles share any."""
        across = len(self.columns) * min(self.tile, self.width)
        down = len(self.rows) * min(self.tile, self.height)
        return across * down / (self.width * self.height)

    @property
    def overview(self) -> Tile:
        """The whole photo as a tile of its own."""
        return Tile(self.count, 0, 0, self.width, self.height)

    def __iter__(self) -> Iterator[Tile]:
        """The grid's tiles by rows."""
        return (self.tile_at(number) for number in range(self.count))

    def tile_at(self, number: int) -> Tile:
        """The tile of that number, be it of the grid, the overview or a quarter.

        Raises:
            IndexError: no tile has it.
        """
        if number < 0 or number > self.count * (1 + _QUARTERS):
            raise IndexError(number)
        if number == self.count:
            return self.overview
        if number > self.count:
            parent, quarter = divmod(number - self.count - 1, _QUARTERS)
            return self.quarters(self.tile_at(parent))[quarter]
        row, column = divmod(number, len(self.columns))
        return Tile(
            number,
            self.columns[column],
            self.rows[row],
            min(self.tile, self.width),
            min(self.tile, self.height),
        )

    def quarters(self, tile: Tile) -> tuple[Tile, Tile, Tile, Tile]:
        """Four tiles that cover a tile of the grid and share `overlap` pixels, or half a side.

        By rows. A network that sees less at once has more of its slots for each object.
        """
        across, down = (min(self.overlap, side // 2) for side in (tile.width, tile.height))
        width, height = -(-(tile.width + across) // 2), -(-(tile.height + down) // 2)
        right, low = tile.x + tile.width - width, tile.y + tile.height - height
        first = self.count + 1 + _QUARTERS * tile.number
        return (
            Tile(first, tile.x, tile.y, width, height),
            Tile(first + 1, right, tile.y, width, height),
            Tile(first + 2, tile.x, low, width, height),
            Tile(first + 3, right, low, width, height),
        )

    def interior(self, tile: Tile) -> tuple[bool, bool, bool, bool]:
        """Which edges (left, top, right, bottom) lie inside the photo and so may cut an object."""
        left, top, right, bottom = tile.xyxy
        return left > 0, top > 0, right < self.width, bottom < self.height


def cut(pixels: NDArray[np.uint8], tile: Tile) -> NDArray[np.uint8]:
    """The tile as a view uint8[h,w,3] of the photo uint8[H,W,3]; nothing is copied."""
    left, top, right, bottom = tile.xyxy
    return pixels[top:bottom, left:right]


def _starts(side: int, tile: int, overlap: int) -> tuple[int, ...]:
    if side <= tile:
        return (0,)
    count = -(-(side - overlap) // (tile - overlap))
    return tuple(i * (side - tile) // (count - 1) for i in range(count))
