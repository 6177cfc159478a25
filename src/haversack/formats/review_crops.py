"""Pieces of photos for people to review: each shows some objects, and every object has one piece.

Label tools crawl on whole aerial photos and on hundreds of boxes. A photo is divided into cells;
the objects whose middles lie in a cell share one piece, cut around them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from haversack.engine.detections import Detection
from haversack.engine.results import PhotoResult
from haversack.formats.crops import save_crop, span
from haversack.formats.names import file_for
from haversack.formats.photos import Photos
from haversack.formats.pixels import Area, PixelReader
from haversack.formats.tally import LOOKED_AT, Tally

CELL_PX = 768
MARGIN_PX, LEAST_SIDE_PX = 48, 320
IMAGES = "images"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One object in a piece.

    Attributes:
        number: its place in the photo's objects, from 0.
        found: the object, in pixels of the photo.
        box: x1, y1, x2, y2 in pixels of the piece, inside it.
        context: whether it belongs to another piece and is shown here so that nobody misses it.
    """

    number: int
    found: Detection
    box: tuple[float, float, float, float]
    context: bool


@dataclass(frozen=True, kw_only=True)
class ReviewCrop:
    """One piece of a photo.

    Attributes:
        name: of its JPEG, relative to the export's folder.
        photo: that it was cut from.
        area: left, top, right, bottom in pixels of the photo.
        marks: its own objects first, surest first.
    """

    name: PurePosixPath
    photo: PhotoResult
    area: Area
    marks: tuple[Mark, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.area[2] - self.area[0], self.area[3] - self.area[1]

    @property
    def least_score(self) -> float:
        """Of its own objects, so that doubtful pieces can be reviewed first."""
        return min(mark.found.score for mark in self.marks if not mark.context)


def cut_photos(
    photos: Photos, folder: Path, *, tally: Tally, reader: PixelReader
) -> Iterator[ReviewCrop]:
    """Every piece of every photo with objects, its JPEG written under `folder`.

    Photos that cannot be read again give none; `reader` remembers them.
    """
    for photo in tally.watch(photos):
        if photo.status not in LOOKED_AT or not photo.detections:
            continue
        cut = reader.cutter(photo)
        if cut is None:
            continue
        for crop in pieces(photo):
            if save_crop(cut, crop.area, folder / crop.name):
                yield crop


def pieces(photo: PhotoResult) -> list[ReviewCrop]:
    """The pieces of one photo, from the top left."""
    cells: dict[tuple[int, int], list[int]] = {}
    middles = [_middle(found) for found in photo.detections]
    for number, (x, y) in enumerate(middles):
        cells.setdefault((int(y // CELL_PX), int(x // CELL_PX)), []).append(number)
    found = []
    for row, column in sorted(cells):
        own = cells[row, column]
        area = _area(photo, own)
        mine = set(own)
        others = [n for n, at in enumerate(middles) if n not in mine and _inside(at, area)]
        marks = [_mark(photo, number, area, context=False) for number in own]
        marks += [_mark(photo, number, area, context=True) for number in others]
        name = file_for(photo.image, photo.id, f"_r{row}c{column}.jpg")
        found.append(ReviewCrop(name=IMAGES / name, photo=photo, area=area, marks=tuple(marks)))
    return found


def _middle(found: Detection) -> tuple[float, float]:
    x1, y1, x2, y2 = found.box
    return (x1 + x2) / 2, (y1 + y2) / 2


def _area(photo: PhotoResult, own: list[int]) -> Area:
    boxes = [photo.detections[number].box for number in own]
    low = [min(box[side] for box in boxes) - MARGIN_PX for side in (0, 1)]
    high = [max(box[side] for box in boxes) + MARGIN_PX for side in (2, 3)]
    left, right = span(low[0], high[0], LEAST_SIDE_PX, photo.width)
    top, bottom = span(low[1], high[1], LEAST_SIDE_PX, photo.height)
    return left, top, right, bottom


def _inside(middle: tuple[float, float], area: Area) -> bool:
    return area[0] <= middle[0] < area[2] and area[1] <= middle[1] < area[3]


def _mark(photo: PhotoResult, number: int, area: Area, *, context: bool) -> Mark:
    found = photo.detections[number]
    left, top, right, bottom = area
    x1, y1, x2, y2 = found.box
    box = (max(0.0, x1 - left), max(0.0, y1 - top))
    far = (min(float(right), x2) - left, min(float(bottom), y2) - top)
    return Mark(number=number, found=found, box=(*box, *far), context=context)
