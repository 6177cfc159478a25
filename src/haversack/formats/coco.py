"""COCO: the results list that pycocotools' `loadRes` reads, and the data set that it belongs to.

Source: cocodataset.org, "Data format" and "Results format". Both files have the same ids: a
photo's `image_id` is its id in the run, and a `category_id` is its class_id + 1, as evaluation
takes an annotation's id 0 for "no match" and readers have stumbled over a category 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from haversack.engine.detections import Detection
from haversack.engine.results import PhotoResult
from haversack.engine.rle import area
from haversack.formats.names import label_names, utf8
from haversack.formats.photos import Photos, SurveyRun
from haversack.formats.replace import replaced_file
from haversack.formats.tally import LOOKED_AT, Tally


def write_results(run: SurveyRun, photos: Photos, path: Path) -> Path:
    """A list with one entry an object; gives `path`. Photos without objects are not in it.

    Raises:
        HaversackError: `export-unwritable`.
    """
    with replaced_file(path) as file:
        file.write(b"[")
        _list(file, (one for photo in _looked_at(photos()) for one in _results(photo)))
        file.write(b"]\n")
    return path


def write_dataset(run: SurveyRun, photos: Photos, path: Path) -> Path:
    """Images, annotations (the objects with their scores) and categories; gives `path`.

    Photos that failed are under `failures` and not under `images`, where they would read as empty
    ones. The photos are read twice.

    Raises:
        HaversackError: `export-unwritable`.
    """
    tally = Tally()
    used: Counter[int] = Counter()
    with replaced_file(path) as file:
        file.write(b'{"images":[')
        _list(file, (_image(photo) for photo in _looked_at(tally.watch(photos))))
        file.write(b'],"annotations":[')
        _list(file, _annotations(photos, used))
        file.write(b'],"failures":[')
        _list(file, (_failure(photo) for photo in photos() if photo.status == "failed"))
        rest = {"categories": _categories(run, used), "info": _info(run, tally), "licenses": []}
        file.write(b"]," + msgspec.json.encode(rest)[1:] + b"\n")
    return path


def _looked_at(photos: Iterable[PhotoResult]) -> Iterator[PhotoResult]:
    return (photo for photo in photos if photo.status in LOOKED_AT)


def _list(file: BinaryIO, entries: Iterable[dict[str, Any]]) -> None:
    """Entries of a JSON list, a line each, one at a time in memory."""
    separator = b"\n"
    for entry in entries:
        file.write(separator + msgspec.json.encode(entry))
        separator = b",\n"


def _results(photo: PhotoResult) -> Iterator[dict[str, Any]]:
    for found in photo.detections:
        yield {
            "image_id": photo.id,
            "category_id": found.class_id + 1,
            "bbox": _xywh(found),
            "score": round(found.score, 4),
            **_segmentation(photo, found),
        }


def _annotations(photos: Photos, used: Counter[int]) -> Iterator[dict[str, Any]]:
    number = 0
    for photo in _looked_at(photos()):
        for found in photo.detections:
            number += 1
            used[found.class_id] += 1
            box = _xywh(found)
            covered = area(found.mask) if found.mask is not None else box[2] * box[3]
            yield {
                "id": number,
                "image_id": photo.id,
                "category_id": found.class_id + 1,
                "bbox": box,
                "area": round(covered, 2),
                "iscrowd": 0,
                "score": round(found.score, 4),
                **(_segmentation(photo, found) or {"segmentation": []}),
            }


def _xywh(found: Detection) -> list[float]:
    x1, y1, x2, y2 = found.box
    return [round(x1, 2), round(y1, 2), round(x2 - x1, 2), round(y2 - y1, 2)]


def _segmentation(photo: PhotoResult, found: Detection) -> dict[str, Any]:
    if found.mask is None:
        return {}
    return {"segmentation": {"size": [photo.height, photo.width], "counts": found.mask}}


def _image(photo: PhotoResult) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "id": photo.id,
        "file_name": utf8(photo.image),
        "width": photo.width,
        "height": photo.height,
    }
    if photo.geotag.taken_at:
        fields["date_captured"] = photo.geotag.taken_at.replace("T", " ")
    if photo.status == "partial":
        fields |= {"partial": True, "valid_rows": photo.valid_rows or 0}
    return fields


def _failure(photo: PhotoResult) -> dict[str, Any]:
    return {
        "id": photo.id,
        "file_name": utf8(photo.image),
        "code": photo.error_code,
        "message": utf8(photo.error_message),
    }


def _categories(run: SurveyRun, used: Counter[int]) -> list[dict[str, Any]]:
    """Every class of the pack, and any beyond its labels that was found."""
    ids = sorted({*range(len(run.labels)), *used})
    return [
        {"id": i + 1, "name": label_names(run.labels, i), "supercategory": "object"} for i in ids
    ]


def _info(run: SurveyRun, tally: Tally) -> dict[str, Any]:
    return {
        "description": f"{run.name}: found by {run.pack} {run.version}",
        "version": "1.0",
        "year": run.created.year,
        "date_created": run.created.isoformat(timespec="seconds"),
        "haversack": tally.note(run, "coco-dataset"),
    }
