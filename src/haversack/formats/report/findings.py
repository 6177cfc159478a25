"""What the report says, gathered from the photos in one pass and in bounded memory."""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from dataclasses import dataclass, field, replace

from haversack.engine.detections import Detection
from haversack.engine.results import PhotoResult
from haversack.formats.photos import Photos
from haversack.formats.tally import LOOKED_AT

BINS = 50
"""Of the scores from 0 to 1."""
FAILURES_NAMED = 50
SHEET = 24
"""Objects on each contact sheet."""
A_PHOTO = 3
"""Objects of one photo on a sheet, as long as others fill it."""


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """One object with its photo, whose own objects are left out.

    Attributes:
        photo: without its objects.
        number: the object's place in the photo's objects, from 0.
        found: the object.
    """

    photo: PhotoResult
    number: int
    found: Detection


@dataclass(kw_only=True)
class Best:
    """The sightings of the highest rank, from many photos where there are as many.

    Attributes:
        sign: 1 for the highest scores, -1 for the lowest.
    """

    sign: int
    _spread: list[tuple[float, int, int, Sighting]] = field(default_factory=list)
    _any: list[tuple[float, int, int, Sighting]] = field(default_factory=list)

    def add(self, photo: PhotoResult) -> None:
        """Look at one more photo; its objects are surest first."""
        numbers = list(range(len(photo.detections)))[:: self.sign][:SHEET]
        bare: PhotoResult | None = None
        for place, number in enumerate(numbers):
            found = photo.detections[number]
            rank = (self.sign * found.score, -photo.id, -number)
            if len(self._any) == SHEET and rank <= self._any[0][:3] and place >= A_PHOTO:
                return
            bare = bare or replace(photo, outcome=None)
            entry = (*rank, Sighting(photo=bare, number=number, found=found))
            _keep(self._any, entry)
            if place < A_PHOTO:
                _keep(self._spread, entry)

    def chosen(self) -> list[Sighting]:
        """At most `SHEET`, the highest rank first."""
        spread = {entry[:3]: entry[3] for entry in self._spread}
        for entry in sorted(self._any, reverse=True):
            if len(spread) < SHEET:
                spread.setdefault(entry[:3], entry[3])
        return [spread[rank] for rank in sorted(spread, reverse=True)]


@dataclass(kw_only=True)
class Folder:
    """What one transect holds, in as little memory as may be."""

    looked_at: int = 0
    failed: int = 0
    waiting: int = 0
    photos_with: int = 0
    objects: int = 0


@dataclass(kw_only=True)
class Findings:
    """Everything that the report counts.

    Attributes:
        statuses: photos by status.
        objects, photos_with: by class_id.
        best: the highest score by class_id.
        with_any: photos with at least one object: those that a person must open.
        histogram: objects by score, `BINS` from 0 to 1.
        folders: by transect.
        failures: photos by error code.
        named: (path, code, message) of the first of them.
        partial: (path, code, message) of the first that were read in part.
        lons, lats, found_there: of each photo that has a position, and its number of objects.
        names_there: paths of the first of these.
        tiles, skipped, truncated: of the photos looked at.
        surest, doubtful: for the contact sheets.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    objects: Counter[int] = field(default_factory=Counter)
    photos_with: Counter[int] = field(default_factory=Counter)
    best: dict[int, float] = field(default_factory=dict)
    with_any: int = 0
    histogram: list[int] = field(default_factory=lambda: [0] * BINS)
    folders: dict[str, Folder] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)
    named: list[tuple[str, str, str]] = field(default_factory=list)
    partial: list[tuple[str, str, str]] = field(default_factory=list)
    lons: array[float] = field(default_factory=lambda: array("d"))
    lats: array[float] = field(default_factory=lambda: array("d"))
    found_there: array[int] = field(default_factory=lambda: array("L"))
    names_there: list[str] = field(default_factory=list)
    tiles: int = 0
    skipped: int = 0
    truncated: int = 0
    surest: Best = field(default_factory=lambda: Best(sign=1))
    doubtful: Best = field(default_factory=lambda: Best(sign=-1))

    @property
    def looked_at(self) -> int:
        """Photos looked at, wholly or in part."""
        return sum(self.statuses[status] for status in LOOKED_AT)

    @property
    def waiting(self) -> int:
        """Photos not looked at yet."""
        return self.statuses["queued"]

    @property
    def total(self) -> int:
        """Objects of all classes."""
        return self.objects.total()


def gather(photos: Photos, *, names: int) -> Findings:
    """One pass over the photos.

    Args:
        names: of so many photos with a position the names are kept, for the map.
    """
    found = Findings()
    for photo in photos():
        found.statuses[photo.status] += 1
        folder = found.folders.setdefault(photo.transect, Folder())
        if photo.status in LOOKED_AT:
            _look(found, folder, photo, names)
        else:
            folder.failed += photo.status == "failed"
            folder.waiting += photo.status != "failed"
        if photo.status == "failed":
            found.failures[photo.error_code or "unknown"] += 1
            _name(found.named, photo)
        elif photo.status == "partial":
            _name(found.partial, photo)
    return found


def _look(found: Findings, folder: Folder, photo: PhotoResult, names: int) -> None:
    found.tiles += photo.tiles.total
    found.skipped += photo.tiles.skipped
    found.truncated += photo.tiles.truncated
    here: Counter[int] = Counter()
    for one in photo.detections:
        here[one.class_id] += 1
        found.best[one.class_id] = max(one.score, found.best.get(one.class_id, 0.0))
        found.histogram[min(BINS - 1, max(0, int(one.score * BINS)))] += 1
    found.objects.update(here)
    found.photos_with.update(here.keys())
    found.with_any += bool(here)
    folder.looked_at += 1
    folder.photos_with += bool(here)
    folder.objects += len(photo.detections)
    if photo.geotag.lon is not None and photo.geotag.lat is not None:
        found.lons.append(photo.geotag.lon)
        found.lats.append(photo.geotag.lat)
        found.found_there.append(len(photo.detections))
        if len(found.names_there) < names:
            found.names_there.append(photo.image)
    found.surest.add(photo)
    found.doubtful.add(photo)


def _name(named: list[tuple[str, str, str]], photo: PhotoResult) -> None:
    if len(named) < FAILURES_NAMED:
        named.append((photo.image, photo.error_code or "unknown", photo.error_message))


def _keep(
    heap: list[tuple[float, int, int, Sighting]], entry: tuple[float, int, int, Sighting]
) -> None:
    # The first three of an entry are never equal, so sightings are not compared.
    if len(heap) < SHEET:
        heapq.heappush(heap, entry)
    else:
        heapq.heappushpop(heap, entry)
