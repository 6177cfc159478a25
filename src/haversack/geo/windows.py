"""A part of a TIFF that is too large to decode, read by rasterio alone."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haversack.errors import Kind, PhotoError

Area = tuple[int, int, int, int]
_COLOURS = ("red", "green", "blue")


def read_window(path: Path, area: Area) -> NDArray[np.uint8]:
    """RGB uint8[h,w,3] of `area` (left, top, right, bottom in pixels, inside the photo).

    Raises:
        PhotoError: `image-mode-unsupported` for more than 8 bits, a palette, or bands that are
            not known as red, green and blue; `image-corrupt` for what rasterio cannot read, also
            where it is not installed.
    """
    try:
        rasterio = importlib.import_module("rasterio")
        windows = importlib.import_module("rasterio.windows")
        errors = importlib.import_module("rasterio.errors")
    except ImportError as fault:
        raise PhotoError("image-corrupt", f"a part of it needs haversack[geo]: {fault}") from fault
    left, top, right, bottom = area
    warnings.filterwarnings("ignore", category=errors.NotGeoreferencedWarning)
    try:
        with rasterio.open(path) as source:
            window = windows.Window(left, top, right - left, bottom - top)
            planes = source.read(_bands(source), window=window)
    except errors.RasterioError as fault:
        raise PhotoError("image-corrupt", f"a part of it cannot be read: {fault}") from fault
    chosen = planes if len(planes) == 3 else np.repeat(planes[:1], 3, axis=0)
    return np.ascontiguousarray(np.moveaxis(chosen, 0, 2))


def _bands(source: Any) -> list[int]:
    """Numbers of the bands that are red, green and blue, or of the only one."""
    kinds = [kind.name for kind in source.colorinterp]
    if set(source.dtypes) == {"uint8"} and "palette" not in kinds:
        if set(_COLOURS) <= set(kinds):
            return [kinds.index(colour) + 1 for colour in _COLOURS]
        seen = [place + 1 for place, kind in enumerate(kinds) if kind != "alpha"]
        if len(seen) in (1, 3):
            return seen
    raise PhotoError(
        "image-mode-unsupported",
        f"its bands are {', '.join(kinds)} of {source.dtypes[0]}; 8-bit gray and RGB are read",
        kind=Kind.UNSUPPORTED,
    )
