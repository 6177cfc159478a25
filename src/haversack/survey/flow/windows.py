"""Huge TIFFs in windows, through rasterio where the extra `geo` is installed.

A mosaic of 40,000 x 40,000 pixels is 4.8 GB: it is read in bands of tile rows, each strip of the
file once, and of a tiled file in parts of a band where a band is too wide.
"""

from __future__ import annotations

import importlib
import math
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haversack.engine.photo import read_header
from haversack.engine.tiles import Tile, TileGrid
from haversack.errors import Kind, PhotoError
from haversack.geo.geotiff import MapPhoto, place_geotiff
from haversack.survey.flow.grid import GridTable
from haversack.survey.flow.outcome import GeoTag
from haversack.survey.flow.photo_job import PhotoJob, Piece

# From this many bytes of pixels on: a fixed function of the photo, never of load or memory.
WINDOWS_FROM_BYTES = 192 << 20
PIECE_BYTES = 48 << 20
# GDAL keeps what neighbouring bands share, so that no strip is decoded twice.
_CACHE_BYTES = 48 << 20
# Two pieces, and the third copy while rows become pixels.
_COPIES = 3
_HEAD_BYTES = 64 << 10
_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


class WindowedPhoto:
    """A TIFF read piece by piece. See `photo_job.Reader` for what it promises.

    Raises:
        PhotoError: `image-mode-unsupported` for more than 8 bits or bands that are not known as
            red, green and blue; `image-corrupt`.
    """

    def __init__(self, dataset: Any, grid: GridTable, *, piece_bytes: int = PIECE_BYTES) -> None:
        self._dataset = dataset
        self._bands = _bands(dataset)
        self._table = grid
        self._grid = TileGrid(
            width=dataset.width, height=dataset.height, tile=grid.tile, overlap=grid.overlap
        )
        columns = len(self._grid.columns)
        step = _columns_at_once(dataset, self._grid, piece_bytes)
        self._pieces = [
            (row * columns + first, min(step, columns - first))
            for row in range(len(self._grid.rows))
            for first in range(0, columns, step)
        ]
        self._next = 0
        widest = max(_width(self._grid, *piece) for piece in self._pieces)
        self.cost_bytes = _COPIES * widest * min(grid.tile, dataset.height) * 3 + _CACHE_BYTES

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
            job.geotag = centre_of(Path(self._dataset.name))
        first, count = self._pieces[self._next]
        self._next += 1
        tiles = [self._grid.tile_at(first + i) for i in range(count)]
        left, top = tiles[0].x, tiles[0].y
        pixels = self._pixels(tiles)
        job.seconds_decode += time.thread_time() - started
        return Piece(job, pixels, left, top, job.real(tiles))

    def close(self) -> None:
        """Close the file."""
        self._dataset.close()

    def _pixels(self, tiles: list[Tile]) -> NDArray[np.uint8]:
        rasterio = _rasterio()
        left, top = tiles[0].x, tiles[0].y
        width = tiles[-1].x + tiles[-1].width - left
        window = rasterio.windows.Window(left, top, width, tiles[0].height)
        try:
            with rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES):
                planes = self._dataset.read(self._bands, window=window)
                alpha = _alpha(self._dataset, window)
        except rasterio.errors.RasterioError as fault:
            raise PhotoError(
                "image-corrupt",
                f"rows from {top} on cannot be read: {fault.__cause__ or fault}",
                hint="Copy the file again.",
            ) from fault
        if self._dataset.count == 1 and _is_palette(self._dataset):
            table = self._dataset.colormap(1)
            colours = np.array([table.get(i, (0, 0, 0, 0))[:3] for i in range(256)], np.uint8)
            return np.asarray(colours[planes[0]])
        pixels: NDArray[np.uint8] = np.empty((tiles[0].height, width, 3), np.uint8)
        for channel in range(3):
            pixels[..., channel] = planes[min(channel, len(planes) - 1)]
        if alpha is not None:
            pixels[alpha == 0] = 255
        return pixels


