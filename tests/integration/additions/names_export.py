"""The photos' names, one a line: an export that no run of this version offers."""

from __future__ import annotations

from pathlib import Path

from haversack.formats.photos import Photos, SurveyRun
from haversack.formats.replace import replaced_file


def write(run: SurveyRun, photos: Photos, path: Path) -> Path:
    with replaced_file(path) as file:
        for photo in photos():
            file.write(f"{photo.image} {len(photo.detections)}\n".encode())
    return path
