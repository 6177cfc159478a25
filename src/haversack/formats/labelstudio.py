"""Label Studio tasks with predictions, on pieces of photos around what was found.

Source: labelstud.io, "Import pre-annotated data" and "Task format": x, y, width and height are
percent of the photo.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import msgspec

from haversack.formats.names import label_names, link_to, one_line, utf8
from haversack.formats.overlay import colour_of
from haversack.formats.photos import Photos, SurveyRun
from haversack.formats.pixels import PixelReader
from haversack.formats.replace import replaced_folder, write_note
from haversack.formats.review_crops import Mark, ReviewCrop, cut_photos
from haversack.formats.tally import Tally

LOCAL_FILES = "/data/local-files/?d="
"""How Label Studio serves files of its document root; the root is to be the export's folder."""
CONTEXT = "belongs to another task"


def write(run: SurveyRun, photos: Photos, path: Path) -> Path:
    """A folder with `images/`, `tasks.json` and `labels.xml`, the interface; gives `path`.

    A task's score is that of its least sure object, so that sorting by it puts doubtful ones
    first. Objects of neighbouring pieces are shown and marked, so that nobody draws them again.

    Raises:
        HaversackError: `export-over-folder`, `export-unwritable`.
    """
    tally, reader = Tally(), PixelReader(run=run)
    used = set(range(len(run.labels)))
    with replaced_folder(path) as folder:
        with (folder / "tasks.json").open("wb") as file:
            separator = b"[\n"
            for crop in cut_photos(photos, folder, tally=tally, reader=reader):
                used |= {mark.found.class_id for mark in crop.marks}
                file.write(separator + msgspec.json.encode(_task(run, crop)))
                separator = b",\n"
            file.write(b"[]\n" if separator == b"[\n" else b"\n]\n")
        interface = _interface(run, sorted(used))
        (folder / "labels.xml").write_text(interface, encoding="utf-8")
        write_note(folder, tally.note(run, "labelstudio") | reader.note())
    return path


def _task(run: SurveyRun, crop: ReviewCrop) -> dict[str, Any]:
    left, top, _, _ = crop.area
    return {
        "data": {
            "image": LOCAL_FILES + link_to(str(crop.name)),
            "photo": utf8(crop.photo.image),
            "transect": utf8(crop.photo.transect),
            "x": left,
            "y": top,
        },
        "predictions": [
            {
                "model_version": f"{run.pack}@{run.version}",
                "score": round(crop.least_score, 4),
                "result": [_region(run, crop, mark) for mark in crop.marks],
            }
        ],
    }


def _region(run: SurveyRun, crop: ReviewCrop, mark: Mark) -> dict[str, Any]:
    width, height = crop.size
    x1, y1, x2, y2 = mark.box
    region: dict[str, Any] = {
        "id": f"{crop.photo.id}-{mark.number + 1}",
        "type": "rectanglelabels",
        "from_name": "label",
        "to_name": "image",
        "original_width": width,
        "original_height": height,
        "image_rotation": 0,
        "score": round(mark.found.score, 4),
        "value": {
            "x": round(100 * x1 / width, 4),
            "y": round(100 * y1 / height, 4),
            "width": round(100 * (x2 - x1) / width, 4),
            "height": round(100 * (y2 - y1) / height, 4),
            "rotation": 0,
            "rectanglelabels": [label_names(run.labels, mark.found.class_id)],
        },
    }
    if mark.context:
        region["meta"] = {"text": [CONTEXT]}
    return region


def _interface(run: SurveyRun, class_ids: list[int]) -> str:
    """The labelling interface. Labels of one name are one label there."""
    colours = {label_names(run.labels, i): colour_of(i) for i in reversed(class_ids)}
    names = dict.fromkeys(label_names(run.labels, i) for i in class_ids)
    labels = "".join(
        f"    <Label value={quoteattr(name)} background={quoteattr(_hex(colours[name]))}/>\n"
        for name in names
    )
    return (
        "<View>\n"
        f"  <Header value={quoteattr(one_line(run.name))}/>\n"
        '  <Image name="image" value="$image" zoom="true" zoomControl="true"/>\n'
        '  <RectangleLabels name="label" toName="image">\n'
        f"{labels}"
        "  </RectangleLabels>\n"
        "</View>\n"
    )


def _hex(colour: tuple[int, int, int]) -> str:
    return "#" + bytes(colour).hex()
