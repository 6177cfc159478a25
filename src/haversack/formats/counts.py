"""Counts as CSV: of each photo, or of each transect, by class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from haversack.engine.results import PhotoResult
from haversack.engine.tasks.task import Cell
from haversack.formats.csv_lines import write_table
from haversack.formats.jsonl import LEFT_OUT
from haversack.formats.names import label_names, one_line
from haversack.formats.photos import Photos, SurveyRun
from haversack.formats.tally import LOOKED_AT

PHOTO_COLUMNS = ("photo", "transect", "status", "label", "count", "taken_at", "lon", "lat")
TRANSECT_COLUMNS = (
    *("transect", "label", "count", "photos_with", "photos_looked_at", "photos_partial"),
    *("photos_failed", "photos_waiting"),
)


def write(run: SurveyRun, photos: Photos, path: Path) -> Path:
    """One row a photo and class that was found in it; gives `path`.

    A photo without objects has one row with no label and 0; a failed one has its status, and no
    count: it is not known to be empty.

    Raises:
        HaversackError: `export-unwritable`.
    """
    rows = (row for photo in photos() for row in _photo_rows(run, photo))
    return write_table(path, PHOTO_COLUMNS, rows)


def write_transects(run: SurveyRun, photos: Photos, path: Path) -> Path:
    """One row a transect (folder) and class, with how many photos stand behind it; gives `path`.

    A transect without objects has one row with no label and 0. Photos not yet looked at, or gone,
    are `photos_waiting`.

    Raises:
        HaversackError: `export-unwritable`.
    """
    return write_table(path, TRANSECT_COLUMNS, _transect_rows(run, sum_transects(photos)))


@dataclass(kw_only=True)
class Transect:
    """What one folder holds.

    Attributes:
        statuses: photos by status.
        counts: objects that count, by class_id.
        photos_with: photos with at least one object, by class_id.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    counts: Counter[int] = field(default_factory=Counter)
    photos_with: Counter[int] = field(default_factory=Counter)

    def add(self, photo: PhotoResult) -> None:
        """Count one more photo."""
        self.statuses[photo.status] += 1
        if photo.status in LOOKED_AT:
            here = Counter(found.class_id for found in photo.detections if found.counted)
            self.counts += here
            self.photos_with.update(here.keys())

    @property
    def looked_at(self) -> int:
        """Photos that were looked at, wholly or in part."""
        return sum(self.statuses[status] for status in LOOKED_AT)


def sum_transects(photos: Photos) -> dict[str, Transect]:
    """Every folder with photos, in the order of the photos; memory grows with folders only."""
    found: dict[str, Transect] = {}
    for photo in photos():
        found.setdefault(photo.transect, Transect()).add(photo)
    return found


def _photo_rows(run: SurveyRun, photo: PhotoResult) -> Iterator[list[Cell]]:
    if photo.status in LEFT_OUT:
        return
    start: list[Cell] = [one_line(photo.image), one_line(photo.transect), photo.status]
    place: list[Cell] = [photo.geotag.taken_at]
    place += [
        "" if photo.geotag.lon is None else photo.geotag.lon,
        "" if photo.geotag.lat is None else photo.geotag.lat,
    ]
    if photo.status not in LOOKED_AT:
        yield [*start, "", "", *place]
        return
    counts = Counter(found.class_id for found in photo.detections if found.counted)
    if not counts:
        yield [*start, "", 0, *place]
    for i in sorted(counts):
        yield [*start, label_names(run.labels, i), counts[i], *place]


def _transect_rows(run: SurveyRun, transects: dict[str, Transect]) -> Iterator[list[Cell]]:
    for name in sorted(transects):
        one = transects[name]
        waiting = one.statuses["queued"] + one.statuses["vanished"]
        end = [one.looked_at, one.statuses["partial"], one.statuses["failed"], waiting]
        if not one.counts:
            yield [one_line(name), "", 0, 0, *end]
        for i in sorted(one.counts):
            label = label_names(run.labels, i)
            yield [one_line(name), label, one.counts[i], one.photos_with[i], *end]
