"""One flat table for every task."""

from __future__ import annotations

import numpy as np

from haversack.engine.results import PackIdentity, PhotoResult, failed
from haversack.engine.tasks.classify import Probabilities
from haversack.engine.tasks.detect import Detections
from haversack.engine.tasks.label_map import LabelMap
from haversack.engine.tasks.task import TaskOutcome
from haversack.errors import PhotoError
from haversack.formats import table


def result(outcome: TaskOutcome | None, *, image: str = "a.jpg") -> PhotoResult:
    pack = PackIdentity(name="p", version="1", task="detect", labels=("cow", "dog, wild"))
    return PhotoResult(image=image, width=40, height=30, pack=pack, outcome=outcome)


def found(count: int) -> Detections:
    return Detections(
        boxes=np.array([[1, 2, 11.257, 20]] * count, np.float32).reshape(-1, 4),
        scores=np.linspace(0.9, 0.5, count, dtype=np.float32),
        class_ids=np.arange(count, dtype=np.int64) % 2,
        candidates=count,
        truncated=False,
    )


def cells(outcome: TaskOutcome | None) -> list[dict[str, object]]:
    return [dict(zip(table.header(), row, strict=True)) for row in table.rows(result(outcome))]


def test_each_detection_is_a_row_with_its_box() -> None:
    first, second = cells(found(2))
    assert (first["label"], first["class_id"], first["score"]) == ("cow", 0, 0.9)
    assert [second[name] for name in ("x1", "y1", "x2", "y2")] == [1.0, 2.0, 11.26, 20.0]
    assert second["label"] == "dog, wild"


def test_a_photo_without_detections_keeps_one_row() -> None:
    (only,) = cells(found(0))
    assert (only["image"], only["status"], only["label"], only["x1"]) == ("a.jpg", "done", "", "")


def test_a_failed_photo_gives_its_error() -> None:
    pack = PackIdentity(name="p", version="1", task="detect")
    error = PhotoError("image-truncated", "The file ends early.")
    (row,) = table.rows(failed("b.jpg", pack, error))
    assert row[3] == "failed"
    assert row[-2:] == ["image-truncated", "The file ends early."]


def test_classes_come_surest_first() -> None:
    rows = cells(Probabilities(values=np.array([0.2, 0.8], np.float32)))
    assert [(row["label"], row["score"]) for row in rows] == [("dog, wild", 0.8), ("cow", 0.2)]


def test_legend_entries_give_their_pixels() -> None:
    (row,) = cells(LabelMap(class_ids=np.zeros((30, 40), np.uint8)))
    assert (row["label"], row["pixels"], row["score"]) == ("cow", 1200, "")
