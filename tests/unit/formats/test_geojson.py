"""GeoJSON, checked by the rules of RFC 7946."""

from __future__ import annotations

import importlib
import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.formats import survey_runs as made

from haversack.formats import geojson
from haversack.formats.photos import Photos, SurveyRun
from haversack.formats.rings import polygon

rasterio = importlib.import_module("rasterio")


def faults(collection: Any) -> list[str]:
    """Breaches of RFC 7946, and of seven decimals."""
    found: list[str] = []
    if collection.get("type") != "FeatureCollection" or "crs" in collection:
        found.append("no plain FeatureCollection")
    ids = [feature.get("id") for feature in collection["features"]]
    if len(set(ids)) != len(ids):
        found.append("an id twice")
    for feature in collection["features"]:
        if feature["type"] != "Feature" or not {"geometry", "properties"} <= set(feature):
            found.append(f"{feature['id']}: no Feature")
        if set(feature) & {"coordinates", "geometries", "features", "crs"}:
            found.append(f"{feature['id']}: members of a geometry")
        if feature["geometry"] is not None:
            found += [f"{feature['id']}: {fault}" for fault in shape_faults(feature["geometry"])]
    return found


def shape_faults(shape: Any) -> list[str]:
    kind, places = shape["type"], shape["coordinates"]
    if kind == "Point":
        return _place_faults(places)
    polygons = {"Polygon": [places], "MultiPolygon": places}.get(kind)
    if polygons is None:
        return [f"a {kind}"]
    return [fault for rings in polygons for ring in rings for fault in _ring_faults(ring)]


def _ring_faults(ring: list[list[float]]) -> list[str]:
    found = [fault for place in ring for fault in _place_faults(place)]
    if len(ring) < 4 or ring[0] != ring[-1]:
        found.append("a ring that is not closed")
    if signed_area(ring) <= 0:
        found.append("a clockwise ring")
    lons = [place[0] for place in ring]
    if max(lons) - min(lons) > 180:
        found.append("a ring across the antimeridian")
    return found


def signed_area(ring: list[list[float]]) -> float:
    first = ring[0]
    moved = [(lon - first[0], lat - first[1]) for lon, lat in ring]
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in itertools.pairwise(moved)) / 2


def _place_faults(place: list[float]) -> list[str]:
    if len(place) != 2 or not (-180 <= place[0] <= 180 and -90 <= place[1] <= 90):
        return [f"{place} is no longitude and latitude"]
    return [f"{value!r} has too many decimals" for value in place if round(value, 7) != value]


def features(path: Path) -> dict[str, Any]:
    collection = json.loads(path.read_bytes())
    assert faults(collection) == []
    return {feature["id"]: feature for feature in collection["features"]}


def test_the_collection_keeps_every_rule(exported: Path) -> None:
    assert len(features(exported / "found.geojson")) == 11


def test_lines_are_the_same_features(exported: Path) -> None:
    lines = (exported / "found.geojsonl").read_bytes().splitlines()
    collection = json.loads((exported / "found.geojson").read_bytes())
    assert [json.loads(line) for line in lines] == collection["features"]


def test_the_rules_can_be_broken() -> None:
    ring = [[0, 0], [1, 0], [1, 1], [0, 0]]
    assert shape_faults({"type": "Polygon", "coordinates": [ring]}) == []
    assert shape_faults({"type": "Polygon", "coordinates": [ring[::-1]]}) == ["a clockwise ring"]
    assert shape_faults({"type": "Polygon", "coordinates": [ring[:-1]]}) != []
    assert shape_faults({"type": "Point", "coordinates": [0.12345678, 0]}) != []
    assert shape_faults({"type": "Point", "coordinates": [181, 0]}) != []


def test_objects_carry_what_the_field_asks_for(exported: Path) -> None:
    found = features(exported / "found.geojson")["1-1"]["properties"]
    assert (found["image"], found["class"], found["score"]) == ("a/one.jpg", "cow", 0.9)
    assert found["bbox_px"] == [10, 20, 50, 60]
    assert (found["gsd_m"], found["counted"], found["review"]) == (0.1, True, False)
    assert 3 < found["position_error_m"] < 4


def test_objects_lie_where_they_are_in_the_photo(exported: Path) -> None:
    of = features(exported / "found.geojson")
    west, south = of["1-1"]["geometry"]["coordinates"]
    east, north = 7.1, 46.2
    # 170 pixels left of the middle and 110 above it, 10 cm each.
    assert (east - west) * 77_000 == pytest.approx(17, rel=0.02)
    assert (south - north) * 111_170 == pytest.approx(11, rel=0.01)
    assert of["photo-1"]["geometry"]["type"] == "Polygon"


def test_a_photo_without_a_pose_keeps_its_objects_and_says_why(exported: Path) -> None:
    of = features(exported / "found.geojson")
    assert of["2-1"]["geometry"] is None
    assert of["2-1"]["properties"]["no_position"] == "no GPS position"
    assert of["photo-5"]["properties"]["status"] == "failed"


