"""A survey's run without a survey: photos and objects made up by rule."""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from haversack.engine.detections import Detection
from haversack.engine.results import GeoTag, PackIdentity, PhotoResult, Status, TileCounts
from haversack.engine.tasks.detect import StoredDetections
from haversack.errors import HaversackError
from haversack.formats.photos import Photos, Speed, SurveyRun

LABELS = ("cow", "dog")
CREATED = datetime.datetime(2026, 11, 20, 12, 0, tzinfo=datetime.UTC)
HOSTILE = "tr <b>/\"><script>alert(1)</script>&'\n.jpg"
CAMERA = (
    '{"lon":7.1,"lat":46.2,"height_m":40.0,"yaw_deg":0.0,"pitch_deg":-90.0,"roll_deg":0.0,'
    '"focal_px":400.0}'
)


def run(root: Path = Path("photos"), *, labels: tuple[str, ...] = LABELS) -> SurveyRun:
    return SurveyRun(
        name="spring",
        root=root,
        pack="blobs",
        version="1",
        digest="d" * 64,
        labels=labels,
        threshold=0.4,
        rule="seam",
        tile=320,
        overlap=64,
        created=CREATED,
        settings={"threads": "2", "batch": "1"},
        speed=Speed(seconds=90.0, decode_seconds=40, model_seconds=120, threads=2, batch=1),
    )


def found(
    box: tuple[float, float, float, float] = (10, 20, 50, 60),
    *,
    class_id: int = 0,
    score: float = 0.9,
    mask: str | None = None,
) -> Detection:
    label = LABELS[class_id] if class_id < len(LABELS) else str(class_id)
    return Detection(label=label, class_id=class_id, score=score, box=box, mask=mask)


def objects(*given: Detection) -> StoredDetections:
    """These objects, in their order."""
    return StoredDetections(found=given, candidates=None, truncated=False)


def photo(number: int, path: str, *given: Detection, status: Status = "done") -> PhotoResult:
    return PhotoResult(
        id=number,
        image=path,
        width=400,
        height=300,
        pack=PackIdentity(name="blobs", version="1", task="detect", labels=LABELS),
        status=status,
        outcome=objects(*sorted(given, key=lambda one: -one.score))
        if status in ("done", "partial")
        else None,
        timing={"decode_seconds": 0.01, "model_seconds": 0.25},
        tiles=TileCounts(total=4),
    )


def failed(number: int, path: str) -> PhotoResult:
    return replace(
        photo(number, path, status="failed"),
        width=0,
        height=0,
        error=HaversackError("image-truncated", "the JPEG's image data end early, <here>"),
    )


def at(photo: PhotoResult, lon: float, lat: float, camera: str = "") -> PhotoResult:
    """The photo, taken there."""
    return replace(photo, geotag=replace(photo.geotag, lon=lon, lat=lat, camera=camera))


def small_run() -> list[PhotoResult]:
    """Every status, a hostile name, two photos of one stem, a class without a name."""
    there = GeoTag(lon=7.1, lat=46.2, taken_at="2026-05-01T09:30:00", camera=CAMERA)
    first = photo(1, "a/one.jpg", found(), found((200, 100, 260, 180), class_id=1, score=0.55))
    partial = replace(
        photo(4, "b/half.jpg", found(score=0.7)),
        status="partial",
        error=HaversackError("image-truncated", "ends early"),
        valid_rows=150,
    )
    return [
        replace(first, geotag=there),
        photo(2, "a/one.png", found(class_id=7, score=1.0)),
        photo(3, "a/two.jpg"),
        partial,
        failed(5, "b/gone bad.jpg"),
        photo(6, "b/later.jpg", status="queued"),
        photo(7, "b/removed.jpg", status="vanished"),
        photo(8, HOSTILE, found((380, 280, 400, 300), score=0.41)),
    ]


def photos(listed: Iterable[PhotoResult]) -> Photos:
    kept = list(listed)
    return lambda: iter(kept)


def draw(root: Path, listed: Iterable[PhotoResult]) -> None:
    """Write each photo that was looked at: grey, with a bright patch for every object."""
    for one in listed:
        if one.status not in ("done", "partial"):
            continue
        pixels = np.full((one.height, one.width, 3), 90, np.uint8)
        for thing in one.detections:
            x1, y1, x2, y2 = (round(edge) for edge in thing.box)
            pixels[y1:y2, x1:x2] = (200, 180, 60)
        file = root / one.image
        file.parent.mkdir(parents=True, exist_ok=True)
        kind = "PNG" if one.image.endswith(".png") else "JPEG"
        Image.fromarray(pixels).save(file, kind, quality=95)


def large_run(count: int, each: int) -> Photos:
    """`count` photos in 40 transects with `each` objects in most, made anew at every pass."""

    def one(number: int) -> PhotoResult:
        if number % 50 == 49:
            return failed(number + 1, f"t{number % 40:02d}/{number:06d}.jpg")
        given = [
            found(
                (10.0 + 7 * k % 300, 20.0, 40.0 + 7 * k % 300, 50.0),
                class_id=k % 2,
                score=round(0.95 - 0.5 * k / max(1, each) - (number % 100) / 2000, 4),
            )
            for k in range(each if number % 3 else 0)
        ]
        angle = number / count * 20
        return at(
            photo(number + 1, f"t{number % 40:02d}/{number:06d}.jpg", *given),
            lon=7 + 0.01 * angle * math.cos(angle) / 20,
            lat=46 + 0.01 * angle * math.sin(angle) / 20,
        )

    return lambda: (one(number) for number in range(count))
