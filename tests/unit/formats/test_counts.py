"""Counts by photo, transect and class."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from tests.unit.formats import survey_runs as made

from haversack.formats import counts


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_photo_has_a_row_for_each_class_it_shows(exported: Path) -> None:
    of = {(row["photo"], row["label"]): row for row in rows(exported / "counts.csv")}
    assert of["a/one.jpg", "cow"]["count"] == "1"
    assert of["a/one.jpg", "dog"]["transect"] == "a"
    assert of["a/two.jpg", ""]["count"] == "0"


def test_a_failed_photo_has_no_count_rather_than_zero(exported: Path) -> None:
    (row,) = [row for row in rows(exported / "counts.csv") if row["status"] == "failed"]
    assert (row["label"], row["count"]) == ("", "")


def test_transects_say_how_many_photos_stand_behind_a_count(exported: Path) -> None:
    of = {(row["transect"], row["label"]): row for row in rows(exported / "transects.csv")}
    assert of["a", "cow"]["photos_looked_at"] == "3"
    assert of["b", "cow"]["photos_partial"] == "1"
    assert of["b", "cow"]["photos_failed"] == "1"
    assert of["b", "cow"]["photos_waiting"] == "2"


def test_transects_add_up_to_the_photos(tmp_path: Path) -> None:
    photos = made.large_run(300, 5)
    by_photo = rows(counts.write(made.run(), photos, tmp_path / "a.csv"))
    by_transect = rows(counts.write_transects(made.run(), photos, tmp_path / "b.csv"))
    total = sum(int(row["count"]) for row in by_photo if row["count"])
    assert total == sum(int(row["count"]) for row in by_transect) > 0


def test_objects_of_another_photo_do_not_count(tmp_path: Path) -> None:
    twice = replace(made.found(), counted=False)
    photo = made.photo(1, "a.jpg", made.found(), twice)
    (row,) = rows(counts.write(made.run(), made.photos([photo]), tmp_path / "a.csv"))
    assert row["count"] == "1"
