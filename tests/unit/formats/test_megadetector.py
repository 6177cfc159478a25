"""MegaDetector output 1.6, checked by the rules of its specification."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.unit.formats import survey_runs as made

from haversack.formats import megadetector, megadetector_csv


def faults(data: Any) -> list[str]:
    """Breaches of lila.science/megadetector-output-format, as of 2026-05."""
    found: list[str] = []
    if not isinstance(data, dict) or not {"info", "images", "detection_categories"} <= set(data):
        return ["a required key is missing"]
    version = data["info"].get("format_version")
    if not isinstance(version, str) or float(version) < 1.3:
        found.append("format_version is no text of a number")
    for key, name in data["detection_categories"].items():
        if not key.isdigit() or key == "0":
            found.append(f"category {key!r}")
        if not isinstance(name, str) or not name.strip():
            found.append(f"category {key!r} has a blank name")
    for image in data["images"]:
        found += _image_faults(image, data["detection_categories"])
    return found


def _image_faults(image: dict[str, Any], categories: dict[str, str]) -> list[str]:
    found: list[str] = []
    file, failure = image.get("file"), image.get("failure")
    if not isinstance(file, str) or not file or "\\" in file or file.startswith("/"):
        found.append(f"file {file!r}")
    if failure is not None:
        good = isinstance(failure, str) and failure and image.get("detections") is None
        return found if good else [*found, f"{file}: failure with detections"]
    if not isinstance(image.get("detections"), list):
        return [*found, f"{file}: no list of detections"]
    for one in image["detections"]:
        left, top, width, height = one["bbox"]
        if one["category"] not in categories or not isinstance(one["conf"], float):
            found.append(f"{file}: {one}")
        if not (0 <= one["conf"] <= 1 and min(left, top, width, height) >= 0):
            found.append(f"{file}: out of range {one}")
        if left + width > 1 + 2e-6 or top + height > 1 + 2e-6:
            found.append(f"{file}: over the edge {one}")
    return found


def test_the_file_keeps_every_rule(exported: Path) -> None:
    assert faults(json.loads((exported / "megadetector.json").read_bytes())) == []


def test_the_rules_can_be_broken() -> None:
    good = {"info": {"format_version": "1.6"}, "images": [], "detection_categories": {"1": "a"}}
    assert faults(good) == []
    assert faults([]) != []
    assert faults(good | {"info": {"format_version": 1.6}}) != []
    assert faults(good | {"detection_categories": {"0": "a"}}) != []
    assert faults(good | {"images": [{"file": "a", "failure": "x", "detections": []}]}) != []
    assert faults(good | {"images": [{"file": "a"}]}) != []
    one = {"category": "1", "conf": 1, "bbox": [0, 0, 1, 1]}
    assert faults(good | {"images": [{"file": "a", "detections": [one]}]}) != []


def test_empty_failed_and_partial_photos_are_told_apart(exported: Path) -> None:
    data = json.loads((exported / "megadetector.json").read_bytes())
    by_file = {image["file"]: image for image in data["images"]}
    assert by_file["a/two.jpg"]["detections"] == []
    assert by_file["b/gone bad.jpg"]["detections"] is None
    assert "image-truncated" in by_file["b/gone bad.jpg"]["failure"]
    assert len(by_file["b/half.jpg"]["detections"]) == 1
    assert by_file["b/half.jpg"]["partial"]
    assert not {"b/later.jpg", "b/removed.jpg"} & set(by_file)


def test_a_failure_is_never_without_words(tmp_path: Path) -> None:
    silent = replace(made.failed(1, "a.jpg"), error=None)
    path = megadetector.write(made.run(), made.photos([silent]), tmp_path / "x.json")
    assert faults(json.loads(path.read_bytes())) == []


def test_the_table_has_a_row_a_photo_and_category(exported: Path) -> None:
    text = (exported / "megadetector.csv").read_text("utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    of = {(row["RelativePath"], row["File"], row["category"]): row for row in rows}
    assert len(of) == len(rows) == 7
    assert of["a", "one.jpg", "dog"]["max_confidence"] == "0.55"
    assert of["a", "two.jpg", "empty"]["count"] == "0"
    assert "image-truncated" in of["b", "gone bad.jpg", "error"]["message"]


def test_folders_of_the_table_are_written_as_on_windows(tmp_path: Path) -> None:
    photos = made.photos([made.photo(1, "north/day 1/a.jpg")])
    path = megadetector_csv.write(made.run(), photos, tmp_path / "x.csv")
    assert path.read_text().splitlines()[1] == "north\\day 1,a.jpg,empty,,0,0"
