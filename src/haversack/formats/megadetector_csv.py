"""A CSV in MegaDetector's manner for Timelapse: one row a photo and category."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from haversack.engine.results import PhotoResult
from haversack.engine.tasks.task import Cell
from haversack.formats.csv_lines import write_table
from haversack.formats.jsonl import LEFT_OUT
from haversack.formats.megadetector import failure
from haversack.formats.names import label_names, one_line
from haversack.formats.photos import Photos, SurveyRun
from haversack.formats.tally import LOOKED_AT

COLUMNS = ("RelativePath", "File", "category", "message", "max_confidence", "count")
EMPTY, ERROR = "empty", "error"


def write(run: SurveyRun, photos: Photos, path: Path) -> Path:
    """Rows of every photo that is done, partial or failed; gives `path`.

    A photo without objects has the category "empty", one that failed "error" with the reason as
    its message; a partial one has the reason beside its categories. `RelativePath` has
    backslashes: Timelapse runs on Windows and compares it with its own.

    Raises:
        HaversackError: `export-unwritable`.
    """
    return write_table(path, COLUMNS, (row for photo in photos() for row in _rows(run, photo)))


def _rows(run: SurveyRun, photo: PhotoResult) -> Iterator[list[Cell]]:
    if photo.status in LEFT_OUT:
        return
    folder, _, name = photo.image.rpartition("/")
    start: list[Cell] = [one_line(folder).replace("/", "\\"), one_line(name)]
    if photo.status not in LOOKED_AT:
        yield [*start, ERROR, one_line(failure(photo)), "", ""]
        return
    message = one_line(failure(photo)) if photo.status == "partial" else ""
    best: dict[int, float] = {}
    count: dict[int, int] = {}
    for found in photo.detections:
        best[found.class_id] = max(best.get(found.class_id, 0.0), found.score)
        count[found.class_id] = count.get(found.class_id, 0) + 1
    if not best:
        yield [*start, EMPTY, message, 0, 0]
    for i in sorted(best):
        yield [*start, label_names(run.labels, i), message, round(best[i], 4), count[i]]
