"""YOLO txt files."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from tests.unit.formats import survey_runs as made

from haversack.formats import yolo


def test_lines_are_class_centre_size_and_score(exported: Path) -> None:
    lines = (exported / "yolo/labels/a/one.txt").read_text().splitlines()
    first = [float(part) for part in lines[0].split()]
    assert first == pytest.approx([0, 30 / 400, 40 / 300, 40 / 400, 40 / 300, 0.9], abs=1e-6)
    assert lines[1].startswith("1 ")


def test_empty_photos_have_an_empty_file_and_failed_ones_none(exported: Path) -> None:
    labels = exported / "yolo" / "labels"
    assert (labels / "a/two.txt").read_bytes() == b""
    assert not list(labels.rglob("gone*"))
    assert not list(labels.rglob("later*"))


def test_two_photos_of_one_stem_keep_their_own_boxes(exported: Path) -> None:
    text = (exported / "yolo/index.csv").read_text("utf-8")
    index = {row["photo"]: row for row in csv.DictReader(text.splitlines())}
    assert index["a/one.jpg"]["labels"] == "labels/a/one.txt"
    assert index["a/one.png"]["labels"] == "labels/a/one.png.txt"
    assert index["b/gone bad.jpg"]["status"] == "failed"


def test_classes_reach_to_the_highest_id_that_was_found(exported: Path) -> None:
    names = (exported / "yolo/classes.txt").read_text().splitlines()
    assert names == ["cow", "dog", "2", "3", "4", "5", "6", "7"]


def test_a_class_id_beyond_all_reason_fills_no_disk(tmp_path: Path) -> None:
    photos = made.photos([made.photo(1, "a.jpg", made.found(class_id=2**40))])
    path = yolo.write(made.run(), photos, tmp_path / "x")
    assert (path / "classes.txt").stat().st_size < 100_000
    assert (path / "labels/a.txt").read_text().startswith("1099511627776 ")
