"""MegaDetector batch output, format 1.6, which Timelapse and AddaxAI read.

Source: lila.science/megadetector-output-format, as of 2026-05. A category's id is its class_id + 1
as text, as "0" stands for "empty" there.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import msgspec

from haversack.engine.detections import Detection
from haversack.engine.results import PhotoResult
from haversack.formats.jsonl import LEFT_OUT
from haversack.formats.names import label_names, utf8
from haversack.formats.photos import Photos, SurveyRun
from haversack.formats.replace import replaced_file
from haversack.formats.tally import LOOKED_AT, Tally

FORMAT_VERSION = "1.6"


def write(run: SurveyRun, photos: Photos, path: Path) -> Path:
    """Every photo that is done, partial or failed; gives `path`.

    A partial photo keeps its detections and says so in a field of its own, `partial`: `failure`
    would demand that it has none.

    Raises:
        HaversackError: `export-unwritable`.
    """
    tally = Tally()
    used: set[int] = set(range(len(run.labels)))
    with replaced_file(path) as file:
        separator = b'{"images":[\n'
        for photo in tally.watch(photos):
            if photo.status not in LEFT_OUT:
                used |= {found.class_id for found in photo.detections}
                file.write(separator + msgspec.json.encode(_image(photo)))
                separator = b",\n"
        if separator != b",\n":
            file.write(separator)
        names = {str(i + 1): label_names(run.labels, i) for i in sorted(used)}
        rest = {"detection_categories": names, "info": _info(run, tally)}
        file.write(b"]," + msgspec.json.encode(rest)[1:] + b"\n")
    return path


def _image(photo: PhotoResult) -> dict[str, Any]:
    fields: dict[str, Any] = {"file": utf8(photo.image)}
    if photo.width and photo.height:
        fields |= {"width": photo.width, "height": photo.height}
    if photo.geotag.taken_at:
        fields["datetime"] = photo.geotag.taken_at.replace("T", " ")
    if photo.status not in LOOKED_AT:
        return fields | {"detections": None, "failure": failure(photo)}
    if photo.status == "partial":
        fields["partial"] = failure(photo)
    return fields | {"detections": [_detection(photo, found) for found in photo.detections]}


def failure(photo: PhotoResult) -> str:
    """Why a photo failed or was read in part, never empty."""
    return (
        utf8(": ".join(part for part in (photo.error_code, photo.error_message) if part))
        or "unknown"
    )


def _detection(photo: PhotoResult, found: Detection) -> dict[str, Any]:
    x1, y1, x2, y2 = found.box
    across, down = max(1, photo.width), max(1, photo.height)
    # Six places are a hundredth of a pixel on 10,000; MegaDetector's own four would be one pixel.
    box = [x1 / across, y1 / down, (x2 - x1) / across, (y2 - y1) / down]
    return {
        "category": str(found.class_id + 1),
        "conf": float(round(found.score, 4)),
        "bbox": [round(min(1.0, max(0.0, side)), 6) for side in box],
    }


def _info(run: SurveyRun, tally: Tally) -> dict[str, Any]:
    ended = run.created + datetime.timedelta(seconds=run.speed.seconds)
    return {
        "format_version": FORMAT_VERSION,
        "detector": f"{run.pack}@{run.version}",
        "detection_completion_time": ended.strftime("%Y-%m-%d %H:%M:%S"),
        "detector_metadata": {
            "megadetector_version": "unknown",
            "typical_detection_threshold": run.threshold,
            "conservative_detection_threshold": run.threshold,
        },
        "haversack": tally.note(run, "megadetector"),
    }
