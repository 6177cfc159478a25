"""YOLO txt: a file of normalised boxes for each photo, and the names of the classes.

Source: Ultralytics, "Object detection datasets"; predictions carry a sixth number, the score.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from haversack.engine.detections import Detection
from haversack.engine.results import PhotoResult
from haversack.engine.tasks.task import Cell
from haversack.formats.csv_lines import write_table
from haversack.formats.jsonl import LEFT_OUT
from haversack.formats.megadetector import failure
from haversack.formats.names import inner_path, label_names, one_line
from haversack.formats.photos import Photos, SurveyRun
from haversack.formats.replace import replaced_folder, write_note
from haversack.formats.tally import LOOKED_AT, Tally

MOST_CLASSES = 10_000
"""Lines of `classes.txt` for a pack without labels, however high a class_id it gives."""
INDEX_COLUMNS = ("photo", "labels", "status", "objects", "message")


def write(run: SurveyRun, photos: Photos, path: Path) -> Path:
    """A folder with `labels/`, `classes.txt` and `index.csv`; gives `path`.

    `labels/` has a file for each photo that was looked at, in the photo's own folders and under
    its name with .txt; an empty one where nothing was found. A photo that failed has none. Two
    photos that differ in their suffix only would have one file, so the later one's is named
    "photo.png.txt"; `index.csv` says which file is whose.

    Raises:
        HaversackError: `export-over-folder`, `export-unwritable`.
    """
    tally = Tally()
    highest = [len(run.labels) - 1]
    with replaced_folder(path) as folder:
        (folder / "labels").mkdir()
        write_table(folder / "index.csv", INDEX_COLUMNS, _files(folder, tally, photos, highest))
        count = min(highest[0] + 1, max(len(run.labels), MOST_CLASSES))
        names = [label_names(run.labels, i) for i in range(count)]
        text = "".join(f"{name}\n" for name in names)
        (folder / "classes.txt").write_text(text, encoding="utf-8")
        write_note(folder, tally.note(run, "yolo"))
    return path


def _files(folder: Path, tally: Tally, photos: Photos, highest: list[int]) -> Iterator[list[Cell]]:
    """Write each photo's file, and give its line of the index."""
    for photo in tally.watch(photos):
        if photo.status in LEFT_OUT:
            continue
        message = one_line(failure(photo)) if photo.error_code or photo.error_message else ""
        start: list[Cell] = [one_line(photo.image)]
        if photo.status not in LOOKED_AT:
            yield [*start, "", photo.status, "", message]
            continue
        highest[0] = max([highest[0], *(found.class_id for found in photo.detections)])
        name = _free_name(folder / "labels", inner_path(photo.image))
        file = folder / "labels" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(
            "".join(_line(photo, found) for found in photo.detections), encoding="ascii"
        )
        yield [
            *start,
            f"labels/{one_line(str(name))}",
            photo.status,
            len(photo.detections),
            message,
        ]


def _free_name(folder: Path, inner: PurePosixPath) -> PurePosixPath:
    plain = inner.with_suffix(".txt")
    return inner.with_name(f"{inner.name}.txt") if (folder / plain).exists() else plain


def _line(photo: PhotoResult, found: Detection) -> str:
    across, down = max(1, photo.width), max(1, photo.height)
    x1, y1, x2, y2 = (
        min(1.0, max(0.0, edge / side))
        for edge, side in zip(found.box, (across, down, across, down), strict=True)
    )
    shares = ((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, found.score)
    return f"{found.class_id} " + " ".join(f"{share:.6f}" for share in shares) + "\n"
