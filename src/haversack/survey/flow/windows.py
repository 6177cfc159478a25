"""Huge TIFFs in bands of tile rows, so that each strip of the file is read once.

Of a tiled file a band that is too wide is read in parts.
"""

from __future__ import annotations

import math
import time
from pathlib import Path

from haversack.engine.results import GeoTag
from haversack.engine.tiles import TileGrid
from haversack.geo.geotiff import MapPhoto, place_geotiff
from haversack.geo.windows import CACHE_BYTES, WINDOWS_FROM_BYTES, LargePhoto, open_large
from haversack.survey.flow.grid import GridTable
from haversack.survey.flow.photo_job import PhotoJob, Piece

PIECE_BYTES = 48 << 20
# Two pieces, and the third copy while rows become pixels.
_COPIES = 3


class WindowedPhoto:
    """A TIFF read piece by piece. See `photo_job.Reader` for what it promises."""

    def __init__(
        self, tiff: LargePhoto, grid: GridTable, *, piece_bytes: int = PIECE_BYTES
    ) -> None:
        self._tiff = tiff
        self._grid = TileGrid(
            width=tiff.width, height=tiff.height, tile=grid.tile, overlap=grid.overlap
        )
        columns = len(self._grid.columns)
        step = _columns_at_once(tiff, self._grid, piece_bytes)
        self._pieces = [
            (row * columns + first, min(step, columns - first))
            for row in range(len(self._grid.rows))
            for first in range(0, columns, step)
        ]
        self._next = 0
        widest = max(_width(self._grid, *piece) for piece in self._pieces)
        self.cost_bytes = _COPIES * widest * min(grid.tile, tiff.height) * 3 + CACHE_BYTES

    @property
    def has_more(self) -> bool:
        """Until every band was read."""
        return self._next < len(self._pieces)

    def read(self, job: PhotoJob) -> Piece:
        """The next tiles of a row, with the pixels under them."""
        started = time.thread_time()
        if job.grid is None:
            job.grid = self._grid
            job.valid = (0, 0, self._grid.width, self._grid.height)
            job.geotag = centre_of(self._tiff.path)
        first, count = self._pieces[self._next]
        self._next += 1
        tiles = [self._grid.tile_at(first + i) for i in range(count)]
        left, top = tiles[0].x, tiles[0].y
        right, bottom = tiles[-1].x + tiles[-1].width, top + tiles[0].height
        pixels = self._tiff.read((left, top, right, bottom))
        job.seconds_decode += time.thread_time() - started
        return Piece(job, pixels, left, top, job.real(tiles))

    def close(self) -> None:
        """Close the file."""
        self._tiff.close()


def open_windowed(
    path: Path, grid: GridTable, *, from_bytes: int = WINDOWS_FROM_BYTES
) -> WindowedPhoto | None:
    """The photo, if it is read in windows; None otherwise. Errors as `geo.windows.open_large`."""
    tiff = open_large(path, from_bytes=from_bytes)
    if tiff is None:
        return None
    try:
        return WindowedPhoto(tiff, grid)
    except Exception:
        tiff.close()
        raise


def centre_of(path: Path) -> GeoTag:
    """Where the centre of a GeoTIFF lies; an empty place where it does not say."""
    try:
        placed = place_geotiff(path)
        lon, lat = placed.centre() if isinstance(placed, MapPhoto) else (math.nan, math.nan)
    except Exception:  # whatever PROJ says of a strange system, the photo itself may be whole
        return GeoTag()
    known = math.isfinite(lon) and math.isfinite(lat)
    return GeoTag(lon=round(lon, 7), lat=round(lat, 7)) if known else GeoTag()


def _columns_at_once(tiff: LargePhoto, grid: TileGrid, piece_bytes: int) -> int:
    """All of a row where the file is in strips; of a tiled file as many tiles as fit a piece."""
    columns = len(grid.columns)
    if tiff.is_striped:
        return columns
    fit = piece_bytes // (3 * grid.tile)
    return max(1, min(columns, fit // grid.tile))


def _width(grid: TileGrid, first: int, count: int) -> int:
    last = grid.tile_at(first + count - 1)
    return last.x + last.width - grid.tile_at(first).x
