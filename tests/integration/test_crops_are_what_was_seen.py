"""What exports and the report cut out of a mosaic is what the model saw of it, pixel for pixel."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio  # type: ignore[import-untyped]
from affine import Affine
from numpy.typing import NDArray
from PIL import Image
from tests.unit.formats import survey_runs as made

from haversack.formats import crops
from haversack.formats.pixels import PixelReader
from haversack.survey.flow.grid import GridTable
from haversack.survey.flow.open_photo import OpenPhoto
from haversack.survey.flow.photo_job import PhotoJob
from haversack.survey.flow.windows import open_windowed

WIDTH, HEIGHT = 160, 120
GRID = GridTable(tile=64, overlap=8, overview=False)


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def save(path: Path, planes: NDArray[np.uint8], **options: Any) -> None:
    told = {"width": WIDTH, "height": HEIGHT, "count": len(planes), "dtype": "uint8"}
    told |= {"crs": "EPSG:32735", "transform": Affine(0.1, 0, 400_000, 0, -0.1, 8_000_000)}
    with rasterio.open(path, "w", driver="GTiff", **told, **options) as target:
        target.write(planes)


def write(kind: str, path: Path) -> None:
    planes = noise(4, HEIGHT, WIDTH)
    planes[3] = noise(HEIGHT, WIDTH) // 64 * 85  # 0, 85, 170 and 255
    match kind:
        case "colour":
            save(path, planes[:3], photometric="RGB")
        case "gray":
            save(path, planes[:1])
        case "gray with alpha":
            save(path, planes[2:], photometric="MINISBLACK", alpha="yes")
        case "tiled, with alpha":
            tiles = {"tiled": True, "blockxsize": 64, "blockysize": 64}
            save(path, planes, photometric="RGB", alpha="yes", **tiles)
        case "palette":
            Image.fromarray(noise(HEIGHT, WIDTH, 3)).quantize(64).save(path, "TIFF")
        case "turned":
            Image.fromarray(noise(HEIGHT, WIDTH, 3)).save(path, "TIFF", tiffinfo={274: 3})


def seen(path: Path) -> NDArray[np.uint8]:
    """Every pixel that a survey's tiles were cut from."""
    reader = open_windowed(path, GRID, from_bytes=0)
    assert reader is not None
    job = PhotoJob(OpenPhoto(id=1, path="", name="", size_bytes=0, mtime_ns=0), reader)
    whole = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    while reader.has_more:
        piece = reader.read(job)
        for tile in piece.tiles:
            left, top = tile.x - piece.left, tile.y - piece.top
            part = piece.pixels[top : top + tile.height, left : left + tile.width]
            whole[tile.y : tile.y + tile.height, tile.x : tile.x + tile.width] = part
    reader.close()
    return whole


@pytest.mark.parametrize("name", ["m.tif", "m.mosaic"])
@pytest.mark.parametrize(
    "kind", ["colour", "gray", "gray with alpha", "tiled, with alpha", "palette", "turned"]
)
def test_a_crop_is_the_pixels_that_the_model_saw(kind: str, name: str, tmp_path: Path) -> None:
    write(kind, tmp_path / name)
    expected = seen(tmp_path / name)
    photo = replace(made.photo(1, name, made.found()), width=WIDTH, height=HEIGHT)
    reader = PixelReader(run=made.run(tmp_path), windows_from_bytes=1)
    cut = reader.cutter(photo)
    assert cut is not None, reader.named
    for area in ((0, 0, WIDTH, HEIGHT), (31, 17, 90, 101), (159, 119, 160, 120)):
        left, top, right, bottom = area
        part = cut(area)
        assert part is not None, reader.named
        assert (part == expected[top:bottom, left:right]).all()
    whole = reader.read(photo)
    assert whole is not None
    assert (whole == expected).all(), "annotated photos too"
    assert reader.unreadable == 0


def test_a_mosaic_with_a_palette_is_cut_by_the_exports(tmp_path: Path) -> None:
    """It is large enough for windows by itself; such a mosaic had no crop at all."""
    size = (9000, 7500)
    image = Image.new("P", size, 1)
    image.putpalette([0, 0, 0, 30, 200, 90])
    image.save(tmp_path / "m.tif", compression="tiff_deflate")
    found = made.found((8000, 7000, 8040, 7050))
    photo = replace(made.photo(1, "m.tif", found), width=size[0], height=size[1])
    path = crops.write(made.run(tmp_path), made.photos([photo]), tmp_path / "out")
    with Image.open(path / "m.tif_001_cow.jpg") as crop:
        red, green, blue = crop.getpixel((5, 5))  # type: ignore[misc]
    assert abs(red - 30) + abs(green - 200) + abs(blue - 90) < 20