def open_windowed(
    path: Path, grid: GridTable, *, from_bytes: int = WINDOWS_FROM_BYTES
) -> WindowedPhoto | None:
    """The photo, if it is a TIFF of at least `from_bytes` and rasterio is there; None otherwise.

    Raises:
        PhotoError: see `WindowedPhoto`. OSError: the file cannot be read.
    """
    if not _may_be_large(path, from_bytes):
        return None
    rasterio = _rasterio()
    if rasterio is None:
        return None
    try:
        dataset = _open(rasterio, path)
    except rasterio.errors.RasterioError:
        return None  # our own reader says what is wrong
    if dataset.width * dataset.height * 3 < from_bytes:
        dataset.close()
        return None
    try:
        return WindowedPhoto(dataset, grid)
    except Exception:
        dataset.close()
        raise


def _may_be_large(path: Path, from_bytes: int) -> bool:
    """Told by our own reader where the directory is in front: rasterio takes 60 MB to load."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if head[:4] not in _MAGICS:
        return False
    try:
        header = read_header(head)
    except PhotoError:
        return True
    return header.width * header.height * 3 >= from_bytes


def centre_of(path: Path) -> GeoTag:
    """Where the centre of a GeoTIFF lies; an empty place where it does not say."""
    try:
        placed = place_geotiff(path)
        lon, lat = placed.centre() if isinstance(placed, MapPhoto) else (math.nan, math.nan)
    except Exception:  # whatever PROJ says of a strange system, the photo itself may be whole
        return GeoTag()
    known = math.isfinite(lon) and math.isfinite(lat)
    return GeoTag(lon=round(lon, 7), lat=round(lat, 7)) if known else GeoTag()


def _rasterio() -> Any:
    """The package, or None: an extra, and 60 MB that a survey of JPEGs never loads."""
    try:
        for part in ("errors", "windows"):
            importlib.import_module(f"rasterio.{part}")
        return importlib.import_module("rasterio")
    except ImportError:
        return None


def _open(rasterio: Any, path: Path) -> Any:
    # A plain TIFF is no fault here; rasterio would warn on standard error for each.
    warnings.filterwarnings("ignore", category=rasterio.errors.NotGeoreferencedWarning)
    return rasterio.open(path)


def _bands(dataset: Any) -> list[int]:
    """Numbers of the bands that are red, green and blue, or of the only one."""
    kinds = [kind.name for kind in dataset.colorinterp]
    if set(dataset.dtypes) != {"uint8"}:
        raise PhotoError(
            "image-mode-unsupported",
            f"the TIFF holds {', '.join(sorted(set(dataset.dtypes)))}; 8-bit samples are read",
            hint="Convert it with the range your model was trained on, for example "
            "`gdal_translate -ot Byte -scale in.tif out.tif`.",
            kind=Kind.UNSUPPORTED,
        )
    if {"red", "green", "blue"} <= set(kinds):
        return [kinds.index(colour) + 1 for colour in ("red", "green", "blue")]
    seen = [i + 1 for i, kind in enumerate(kinds) if kind != "alpha"]
    if len(seen) in (1, 3):
        return seen
    raise PhotoError(
        "image-mode-unsupported",
        f"the TIFF has {len(seen)} bands ({', '.join(kinds)}), none known as red, green and blue",
        hint="Write the three your model was trained on: `gdal_translate -b 1 -b 2 -b 3 "
        "-colorinterp red,green,blue in.tif out.tif`.",
        kind=Kind.UNSUPPORTED,
    )


def _alpha(dataset: Any, window: Any) -> NDArray[np.uint8] | None:
    kinds = [kind.name for kind in dataset.colorinterp]
    if "alpha" not in kinds:
        return None
    plane: NDArray[np.uint8] = dataset.read(kinds.index("alpha") + 1, window=window)
    return plane


def _is_palette(dataset: Any) -> bool:
    return bool(dataset.colorinterp[0].name == "palette")


def _columns_at_once(dataset: Any, grid: TileGrid, piece_bytes: int) -> int:
    """All of a row where the file is in strips; of a tiled file as many tiles as fit a piece."""
    columns = len(grid.columns)
    if dataset.block_shapes[0][1] >= dataset.width:
        return columns
    fit = piece_bytes // (3 * grid.tile)
    return max(1, min(columns, fit // grid.tile))


def _width(grid: TileGrid, first: int, count: int) -> int:
    last = grid.tile_at(first + count - 1)
    return last.x + last.width - grid.tile_at(first).x
