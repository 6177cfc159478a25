"""Pixels of GeoTIFFs as degrees."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from haversack.errors import HaversackError
from haversack.geo.geotiff import MapPhoto, is_geotiff, place_geotiff
from haversack.geo.ground import Unplaced

rasterio = importlib.import_module("rasterio")


def write(path: Path, crs: str | None, *, west: float, north: float, step: float) -> Path:
    place = (
        {"crs": crs, "transform": rasterio.Affine(step, 0, west, 0, -step, north)} if crs else {}
    )
    size = {"width": 40, "height": 30, "count": 1, "dtype": "uint8"}
    with rasterio.open(path, "w", driver="GTiff", **size, **place) as file:
        file.write(np.zeros((1, 30, 40), np.uint8))
    return path


def test_degrees_are_the_transforms_own_in_wgs84(tmp_path: Path) -> None:
    placed = place_geotiff(write(tmp_path / "a.tif", "EPSG:4326", west=10, north=50, step=1e-5))
    assert isinstance(placed, MapPhoto)
    fixes = placed.locate(np.array([[0.0, 0.0], [40.0, 30.0]]))
    assert fixes.lon == pytest.approx([10, 10.0004])
    assert fixes.lat == pytest.approx([50, 49.9997])
    assert placed.centre() == pytest.approx((10.0002, 49.99985))
    assert np.isnan(fixes.error_m).all()


def test_metres_of_utm_become_degrees_and_pixels_their_size(tmp_path: Path) -> None:
    # The middle meridian of zone 32 is 9 degrees east; 5,500,000 m north is 49.65 degrees.
    file = write(tmp_path / "a.tif", "EPSG:32632", west=500_000, north=5_500_000, step=0.1)
    placed = place_geotiff(file)
    assert isinstance(placed, MapPhoto)
    fixes = placed.locate(np.array([[0.0, 0.0]]))
    assert (fixes.lon[0], fixes.lat[0]) == pytest.approx((9.0, 49.6526), abs=1e-4)
    assert fixes.gsd_m[0] == pytest.approx(0.1, rel=1e-3)


def test_a_building_sites_own_grid_has_no_place_on_the_map(tmp_path: Path) -> None:
    grid = 'LOCAL_CS["Site grid",UNIT["metre",1]]'
    placed = place_geotiff(write(tmp_path / "a.tif", grid, west=100, north=200, step=0.1))
    assert isinstance(placed, Unplaced)
    assert "cannot become degrees: Cannot find coordinate operations" in placed.reason


def test_no_points_give_no_fixes(tmp_path: Path) -> None:
    placed = place_geotiff(write(tmp_path / "a.tif", "EPSG:32632", west=5e5, north=5e6, step=1))
    assert isinstance(placed, MapPhoto)
    assert len(placed.locate(np.zeros((0, 2))).lon) == 0


def test_a_plain_tiff_and_other_files_have_no_coordinates(tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "plain.tif")
    (tmp_path / "text.tif").write_text("no TIFF at all")
    (tmp_path / "empty.tif").touch()
    for name in ("plain.tif", "text.tif", "empty.tif"):
        assert not is_geotiff(tmp_path / name)
        assert place_geotiff(tmp_path / name) == Unplaced(reason="no coordinates in the file")


def test_a_file_that_is_gone_says_so(tmp_path: Path) -> None:
    placed = place_geotiff(tmp_path / "gone.tif")
    assert isinstance(placed, Unplaced)
    assert "cannot be read" in placed.reason


def test_without_rasterio_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / "a.tif", "EPSG:4326", west=10, north=50, step=1e-5)
    monkeypatch.setitem(sys.modules, "rasterio", None)
    with pytest.raises(HaversackError, match=r"haversack\[geo\]") as caught:
        place_geotiff(file)
    assert caught.value.code == "extra-missing"


@pytest.mark.parametrize(
    ("name", "lon", "lat", "gsd"),
    [
        ("OSBS_029.tif", -81.98989, 29.69250, 0.1),
        ("2018_SJER_3_252000_4107000_image_477.tif", -119.78237, 37.07934, 0.1),
        ("5b90f92da0d7280005fab355_4310.tif", 120.98182, 14.59595, 0.0968),
    ],
)
def test_real_geotiffs_lie_where_their_surveys_were(
    shared_data: Path, name: str, lon: float, lat: float, gsd: float
) -> None:
    placed = place_geotiff(shared_data / "images" / "aerial" / "deepforest" / name)
    assert isinstance(placed, MapPhoto)
    assert placed.centre() == pytest.approx((lon, lat), abs=1e-4)
    assert placed.locate(np.array([[5.0, 5.0]])).gsd_m[0] == pytest.approx(gsd, rel=0.01)
