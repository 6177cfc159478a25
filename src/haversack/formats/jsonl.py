"""JSON lines: the canonical record of every photo, one a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from haversack.engine.detections import label_of
from haversack.formats.names import utf8
from haversack.formats.photos import FoundObject, Photos, SurveyPhoto, SurveyRun
from haversack.formats.replace import replaced_file
from haversack.formats.rle import area
from haversack.formats.tally import LOOKED_AT

LEFT_OUT = frozenset({"queued", "vanished"})


def record(run: SurveyRun, photo: SurveyPhoto) -> dict[str, Any]:
    """One photo's record, the same that `predict --json` gives; ready for JSON.

    A `partial` photo has its `detections`, the `error` that says why, and `valid_rows`.
    """
    fields: dict[str, Any] = {
        "image": utf8(photo.path),
        "width": photo.width,
        "height": photo.height,
        "pack": run.pack,
        "version": run.version,
        "task": "detect",
        "status": photo.status,
    }
    if photo.error_code:
        fields["error"] = {"code": photo.error_code, "message": utf8(photo.error), "hint": ""}
    if photo.valid_rows:
        fields["valid_rows"] = photo.valid_rows
    if photo.status in LOOKED_AT:
        fields["detections"] = [_detection(run, photo, found) for found in photo.objects]
    if photo.tiles_truncated:
        fields["truncated"] = True
    fields["timing"] = {
        "decode_seconds": round(photo.seconds_decode, 6),
        "model_seconds": round(photo.seconds_model, 6),
    }
    return fields


def write(run: SurveyRun, photos: Photos, path: Path) -> Path:
    """One line a photo that is done, partial or failed; gives `path`.

    Raises:
        HaversackError: `export-unwritable`.
    """
    with replaced_file(path) as file:
        for photo in photos():
            if photo.status not in LEFT_OUT:
                file.write(msgspec.json.encode(record(run, photo)) + b"\n")
    return path


def _detection(run: SurveyRun, photo: SurveyPhoto, found: FoundObject) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "label": label_of(run.labels, found.class_id),
        "class_id": found.class_id,
        "score": round(found.score, 4),
        "box": [round(edge, 2) for edge in found.box],
    }
    if found.mask is not None:
        fields["mask"] = {"size": [photo.height, photo.width], "counts": found.mask}
        fields["area"] = area(found.mask)
    return fields
