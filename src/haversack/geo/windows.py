"""Huge TIFFs, read in windows: the one reading, of what a model sees and of what people are shown.

A mosaic of 40,000 x 40,000 pixels is 4.8 GB: it is never decoded whole where the extra `geo` is
installed.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haversack.engine.photo import read_header
from haversack.errors import Kind, PhotoError
from haversack.geo.late_rasterio import rasterio_with

WINDOWS_FROM_BYTES = 192 << 20
"""From this many bytes of pixels on: a fixed function of the photo, never of load or memory."""
CACHE_BYTES = 48 << 20
"""GDAL keeps what neighbouring windows share, so that no strip is decoded twice."""

Area = tuple[int, int, int, int]
_HEAD_BYTES = 64 << 10
_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_COLOURS = ("red", "green", "blue")


class LargePhoto:
    """An open TIFF that gives any part of itself. One thread at a time, not always the same.

    Its pixels lie as in the file, whatever its orientation says. Gray becomes three equal
    channels, a palette its colours; where the alpha is 0 a pixel is white.

    Attributes:
        path: of the file.
        width, height: in pixels.
        is_striped: whether the file holds whole rows: a part of a row costs as much as all of it.

    Raises:
        PhotoError: `image-mode-unsupported` for more than 8 bits or bands that are not known as
            red, green and blue.
    """

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset
        self._kinds = [kind.name for kind in dataset.colorinterp]
        self._bands = _bands(dataset, self._kinds)
        self.path = Path(dataset.name)
        self.width, self.height = int(dataset.width), int(dataset.height)
        self.is_striped = bool(dataset.block_shapes[0][1] >= dataset.width)

    def __enter__(self) -> LargePhoto:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._dataset.close()

    def read(self, area: Area) -> NDArray[np.uint8]:
        """RGB uint8[h,w,3] of `area` (left, top, right, bottom in pixels, inside the photo).

        At most three times the bytes that it gives are held meanwhile, beside `CACHE_BYTES`.

        Raises:
            PhotoError: `image-corrupt`.
        """
        rasterio = rasterio_with("errors", "windows")
        left, top, right, bottom = area
        window = rasterio.windows.Window(left, top, right - left, bottom - top)
        try:
            with rasterio.Env(GDAL_CACHEMAX=CACHE_BYTES):
                planes = self._dataset.read(self._bands, window=window)
                alpha = self._alpha(window)
        except rasterio.errors.RasterioError as fault:
            raise PhotoError(
                "image-corrupt",
                f"rows from {top} on cannot be read: {fault.__cause__ or fault}",
                hint="Copy the file again.",
            ) from fault
        if self._dataset.count == 1 and self._kinds[0] == "palette":
            return self._coloured(planes[0])
        pixels: NDArray[np.uint8] = np.empty((*planes.shape[1:], 3), np.uint8)
        for channel in range(3):
            pixels[..., channel] = planes[min(channel, len(planes) - 1)]
        if alpha is not None:
            pixels[alpha == 0] = 255
        return pixels

    def _alpha(self, window: Any) -> NDArray[np.uint8] | None:
        if "alpha" not in self._kinds:
            return None
        plane: NDArray[np.uint8] = self._dataset.read(self._kinds.index("alpha") + 1, window=window)
        return plane

    def _coloured(self, plane: NDArray[np.uint8]) -> NDArray[np.uint8]:
        table = self._dataset.colormap(1)
        colours = np.array([table.get(i, (0, 0, 0, 0))[:3] for i in range(256)], np.uint8)
        return np.asarray(colours[plane])


def open_large(path: Path, *, from_bytes: int = WINDOWS_FROM_BYTES) -> LargePhoto | None:
    """The photo, if it is a TIFF of at least `from_bytes` and rasterio is there; None otherwise.

    Raises:
        PhotoError: see `LargePhoto`. OSError: the file cannot be read.
    """
    if not _may_be_large(path, from_bytes):
        return None
    try:
        rasterio = rasterio_with("errors", "windows")
    except ImportError:
        return None
    # A plain TIFF is no fault here; rasterio would warn on standard error for each.
    warnings.filterwarnings("ignore", category=rasterio.errors.NotGeoreferencedWarning)
    try:
        dataset = rasterio.open(path)
    except rasterio.errors.RasterioError:
        return None  # our own reader says what is wrong
    if dataset.width * dataset.height * 3 < from_bytes:
        dataset.close()
        return None
    try:
        return LargePhoto(dataset)
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


def _bands(dataset: Any, kinds: list[str]) -> list[int]:
    """Numbers of the bands that are red, green and blue, or of the only one."""
    if set(dataset.dtypes) != {"uint8"}:
        raise PhotoError(
            "image-mode-unsupported",
            f"the TIFF holds {', '.join(sorted(set(dataset.dtypes)))}; 8-bit samples are read",
            hint="Convert it with the range your model was trained on, for example "
            "`gdal_translate -ot Byte -scale in.tif out.tif`.",
            kind=Kind.UNSUPPORTED,
        )
    if set(_COLOURS) <= set(kinds):
        return [kinds.index(colour) + 1 for colour in _COLOURS]
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
