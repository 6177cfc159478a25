from __future__ import annotations

import base64
import io
import json
import pickle

import msgspec
import numpy as np
import pytest
from PIL import Image

from haversack.engine.results import PackIdentity, PhotoResult
from haversack.engine.tasks.classify import Probabilities
from haversack.engine.tasks.detect import Detections, DetectSurvey
from haversack.engine.tasks.label_map import LabelMap
from haversack.engine.tasks.task import TaskOutcome
from haversack.engine.tasks.tensor import Tensors
from haversack.errors import PhotoError

PACK = PackIdentity(name="herd", version="3", task="detect", labels=("cow", "sheep", "goat"))


def result(outcome: TaskOutcome | None, error: PhotoError | None = None) -> PhotoResult:
    return PhotoResult(
        image="a/b.jpg",
        width=4,
        height=2,
        pack=PACK,
        status="done" if error is None else "failed",
        outcome=outcome,
        error=error,
        timing={"decode_seconds": 0.00123456789, "model_seconds": 0.5},
    )


def found(*scores: float, truncated: bool = False) -> Detections:
    count = len(scores)
    return Detections(
        boxes=np.tile(np.array([1.004, 2, 3.14159, 4], dtype=np.float32), (count, 1)),
        scores=np.array(scores, dtype=np.float32),
        class_ids=np.arange(count, dtype=np.int64),
        candidates=700,
        truncated=truncated,
    )


def test_the_record_of_a_photo_is_the_contracts() -> None:
    record = result(found(0.86)).to_dict()
    assert record == {
        "image": "a/b.jpg",
        "width": 4,
        "height": 2,
        "pack": "herd",
        "version": "3",
        "task": "detect",
        "status": "done",
        "detections": [
            {"label": "cow", "class_id": 0, "score": 0.86, "box": [1.0, 2.0, 3.14, 4.0]}
        ],
        "timing": {"decode_seconds": 0.001235, "model_seconds": 0.5},
    }


def test_a_truncated_list_says_so_with_its_candidates() -> None:
    record = result(found(0.86, truncated=True)).to_dict()
    assert record["truncated"] is True
    assert record["candidates"] == 700
    assert "truncated" not in result(found(0.86)).to_dict()


def test_a_failure_has_code_message_and_hint_and_no_detections() -> None:
    fault = PhotoError("image-truncated", "it ends early", hint="Copy it again.")
    record = result(None, fault).to_dict()
    assert record["status"] == "failed"
    assert record["error"] == {
        "code": "image-truncated",
        "message": "it ends early",
        "hint": "Copy it again.",
    }
    assert "detections" not in record


def test_a_classifier_shows_its_five_surest_classes_in_order() -> None:
    values = np.array([0.1, 0.4, 0.05, 0.2, 0.05, 0.2], dtype=np.float32)
    classes = result(Probabilities(values=values)).to_dict()["classes"]
    assert [entry["class_id"] for entry in classes] == [1, 3, 5, 0, 2]
    assert [entry["label"] for entry in classes][:2] == ["sheep", "3"]


def test_a_label_maps_legend_counts_every_pixel_largest_first() -> None:
    ids = np.array([[0, 0, 2, 2], [2, 2, 0, 1]], dtype=np.uint8)
    record = result(LabelMap(class_ids=ids)).to_dict(with_map=True)
    assert record["legend"] == [
        {"label": "goat", "class_id": 2, "pixels": 4},
        {"label": "cow", "class_id": 0, "pixels": 3},
        {"label": "sheep", "class_id": 1, "pixels": 1},
    ]
    image = Image.open(io.BytesIO(base64.b64decode(record["map"])))
    assert np.array_equal(np.asarray(image), ids)
    assert "map" not in result(LabelMap(class_ids=ids)).to_dict()


@pytest.mark.parametrize(
    "outcome",
    [
        found(0.5, 0.4),
        Probabilities(values=np.array([0.5, 0.5], dtype=np.float32)),
        LabelMap(class_ids=np.zeros((2, 4), dtype=np.uint8)),
        Tensors(values={"y": np.arange(6, dtype=np.int64).reshape(2, 3)}),
    ],
)
def test_every_record_is_plain_json(outcome: TaskOutcome) -> None:
    record = result(outcome).to_dict(with_map=True)
    assert json.loads(msgspec.json.encode(record)) == record


def test_a_threshold_touches_only_detections() -> None:
    assert len(result(found(0.9, 0.2)).above(0.5).detections) == 1
    classes = result(Probabilities(values=np.array([0.2], dtype=np.float32)))
    assert classes.above(0.5) is classes


def test_a_result_goes_to_another_process_without_what_was_made_on_asking() -> None:
    seen = result(found(*([0.9] * 300)))
    before = len(pickle.dumps(seen))
    assert len(seen.detections) == 300
    sent = pickle.dumps(seen)
    assert len(sent) == before
    assert pickle.loads(sent).to_dict() == seen.to_dict()


def test_objects_that_a_run_kept_say_what_columns_say() -> None:
    columns = found(0.86, 0.4, 0.2, truncated=True)
    survey = DetectSurvey()
    rows = list(survey.rows(columns))
    kept = survey.stored(rows, PACK.labels, candidates=700, truncated=True)
    assert list(survey.rows(kept)) == rows
    assert kept.objects(PACK.labels) == columns.objects(PACK.labels)
    for threshold in (0.0, 0.4, 0.9):
        ours, theirs = kept.above(threshold), columns.above(threshold)
        assert ours.fields(PACK.labels, (4, 2), with_map=False) == theirs.fields(
            PACK.labels, (4, 2), with_map=False
        )
        assert list(ours.rows(PACK.labels)) == list(theirs.rows(PACK.labels))
        assert list(ours.lines(PACK.labels)) == list(theirs.lines(PACK.labels))


def test_a_mask_stands_in_the_record_with_its_area_and_the_photos_size() -> None:
    row = (0, 0.5, 0.0, 0.0, 4.0, 2.0, "152", 1, 0)
    kept = DetectSurvey().stored([row], PACK.labels, candidates=None, truncated=True)
    (one,) = kept.objects(PACK.labels)
    assert (one.label, one.mask, one.review, one.counted) == ("cow", "152", True, False)
    assert kept.fields(PACK.labels, (4, 2), with_map=False) == {
        "detections": [
            {
                "label": "cow",
                "class_id": 0,
                "score": 0.5,
                "box": [0.0, 0.0, 4.0, 2.0],
                "mask": {"size": [2, 4], "counts": "152"},
                "area": 5,
            }
        ],
        "truncated": True,
    }
