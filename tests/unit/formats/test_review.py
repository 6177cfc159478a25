"""Pieces of photos for people to review, and crops of single objects."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.unit.formats import survey_runs as made

from haversack.engine.detections import Detection
from haversack.engine.results import PhotoResult
from haversack.formats import cvat, labelstudio
from haversack.formats.crops import area_around
from haversack.formats.labelstudio import LOCAL_FILES
from haversack.formats.review_crops import pieces

corner = st.tuples(st.floats(0, 2950), st.floats(0, 1950), st.floats(1, 50), st.floats(1, 50))


def wide(objects: list[Detection]) -> PhotoResult:
    return replace(made.photo(1, "a.jpg"), width=3000, height=2000, outcome=made.objects(*objects))


@given(st.lists(corner, min_size=1, max_size=40))
def test_every_object_is_whole_in_one_piece_of_its_own(
    listed: list[tuple[float, float, float, float]],
) -> None:
    objects = [made.found((x, y, x + w, y + h), score=0.5) for x, y, w, h in listed]
    found = pieces(wide(objects))
    own = [mark.number for piece in found for mark in piece.marks if not mark.context]
    assert sorted(own) == list(range(len(objects)))
    for piece in found:
        left, top, right, bottom = piece.area
        assert 0 <= left < right <= 3000
        assert 0 <= top < bottom <= 2000
        for mark in piece.marks:
            if not mark.context:
                expected = [a - b for a, b in zip(mark.found.box, (left, top) * 2, strict=True)]
                assert mark.box == pytest.approx(expected)


def test_an_object_of_the_next_piece_is_shown_as_context() -> None:
    left, right = made.found((740, 100, 760, 120)), made.found((775, 100, 795, 120))
    found = pieces(wide([left, right]))
    assert [[mark.context for mark in piece.marks] for piece in found] == [[False, True]] * 2


@given(corner)
def test_a_crop_lies_in_the_photo_and_holds_its_object(
    place: tuple[float, float, float, float],
) -> None:
    x, y, w, h = place
    left, top, right, bottom = area_around((x, y, x + w, y + h), 3000, 2000)
    assert 0 <= left <= x + 1
    assert x + w - 1 <= right <= 3000
    assert 0 <= top <= y + 1
    assert y + h - 1 <= bottom <= 2000


def test_tasks_point_to_photos_of_the_size_they_state(exported: Path) -> None:
    folder = exported / "labelstudio"
    tasks = json.loads((folder / "tasks.json").read_bytes())
    assert len(tasks) == 4
    for task in tasks:
        file = folder / unquote(task["data"]["image"].removeprefix(LOCAL_FILES))
        (prediction,) = task["predictions"]
        assert prediction["model_version"] == "blobs@1"
        scores = [region["score"] for region in prediction["result"]]
        assert prediction["score"] == min(scores)
        with Image.open(file) as photo:
            for region in prediction["result"]:
                size = (region["original_width"], region["original_height"])
                assert size == photo.size
                value = region["value"]
                assert 0 <= value["x"] <= value["x"] + value["width"] <= 100.001
                assert 0 <= value["y"] <= value["y"] + value["height"] <= 100.001


def test_percent_lead_back_to_the_pixels_of_the_photo(exported: Path) -> None:
    tasks = json.loads((exported / "labelstudio/tasks.json").read_bytes())
    (task,) = [task for task in tasks if task["data"]["photo"] == "a/one.jpg"]
    region = task["predictions"][0]["result"][1]
    x = task["data"]["x"] + region["value"]["x"] / 100 * region["original_width"]
    y = task["data"]["y"] + region["value"]["y"] / 100 * region["original_height"]
    assert (x, y) == pytest.approx((200, 100), abs=0.01)
    assert region["value"]["rectanglelabels"] == ["dog"]


def test_the_interface_names_what_the_tasks_use(exported: Path) -> None:
    view = ElementTree.fromstring((exported / "labelstudio/labels.xml").read_text("utf-8"))
    names = [label.get("value") for label in view.iter("Label")]
    assert names == ["cow", "dog", "7"]
    assert view.find("Image").get("name") == "image"  # type: ignore[union-attr]
    assert view.find("RectangleLabels").get("name") == "label"  # type: ignore[union-attr]


def test_cvat_boxes_lie_in_photos_that_are_there(exported: Path) -> None:
    folder = exported / "cvat"
    root = ElementTree.parse(folder / "annotations.xml").getroot()
    assert root.findtext("version") == "1.1"
    images = root.findall("image")
    assert [image.get("id") for image in images] == ["0", "1", "2", "3"]
    for image in images:
        with Image.open(folder / "images" / str(image.get("name"))) as photo:
            assert (image.get("width"), image.get("height")) == tuple(map(str, photo.size))
        for box in image.findall("box"):
            edges = [float(str(box.get(edge))) for edge in ("xtl", "ytl", "xbr", "ybr")]
            assert 0 <= edges[0] < edges[2] <= int(str(image.get("width")))
            assert 0 <= edges[1] < edges[3] <= int(str(image.get("height")))
            assert {one.get("name") for one in box} == {"score", "context"}


def test_cvat_labels_are_those_of_the_boxes_with_their_attributes(exported: Path) -> None:
    folder = exported / "cvat"
    root = ElementTree.parse(folder / "annotations.xml").getroot()
    labels = {one["name"]: one for one in json.loads((folder / "labels.json").read_bytes())}
    assert {box.get("label") for box in root.iter("box")} <= set(labels)
    assert [label.findtext("name") for label in root.iter("label")] == list(labels)
    assert {one["name"] for one in labels["cow"]["attributes"]} == {"score", "context"}


def test_hostile_labels_and_names_stay_text(tmp_path: Path) -> None:
    photo = made.photo(1, '<&"\x01>.jpg', made.found())
    made.draw(tmp_path / "photos", [photo])
    run = made.run(tmp_path / "photos", labels=('<b a="&">\n\x02',))
    boxes = cvat.write(run, made.photos([photo]), tmp_path / "cvat")
    root = ElementTree.parse(boxes / "annotations.xml").getroot()
    (box,) = root.iter("box")
    assert box.get("label") == '<b a="&">\ufffd\ufffd'
    tasks = labelstudio.write(run, made.photos([photo]), tmp_path / "ls")
    view = ElementTree.fromstring((tasks / "labels.xml").read_text("utf-8"))
    assert [label.get("value") for label in view.iter("Label")] == ['<b a="&">\ufffd\ufffd']


def test_the_index_of_crops_leads_to_each_and_back_to_the_photo(exported: Path) -> None:
    with (exported / "crops/index.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 5
    for row in rows:
        with Image.open(exported / "crops" / row["crop"]) as crop:
            assert crop.size == (int(row["crop_width"]), int(row["crop_height"]))
            middle = [
                int((float(row[low]) + float(row[high])) / 2) - int(row[start])
                for low, high, start in (("x1", "x2", "crop_x"), ("y1", "y2", "crop_y"))
            ]
            red, _, blue = crop.getpixel((middle[0], middle[1]))  # type: ignore[misc]
            assert red > 150 > 100 > blue


def test_annotated_photos_are_those_with_objects(exported: Path) -> None:
    files = {file.name for file in (exported / "annotated").rglob("*.jpg")}
    assert files == {"one.jpg", "one.png.jpg", "half.jpg", "script>&'\ufffd.jpg~8.jpg"}
    with Image.open(exported / "annotated/a/one.jpg") as photo:
        assert photo.size == (400, 300)
