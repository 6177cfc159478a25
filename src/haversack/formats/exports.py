"""Every export of a run by the name that people ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from haversack.formats import (
    annotated,
    coco,
    counts,
    crops,
    cvat,
    geojson,
    jsonl,
    labelstudio,
    megadetector,
    megadetector_csv,
    yolo,
)
from haversack.formats.photos import Photos, SurveyRun

Write: TypeAlias = Callable[[SurveyRun, Photos, Path], Path]
"""Writes an export whole or not at all, and gives its path."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """One export.

    Attributes:
        write: takes the run, its photos and where to write.
        default_name: of the file or folder, in the run's `exports/`.
        summary: what it is, for help.
    """

    write: Write
    default_name: str
    summary: str


EXPORTS: dict[str, Export] = {
    "jsonl": Export(
        write=jsonl.write,
        default_name="results.jsonl",
        summary="JSON lines: the whole record of every photo",
    ),
    "coco": Export(
        write=coco.write_results,
        default_name="coco-results.json",
        summary="COCO results, for pycocotools' loadRes",
    ),
    "coco-dataset": Export(
        write=coco.write_dataset,
        default_name="coco-dataset.json",
        summary="COCO data set: images, annotations, categories",
    ),
    "megadetector": Export(
        write=megadetector.write,
        default_name="megadetector.json",
        summary="MegaDetector batch output 1.6, for Timelapse and AddaxAI",
    ),
    "megadetector-csv": Export(
        write=megadetector_csv.write,
        default_name="megadetector.csv",
        summary="CSV for Timelapse, a row a photo and category",
    ),
    "yolo": Export(
        write=yolo.write,
        default_name="yolo",
        summary="folder of YOLO txt files with scores",
    ),
    "counts": Export(
        write=counts.write,
        default_name="counts.csv",
        summary="CSV: counts by photo and class",
    ),
    "transects": Export(
        write=counts.write_transects,
        default_name="transects.csv",
        summary="CSV: counts by transect (folder) and class",
    ),
    "annotated": Export(
        write=annotated.write,
        default_name="annotated",
        summary="folder of photos with boxes drawn",
    ),
    "crops": Export(
        write=crops.write,
        default_name="crops",
        summary="folder with a crop of every object, and a table",
    ),
    "labelstudio": Export(
        write=labelstudio.write,
        default_name="labelstudio",
        summary="folder for Label Studio: pieces of photos with predictions",
    ),
    "cvat": Export(
        write=cvat.write,
        default_name="cvat",
        summary="folder for CVAT: pieces of photos with boxes",
    ),
    "geojson": Export(
        write=geojson.write,
        default_name="found.geojson",
        summary="GeoJSON: objects and footprints on the map",
    ),
    "geojsonl": Export(
        write=geojson.write_lines,
        default_name="found.geojsonl",
        summary="the same, a feature a line, for large runs",
    ),
}
"""By the name that `--format` takes."""
