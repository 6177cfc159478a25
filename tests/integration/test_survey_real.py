"""Surveys over everything real there is: hostile files, cars in tiles, GeoTIFFs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio  # type: ignore[import-untyped]
from affine import Affine
from numpy.typing import NDArray
from tests.integration.survey_material import (
    Recorder,
    photos,
    rows,
    save,
    scene,
    spots_pack,
    survey,
)
from tests.unit.pack.conftest import built, request

from haversack.engine.tiles import cut
from haversack.errors import PhotoError
from haversack.geo.windows import open_large
from haversack.pack.labels import read_labels
from haversack.packfile.archive import PackFiles, open_pack
from haversack.survey.flow.grid import GridTable
from haversack.survey.flow.open_photo import OpenPhoto
from haversack.survey.flow.photo_job import PhotoJob
from haversack.survey.flow.windows import WindowedPhoto, open_windowed


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> PackFiles:
    return spots_pack(tmp_path_factory.mktemp("pack"))


@pytest.fixture(scope="module")
def yolox(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> PackFiles:
    detect = shared_data / "models" / "detect"
    asked = request(
        detect / "yolox_nano.onnx",
        preset="yolox",
        labels=read_labels(detect / "coco80.names"),
        samples=(shared_data / "images" / "everyday" / "darknet_dog.jpg",),
    )
    return open_pack(built(asked, tmp_path_factory.mktemp("packs")).path)


def test_every_nasty_file_is_accounted_for(
    pack: PackFiles, shared_data: Path, tmp_path: Path
) -> None:
    nasty = shared_data / "images" / "nasty"
    summary = survey(tmp_path / "run", pack, nasty, threads=2)
    files = {p.relative_to(nasty).as_posix() for p in nasty.rglob("*") if p.is_file()}
    told = dict(photos(tmp_path / "run"))
    assert files - set(told) == {"EXPECTED.json"}
    assert set(told.values()) <= {"done", "partial", "failed"}
    assert summary.has_failures
    assert sum(summary.photos.values()) == len(told) > 60
    reasons = photos(tmp_path / "run", "status, error_code, error")
    assert all(code and error for status, code, error in reasons if status != "done")
    assert not any(code or error for status, code, error in reasons if status == "done")


def test_orientations_lead_to_the_same_objects(
    pack: PackFiles, shared_data: Path, tmp_path: Path
) -> None:
    survey(tmp_path / "run", pack, shared_data / "images" / "nasty" / "exif_orientation")
    assert len(set(photos(tmp_path / "run", "width, height"))) == 1


def test_tiles_find_the_cars_that_a_whole_photo_hides(
    yolox: PackFiles, shared_data: Path, tmp_path: Path
) -> None:
    photo = shared_data / "images" / "aerial" / "sahi_small-vehicles1.jpeg"
    counts = {}
    for tile, overlap in ((256, 51), (4000, 0)):
        out = tmp_path / str(tile)
        survey(out, yolox, photo, tile=tile, overlap=overlap, threads=2)
        labels = [yolox.manifest.labels[row[2]] for row in rows(out, "found")]
        counts[tile] = sum(label in ("car", "truck", "bus") for label in labels)
    assert 27 <= counts[256] <= 33
    assert counts[4000] == 6


def test_position_and_time_of_drone_photos_are_kept(
    pack: PackFiles, shared_data: Path, tmp_path: Path
) -> None:
    photo = shared_data / "images" / "aerial" / "brighton_beach" / "DJI_0022.JPG"
    survey(tmp_path / "run", pack, photo, tile=2000)
    lon, lat, taken_at, camera = photos(tmp_path / "run", "lon, lat, taken_at, camera")[0]
    assert -180 < lon < 180
    assert -90 < lat < 90
    assert taken_at[:2] == "20"
    assert camera.startswith("{")


def write_geotiff(path: Path, pixels: NDArray[Any], **options: Any) -> Path:
    """A mosaic in UTM zone 35 south, 10 cm a pixel."""
    path.parent.mkdir(exist_ok=True)
    height, width, count = pixels.shape
    told = {"width": width, "height": height, "count": count, "dtype": pixels.dtype.name}
    told |= {"crs": "EPSG:32735", "transform": Affine(0.1, 0, 400_000, 0, -0.1, 8_000_000)}
    with rasterio.open(path, "w", driver="GTiff", **told, **options) as target:
        target.write(pixels.transpose(2, 0, 1))
    return path


@pytest.mark.parametrize("options", [{"blockysize": 16}, {"tiled": True, "blockxsize": 64}])
def test_windows_give_the_pixels_of_the_whole(tmp_path: Path, options: dict[str, Any]) -> None:
    if "tiled" in options:
        options = {**options, "blockysize": 64}
    pixels = scene(3, width=700, height=450)
    path = write_geotiff(tmp_path / "mosaic.tif", pixels, photometric="RGB", **options)
    grid = GridTable(tile=128, overlap=24, overview=False)
    tiff = open_large(path, from_bytes=0)
    assert tiff is not None
    with tiff:
        reader = WindowedPhoto(tiff, grid, piece_bytes=3 * 128 * 256)
        job = PhotoJob(OpenPhoto(id=1, path="", name="", size_bytes=0, mtime_ns=0), reader)
        seen = np.zeros((450, 700), np.uint8)
        pieces = 0
        while reader.has_more:
            piece = reader.read(job)
            pieces += 1
            for tile in piece.tiles:
                part = cut(piece.pixels, tile.moved(-piece.left, -piece.top))
                assert (part == cut(pixels, tile)).all()
                cut(seen[..., None], tile)[:] += 1
    assert seen.all()
    # Whole rows of a file in strips; of a tiled one two tiles at once.
    assert pieces == (20 if "tiled" in options else 5)
    assert job.geotag.lon == pytest.approx(26.056, abs=0.01)
    assert job.geotag.lat == pytest.approx(-18.08, abs=0.01)


def test_a_mosaic_larger_than_the_memory_given_is_looked_at_whole(
    pack: PackFiles, tmp_path: Path
) -> None:
    pixels = np.full((8300, 8300, 3), 120, np.uint8)
    for geotag in (50, 4100, 8140):
        pixels[geotag : geotag + 150, geotag : geotag + 150] = 255
    path = write_geotiff(tmp_path / "in" / "mosaic.tif", pixels, compress="lzw", photometric="RGB")
    del pixels
    out = tmp_path / "run"
    summary = survey(out, pack, path, tile=512, overlap=32, memory_bytes=120 << 20, threads=2)
    assert summary.photos == {"done": 1}
    places = {(int(row[4]) // 1000, int(row[5]) // 1000) for row in rows(out, "found")}
    assert places == {(0, 0), (4, 4), (8, 8)}
    tiles, skipped, lon = photos(out, "tiles, tiles_skipped, lon")[0]
    assert tiles - skipped <= 12
    assert lon == pytest.approx(26.06, abs=0.01)


@pytest.mark.parametrize(("count", "dtype"), [(3, "uint16"), (5, "uint8")])
def test_bands_that_nobody_has_explained_are_refused(
    tmp_path: Path, count: int, dtype: str
) -> None:
    pixels = np.ones((40, 50, count), dtype)
    path = write_geotiff(tmp_path / "bands.tif", pixels, photometric="MINISBLACK")
    with pytest.raises(PhotoError) as caught:
        open_windowed(path, GridTable(tile=20, overlap=2, overview=False), from_bytes=0)
    assert caught.value.code == "image-mode-unsupported"


def test_a_photo_that_cannot_fit_is_refused_with_the_way_out(
    pack: PackFiles, tmp_path: Path
) -> None:
    shades = np.zeros((3000, 4000, 3), np.uint8)
    shades[::7] = 90
    save(tmp_path / "in" / "large.jpg", shades)
    save(tmp_path / "in" / "small.jpg", scene(1))
    screen = Recorder()
    summary = survey(tmp_path / "run", pack, tmp_path / "in", screen=screen, memory_bytes=20 << 20)
    assert summary.photos == {"done": 1, "failed": 1}
    assert any("photos in flight may take 20 MiB" in note for note in screen.notes)
