"""A crop of every found object with some ground around it, and a table of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from PIL import Image

from haversack.engine.detections import Detection
from haversack.engine.results import PhotoResult
from haversack.engine.tasks.task import Cell
from haversack.formats.csv_lines import write_table
from haversack.formats.names import file_for, label_names, one_line, short_name
from haversack.formats.photos import Photos, SurveyRun
from haversack.formats.pixels import Area, Cut, PixelReader
from haversack.formats.replace import replaced_folder, write_note
from haversack.formats.tally import LOOKED_AT, Tally

INDEX = "index.csv"
COLUMNS = (
    *("crop", "photo", "transect", "number", "label", "class_id", "score"),
    *("x1", "y1", "x2", "y2", "crop_x", "crop_y", "crop_width", "crop_height", "review"),
)
MARGIN_SHARE, LEAST_MARGIN_PX, LEAST_SIDE_PX = 0.5, 12, 96
JPEG_QUALITY = 90


def write(run: SurveyRun, photos: Photos, path: Path) -> Path:
    """A folder of JPEGs in the photos' own folders, and `index.csv`; gives `path`.

    Each photo is read once. Objects of photos that cannot be read again are in the table with no
    crop, and those photos are named in the folder's note.

    Raises:
        HaversackError: `export-over-folder`, `export-unwritable`.
    """
    tally, reader = Tally(), PixelReader(run=run)
    with replaced_folder(path) as folder:
        rows = (
            row
            for photo in tally.watch(photos)
            if photo.status in LOOKED_AT and photo.detections
            for row in _rows(run, photo, reader.cutter(photo), folder)
        )
        write_table(folder / INDEX, COLUMNS, rows)
        write_note(folder, tally.note(run, "crops") | reader.note())
    return path


def crop_name(run: SurveyRun, photo: PhotoResult, number: int, found: Detection) -> PurePosixPath:
    """Where in the folder an object's crop lies.

    Args:
        number: the object's place in the photo's objects, from 0.
    """
    label = short_name(label_names(run.labels, found.class_id))
    return file_for(photo.image, photo.id, f"_{number + 1:03d}_{label}.jpg")


def area_around(box: tuple[float, float, float, float], width: int, height: int) -> Area:
    """The box and its surroundings as left, top, right, bottom in pixels, inside the photo."""
    x1, y1, x2, y2 = box
    reach = max(LEAST_MARGIN_PX, MARGIN_SHARE * max(x2 - x1, y2 - y1))
    left, right = span(x1 - reach, x2 + reach, LEAST_SIDE_PX, width)
    top, bottom = span(y1 - reach, y2 + reach, LEAST_SIDE_PX, height)
    return left, top, right, bottom


def span(low: float, high: float, least: int, side: int) -> tuple[int, int]:
    """From `low` to `high`, at least `least` long where there is room, within 0 to `side`."""
    length = min(side, max(least, round(high - low)))
    start = min(max(0, round((low + high - length) / 2)), side - length)
    return start, start + length


def save_crop(cut: Cut, area: Area, file: Path) -> bool:
    """Write a part of a photo as JPEG, with the folders above it; whether it could be read."""
    part = cut(area)
    if part is None:
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(part).save(file, format="JPEG", quality=JPEG_QUALITY, subsampling=0)
    return True


def _rows(
    run: SurveyRun, photo: PhotoResult, cut: Cut | None, folder: Path
) -> Iterator[list[Cell]]:
    for number, found in enumerate(photo.detections):
        name = str(crop_name(run, photo, number, found))
        area = area_around(found.box, photo.width, photo.height)
        if cut is None or not save_crop(cut, area, folder / name):
            name = ""
        yield [
            *(name, one_line(photo.image), one_line(photo.transect)),
            *_cells(run, number, found),
            *(area[0], area[1], area[2] - area[0], area[3] - area[1]),
            int(found.review),
        ]


def _cells(run: SurveyRun, number: int, found: Detection) -> list[Cell]:
    label = label_names(run.labels, found.class_id)
    edges = [round(edge, 2) for edge in found.box]
    return [number + 1, label, found.class_id, round(found.score, 4), *edges]