def test_a_photo_with_a_position_alone_is_a_point(tmp_path: Path) -> None:
    photo = made.at(made.photo(1, "a.jpg"), lon=7.0, lat=46.0, camera='{"lon":7.0,"lat":46.0}')
    path = geojson.write(made.run(), made.photos([photo]), tmp_path / "x")
    (one,) = features(path).values()
    assert one["geometry"] == {"type": "Point", "coordinates": [7.0, 46.0]}
    assert one["properties"]["no_footprint"] == "no height above the ground"


def test_a_geotiff_is_placed_by_its_own_coordinates(tmp_path: Path) -> None:
    place = rasterio.Affine(0.5, 0, 500_000, 0, -0.5, 5_500_000)
    size = {"width": 400, "height": 300, "count": 1, "dtype": "uint8"}
    with rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", crs="EPSG:32632", transform=place, **size
    ) as file:
        file.write(np.zeros((1, 300, 400), np.uint8))
    photo = made.photo(1, "a.tif", made.found((0, 0, 2, 2)))
    path = geojson.write(made.run(tmp_path), made.photos([photo]), tmp_path / "x")
    of = features(path)
    assert of["1-1"]["geometry"]["coordinates"] == pytest.approx([9.0, 49.6526], abs=1e-4)
    assert of["1-1"]["properties"]["position_error_m"] is None
    assert of["1-1"]["properties"]["gsd_m"] == pytest.approx(0.5, rel=1e-3)
    assert of["photo-1"]["geometry"]["type"] == "Polygon"


@pytest.mark.parametrize("kind", [geojson.write, geojson.write_lines])
def test_without_rasterio_the_rest_is_placed_and_the_geotiffs_are_named(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    kind: Callable[[SurveyRun, Photos, Path], Path],
) -> None:
    place = rasterio.Affine(0.5, 0, 500_000, 0, -0.5, 5_500_000)
    size = {"width": 4, "height": 3, "count": 1, "dtype": "uint8"}
    with rasterio.open(
        tmp_path / "a.tif", "w", driver="GTiff", crs="EPSG:32632", transform=place, **size
    ) as file:
        file.write(np.zeros((1, 3, 4), np.uint8))
    monkeypatch.setitem(sys.modules, "rasterio", None)
    point = made.at(made.photo(2, "b.jpg"), lon=7.0, lat=46.0, camera='{"lon":7.0,"lat":46.0}')
    photos = made.photos([made.photo(1, "a.tif", made.found((0, 0, 2, 2))), point])
    path = kind(made.run(tmp_path), photos, tmp_path / "x")
    assert "haversack[geo]" in caplog.text
    assert "a.tif" in caplog.text
    if kind is geojson.write_lines:
        of = {one["id"]: one for one in map(json.loads, path.read_text().splitlines())}
    else:
        of = features(path)
        note = json.loads(path.read_text())["haversack"]
        assert (note["unplaced"], note["unplaced_photos"][0]["photo"]) == (1, "a.tif")
    assert "rasterio" in of["1-1"]["properties"]["no_position"]
    assert of["photo-2"]["geometry"] == {"type": "Point", "coordinates": [7.0, 46.0]}


def test_a_tiff_that_is_gone_says_so(tmp_path: Path) -> None:
    photos = made.photos([made.photo(1, "gone.tif", made.found())])
    of = features(geojson.write(made.run(tmp_path), photos, tmp_path / "x"))
    assert "cannot be read again" in of["1-1"]["properties"]["no_position"]


@given(
    st.floats(-180, 180),
    st.floats(-80, 80),
    st.floats(0, 360),
    st.booleans(),
    st.floats(0.0001, 0.5),
)
def test_any_footprint_keeps_the_rules_and_its_area(
    lon: float, lat: float, turn: float, mirrored: bool, size: float
) -> None:
    angles = np.radians(turn + np.array([45, 135, 225, 315]))
    lons = (lon + size * np.cos(angles) + 180) % 360 - 180
    corners = list(zip(lons.tolist(), (lat + size * np.sin(angles)).tolist(), strict=True))
    shape = polygon(corners[::-1] if mirrored else corners)
    assert shape_faults(shape) == []
    whole = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
    covered = sum(signed_area(ring) for rings in whole for ring in rings)
    assert covered == pytest.approx(2 * size**2, rel=2e-3, abs=1e-9)


def test_a_footprint_across_the_antimeridian_is_two() -> None:
    shape = polygon([(179.99, 10.0), (-179.99, 10.0), (-179.99, 10.1), (179.99, 10.1)])
    assert shape["type"] == "MultiPolygon"
    assert sorted(max(p[0] for p in rings[0]) for rings in shape["coordinates"]) == [-179.99, 180]
