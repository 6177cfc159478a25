"""Parts of large TIFFs, as a model sees them and as people are shown them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio  # type: ignore[import-untyped]
from affine import Affine
from numpy.typing import NDArray
from PIL import Image

from haversack.errors import PhotoError
from haversack.geo.windows import LargePhoto, open_large

ASKS = re.compile(r"^\s*(import|from) rasterio|import_module\(.*rasterio", re.M)
SOURCE = Path(__file__).parents[3] / "src" / "haversack"


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def opened(path: Path) -> LargePhoto:
    tiff = open_large(path, from_bytes=0)
    assert tiff is not None
    return tiff


def read(path: Path, area: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    with opened(path) as tiff:
        return tiff.read(area)


def save(path: Path, planes: NDArray[Any], **options: Any) -> Path:
    count, height, width = planes.shape
    told = {"width": width, "height": height, "count": count, "dtype": planes.dtype.name}
    # rasterio warns of a file without coordinates.
    told |= {"crs": "EPSG:32735", "transform": Affine(0.1, 0, 400_000, 0, -0.1, 8_000_000)}
    with rasterio.open(path, "w", driver="GTiff", **told, **options) as target:
        target.write(planes)
    return path


def test_an_area_is_that_of_the_whole_photo(tmp_path: Path) -> None:
    pixels = noise(60, 80, 3)
    Image.fromarray(pixels).save(tmp_path / "a.tif")
    assert (read(tmp_path / "a.tif", (10, 20, 50, 55)) == pixels[20:55, 10:50]).all()
    with opened(tmp_path / "a.tif") as tiff:
        assert (tiff.width, tiff.height, tiff.is_striped) == (80, 60, True)


def test_gray_becomes_three_equal_channels(tmp_path: Path) -> None:
    pixels = noise(60, 80)
    Image.fromarray(pixels).save(tmp_path / "a.tif")
    assert (read(tmp_path / "a.tif", (0, 0, 80, 60)) == pixels[:, :, None]).all()


def test_a_palette_becomes_its_colours(tmp_path: Path) -> None:
    image = Image.fromarray(noise(60, 80, 3)).quantize(64)
    image.save(tmp_path / "a.tif")
    expected = np.asarray(image.convert("RGB"))[5:9, 7:12]
    assert (read(tmp_path / "a.tif", (7, 5, 12, 9)) == expected).all()


def test_where_nothing_was_taken_a_pixel_is_white(tmp_path: Path) -> None:
    planes = noise(4, 60, 80)
    planes[3] = 255
    planes[3, 10:20] = 0
    path = save(tmp_path / "a.tif", planes, photometric="RGB", alpha="yes")
    part = read(path, (0, 0, 80, 60))
    assert (part[10:20] == 255).all()
    assert (part[20:] == planes[:3, 20:].transpose(1, 2, 0)).all()


@pytest.mark.parametrize(
    ("count", "dtype", "said"), [(1, "uint16", "8-bit"), (5, "uint8", "5 bands")]
)
def test_bands_that_nobody_has_explained_are_refused(
    tmp_path: Path, count: int, dtype: str, said: str
) -> None:
    planes = np.zeros((count, 6, 8), dtype)
    with pytest.raises(PhotoError, match=said) as caught:
        opened(save(tmp_path / "a.tif", planes, photometric="MINISBLACK"))
    assert caught.value.code == "image-mode-unsupported"


def test_rows_that_are_missing_are_named(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", noise(3, 400, 500), photometric="RGB", compress="lzw")
    path.write_bytes(path.read_bytes()[:-200_000])
    with pytest.raises(PhotoError, match=r"rows from 390 on cannot be read") as caught:
        read(path, (0, 390, 500, 400))
    assert caught.value.code == "image-corrupt"


def test_what_is_small_broken_or_no_tiff_is_left_to_our_own_reader(tmp_path: Path) -> None:
    Image.fromarray(noise(60, 80, 3)).save(tmp_path / "small.tif")
    assert open_large(tmp_path / "small.tif", from_bytes=60 * 80 * 3 + 1) is None
    Image.fromarray(noise(60, 80, 3)).save(tmp_path / "a.png")
    (tmp_path / "broken.tif").write_bytes(b"II*\0rubbish")
    for name in ("a.png", "broken.tif"):
        assert open_large(tmp_path / name, from_bytes=0) is None


def test_rasterio_has_one_door() -> None:
    asking = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if ASKS.search(path.read_text())
    }
    assert asking == {"geo/late_rasterio.py"}
