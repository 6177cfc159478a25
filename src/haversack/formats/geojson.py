"""GeoJSON: what was found as points, and photos as footprints, for GeoTIFFs and drone photos.

Source: RFC 7946: WGS84 longitude and latitude, no `crs`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from haversack.formats.jsonl import LEFT_OUT
from haversack.formats.megadetector import failure
from haversack.formats.names import label_names, utf8
from haversack.formats.photos import Photos, SurveyPhoto, SurveyRun
from haversack.formats.replace import replaced_file
from haversack.formats.rings import point, polygon
from haversack.formats.tally import LOOKED_AT, Tally
from haversack.geo.camera import Camera
from haversack.geo.geotiff import is_geotiff, place_geotiff
from haversack.geo.ground import NO_FIX, Fixes, PlacedPhoto, Unplaced, place_photo

Feature = dict[str, Any]


def write(run: SurveyRun, photos: Photos, path: Path) -> Path:
    """One FeatureCollection; gives `path`. `haversack` beside `features` says what is left out.

    Raises:
        HaversackError: `export-unwritable`; `extra-missing` where a photo is a GeoTIFF and rasterio
            is not installed.
    """
    tally = Tally()
    with replaced_file(path) as file:
        file.write(b'{"type":"FeatureCollection","features":[')
        separator = b"\n"
        for feature in _features(run, tally.watch(photos)):
            file.write(separator + msgspec.json.encode(feature))
            separator = b",\n"
        note = msgspec.json.encode({"haversack": tally.note(run, "geojson")})
        file.write(b"\n]," + note[1:] + b"\n")
    return path


def write_lines(run: SurveyRun, photos: Photos, path: Path) -> Path:
    """One feature a line, for runs too large to open as one collection; gives `path`.

    Raises:
        HaversackError: as `write`.
    """
    with replaced_file(path) as file:
        for feature in _features(run, photos()):
            file.write(msgspec.json.encode(feature) + b"\n")
    return path


def _features(run: SurveyRun, photos: Iterable[SurveyPhoto]) -> Iterator[Feature]:
    for photo in photos:
        if photo.status in LEFT_OUT:
            continue
        placed = _place(run, photo)
        yield _photo_feature(photo, placed)
        if photo.status in LOOKED_AT and photo.objects:
            yield from _object_features(run, photo, placed)


def _place(run: SurveyRun, photo: SurveyPhoto) -> PlacedPhoto | Unplaced:
    """By the file's own coordinates where it is a GeoTIFF, else by the camera's pose."""
    if photo.path.lower().endswith((".tif", ".tiff")):
        file = run.root / photo.path
        try:
            if is_geotiff(file):
                return place_geotiff(file)
        except OSError as fault:
            if not photo.camera:
                return Unplaced(reason=f"the file cannot be read again: {fault.strerror or fault}")
    camera = Camera.from_json(photo.camera)
    return place_photo(camera, width=photo.width, height=photo.height)


def _photo_feature(photo: SurveyPhoto, placed: PlacedPhoto | Unplaced) -> Feature:
    properties: dict[str, Any] = {
        "kind": "photo",
        "image": utf8(photo.path),
        "status": photo.status,
        "objects": len(photo.objects),
    }
    if photo.taken_at:
        properties["taken_at"] = photo.taken_at
    if photo.status != "done":
        properties["message"] = failure(photo)
    geometry, reason = _footprint(photo, placed)
    if reason:
        properties["no_footprint"] = reason
    return _feature(f"photo-{photo.id}", geometry, properties)


def _footprint(
    photo: SurveyPhoto, placed: PlacedPhoto | Unplaced
) -> tuple[dict[str, Any] | None, str]:
    """The ground that a photo shows, else where the camera was, else nothing; and why no ground."""
    reason = placed.reason if isinstance(placed, Unplaced) else NO_FIX
    if not isinstance(placed, Unplaced):
        w, h = photo.width, photo.height
        fixes = placed.locate(np.array([[0, 0], [0, h], [w, h], [w, 0]], np.float64))
        if np.isfinite(fixes.lon).all():
            return polygon(list(zip(fixes.lon.tolist(), fixes.lat.tolist(), strict=True))), ""
    if photo.lon is None or photo.lat is None:
        return None, reason
    return point(photo.lon, photo.lat), reason


def _object_features(
    run: SurveyRun, photo: SurveyPhoto, placed: PlacedPhoto | Unplaced
) -> Iterator[Feature]:
    boxes = np.array([found.box for found in photo.objects], np.float64)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    fixes = None if isinstance(placed, Unplaced) else placed.locate(middles)
    for number, found in enumerate(photo.objects):
        properties: dict[str, Any] = {
            "kind": "object",
            "image": utf8(photo.path),
            "class": label_names(run.labels, found.class_id),
            "class_id": found.class_id,
            "score": round(found.score, 4),
            "bbox_px": [round(edge, 2) for edge in found.box],
            "gsd_m": None,
            "position_error_m": None,
            "counted": found.counted,
            "review": found.review,
        }
        geometry = None
        if fixes is None or not math.isfinite(fixes.lon[number]):
            reason = placed.reason if isinstance(placed, Unplaced) else NO_FIX
            properties["no_position"] = reason
        else:
            geometry = point(float(fixes.lon[number]), float(fixes.lat[number]))
            properties |= _accuracy(fixes, number)
        yield _feature(f"{photo.id}-{number + 1}", geometry, properties)


def _accuracy(fixes: Fixes, number: int) -> dict[str, float | None]:
    gsd, error = float(fixes.gsd_m[number]), float(fixes.error_m[number])
    return {
        "gsd_m": round(gsd, 5) if math.isfinite(gsd) else None,
        "position_error_m": round(error, 2) if math.isfinite(error) else None,
    }


def _feature(name: str, geometry: dict[str, Any] | None, properties: dict[str, Any]) -> Feature:
    return {"type": "Feature", "id": name, "geometry": geometry, "properties": properties}
