"""GeoJSON: what was found as points, and photos as footprints, for GeoTIFFs and drone photos.

Source: RFC 7946: WGS84 longitude and latitude, no `crs`.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from haversack.engine.results import PhotoResult
from haversack.errors import HaversackError
from haversack.formats.jsonl import LEFT_OUT
from haversack.formats.megadetector import failure
from haversack.formats.names import label_names, utf8
from haversack.formats.photos import Photos, SurveyRun
from haversack.formats.replace import replaced_file
from haversack.formats.rings import point, polygon
from haversack.formats.tally import LOOKED_AT, Tally
from haversack.geo.camera import Camera
from haversack.geo.geotiff import is_geotiff, place_geotiff
from haversack.geo.ground import NO_FIX, Fixes, PlacedPhoto, Unplaced, place_photo

_log = logging.getLogger("haversack.formats")
_NAMED = 1000
Feature = dict[str, Any]


def write(run: SurveyRun, photos: Photos, path: Path) -> Path:
    """One FeatureCollection; gives `path`. `haversack` beside `features` says what is left out.

    Raises:
        HaversackError: `export-unwritable`.
    """
    tally, places = Tally(), _Places(run=run)
    with replaced_file(path) as file:
        file.write(b'{"type":"FeatureCollection","features":[')
        separator = b"\n"
        for feature in _features(places, tally.watch(photos)):
            file.write(separator + msgspec.json.encode(feature))
            separator = b",\n"
        note = msgspec.json.encode({"haversack": tally.note(run, "geojson") | places.note()})
        file.write(b"\n]," + note[1:] + b"\n")
    places.warn()
    return path


def write_lines(run: SurveyRun, photos: Photos, path: Path) -> Path:
    """One feature a line, for runs too large to open as one collection; gives `path`.

    Raises:
        HaversackError: as `write`.
    """
    places = _Places(run=run)
    with replaced_file(path) as file:
        for feature in _features(places, photos()):
            file.write(msgspec.json.encode(feature) + b"\n")
    places.warn()
    return path


@dataclass(kw_only=True)
class _Places:
    """Where photos lie; those that say it, and whose word cannot be read here, are remembered.

    They cost their positions, never the export.
    """

    run: SurveyRun
    unplaced: int = 0
    named: list[tuple[str, str]] = field(default_factory=list)

    def of(self, photo: PhotoResult) -> PlacedPhoto | Unplaced:
        """By the file's own coordinates where it is a GeoTIFF, else by the camera's pose."""
        if photo.image.lower().endswith((".tif", ".tiff")):
            file = self.run.root / photo.image
            try:
                if is_geotiff(file):
                    return place_geotiff(file)
            except HaversackError as fault:
                return self._lose(photo, f"{fault.message}. {fault.hint}")
            except OSError as fault:
                if not photo.geotag.camera:
                    reason = f"the file cannot be read again: {fault.strerror or fault}"
                    return self._lose(photo, reason)
        camera = Camera.from_json(photo.geotag.camera)
        return place_photo(camera, width=photo.width, height=photo.height)

    def note(self) -> dict[str, object]:
        """What could not be placed, for the export's note; nothing where all could."""
        if not self.unplaced:
            return {}
        names = [{"photo": utf8(path), "reason": utf8(reason)} for path, reason in self.named]
        return {"unplaced": self.unplaced, "unplaced_photos": names}

    def warn(self) -> None:
        """Log how many photos are missing on the map, and why the first is."""
        if self.named:
            path, reason = self.named[0]
            _log.warning(
                "%d photos could not be placed on the map; the first is %s: %s",
                self.unplaced,
                path,
                reason,
            )

    def _lose(self, photo: PhotoResult, reason: str) -> Unplaced:
        self.unplaced += 1
        if len(self.named) < _NAMED:
            self.named.append((photo.image, reason))
        return Unplaced(reason=reason)


def _features(places: _Places, photos: Iterable[PhotoResult]) -> Iterator[Feature]:
    for photo in photos:
        if photo.status in LEFT_OUT:
            continue
        placed = places.of(photo)
        yield _photo_feature(photo, placed)
        if photo.status in LOOKED_AT and photo.detections:
            yield from _object_features(places.run, photo, placed)


def _photo_feature(photo: PhotoResult, placed: PlacedPhoto | Unplaced) -> Feature:
    properties: dict[str, Any] = {
        "kind": "photo",
        "image": utf8(photo.image),
        "status": photo.status,
        "objects": len(photo.detections),
    }
    if photo.geotag.taken_at:
        properties["taken_at"] = photo.geotag.taken_at
    if photo.status != "done":
        properties["message"] = failure(photo)
    geometry, reason = _footprint(photo, placed)
    if reason:
        properties["no_footprint"] = reason
    return _feature(f"photo-{photo.id}", geometry, properties)


def _footprint(
    photo: PhotoResult, placed: PlacedPhoto | Unplaced
) -> tuple[dict[str, Any] | None, str]:
    """The ground that a photo shows, else where the camera was, else nothing; and why no ground."""
    reason = placed.reason if isinstance(placed, Unplaced) else NO_FIX
    if not isinstance(placed, Unplaced):
        w, h = photo.width, photo.height
        fixes = placed.locate(np.array([[0, 0], [0, h], [w, h], [w, 0]], np.float64))
        if np.isfinite(fixes.lon).all():
            return polygon(list(zip(fixes.lon.tolist(), fixes.lat.tolist(), strict=True))), ""
    if photo.geotag.lon is None or photo.geotag.lat is None:
        return None, reason
    return point(photo.geotag.lon, photo.geotag.lat), reason


def _object_features(
    run: SurveyRun, photo: PhotoResult, placed: PlacedPhoto | Unplaced
) -> Iterator[Feature]:
    boxes = np.array([found.box for found in photo.detections], np.float64)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    fixes = None if isinstance(placed, Unplaced) else placed.locate(middles)
    for number, found in enumerate(photo.detections):
        properties: dict[str, Any] = {
            "kind": "object",
            "image": utf8(photo.image),
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
