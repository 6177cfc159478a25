"""Parts of large TIFFs."""

from __future__ import annotations

import importlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from haversack.errors import PhotoError
from haversack.geo.windows import read_window

rasterio = importlib.import_module("rasterio")


def test_an_area_is_that_of_the_whole_photo(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.tif")
    assert (read_window(tmp_path / "a.tif", (10, 20, 50, 55)) == pixels[20:55, 10:50]).all()


def test_gray_becomes_three_equal_channels(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 80), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.tif")
    part = read_window(tmp_path / "a.tif", (0, 0, 80, 60))
    assert (part == pixels[:, :, None]).all()


def test_other_depths_and_broken_files_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((6, 8), np.uint16)).save(tmp_path / "deep.tif")
    (tmp_path / "broken.tif").write_bytes(b"II*\0rubbish")
    with pytest.raises(PhotoError, match="8-bit"):
        read_window(tmp_path / "deep.tif", (0, 0, 2, 2))
    with pytest.raises(PhotoError, match="cannot be read"):
        read_window(tmp_path / "broken.tif", (0, 0, 2, 2))
