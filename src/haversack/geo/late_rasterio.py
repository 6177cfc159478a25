"""The only door to rasterio (GDAL, PROJ), the optional extra `geo`: 60 MB, loaded for a TIFF."""

from __future__ import annotations

import importlib
from typing import Any


def rasterio_with(*parts: str) -> Any:
    """The package, with these of its modules loaded.

    Raises:
        ImportError: it is not installed.
    """
    for part in parts:
        importlib.import_module(f"rasterio.{part}")
    return importlib.import_module("rasterio")
