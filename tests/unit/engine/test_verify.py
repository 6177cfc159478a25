from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from haversack.engine.session import Array
from haversack.engine.tasks.detect import Detections
from haversack.engine.tasks.label_map import LabelMap
from haversack.engine.tasks.tensor import Tensors


def found(*objects: tuple[float, float, int]) -> Detections:
    """(left, score, class) of boxes 10 px wide."""
    left = np.array([o[0] for o in objects], dtype=np.float32)
    return Detections(
        boxes=np.stack([left, left * 0, left + 10, left * 0 + 10], axis=1),
        scores=np.array([o[1] for o in objects], dtype=np.float32),
        class_ids=np.array([o[2] for o in objects], dtype=np.int64),
        candidates=len(objects),
        truncated=False,
    )


def worst(ours: Detections, theirs: Detections) -> float:
    expected: dict[str, Array] = {
        "boxes": theirs.boxes,
        "scores": theirs.scores,
        "classes": theirs.class_ids,
        "size": np.array([100, 100]),
    }
    return ours.difference(expected, threshold=0.4).worst


def tensors_worst(ours: dict[str, Array], theirs: dict[str, Array]) -> float:
    return Tensors(values=ours).difference(theirs, threshold=0).worst


def maps_worst(ours: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> float:
    return LabelMap(class_ids=ours).difference({"labels": theirs}, threshold=0).worst


def test_equal_objects_do_not_differ_in_any_order() -> None:
    assert worst(found((0, 0.9, 0), (50, 0.8, 1)), found((50, 0.8, 1), (0, 0.9, 0))) == 0


def test_scores_differ_as_they_are_and_edges_as_a_share_of_the_photo() -> None:
    assert worst(found((0, 0.85, 0)), found((0, 0.9, 0))) == pytest.approx(0.05, abs=1e-6)
    assert worst(found((3, 0.9, 0)), found((0, 0.9, 0))) == pytest.approx(0.03, abs=1e-6)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (found(), found((0, 0.9, 0))),
        (found((0, 0.9, 0)), found()),
        (found((0, 0.9, 1)), found((0, 0.9, 0))),
        (found((60, 0.9, 0)), found((0, 0.9, 0))),
    ],
)
def test_an_object_only_one_side_sees_counts_with_its_whole_score(
    ours: Detections, theirs: Detections
) -> None:
    assert worst(ours, theirs) == pytest.approx(0.9)


def test_what_both_sides_doubt_does_not_count() -> None:
    assert worst(found((0, 0.3, 0)), found()) == 0


def test_an_object_across_the_threshold_is_matched_with_its_other_half() -> None:
    assert worst(found((0, 0.41, 0)), found((0, 0.39, 0))) == pytest.approx(0.02, abs=1e-6)


def test_a_nan_is_never_equal() -> None:
    nan, one = np.array([math.nan]), np.array([1.0])
    assert tensors_worst({"y": nan}, {"y": one}) == math.inf
    assert worst(found((0, math.nan, 0)), found((0, 0.9, 0))) == math.inf


def test_a_missing_or_misshapen_output_differs_wholly() -> None:
    one = np.ones(3)
    assert tensors_worst({}, {"y": one}) == 1
    assert tensors_worst({"y": one[:2]}, {"y": one}) == 1
    labels = np.zeros((2, 2), dtype=np.uint8)
    assert maps_worst(labels[:1], labels) == 1


def test_labels_differ_by_the_share_of_their_pixels() -> None:
    ours, theirs = np.zeros((2, 5), dtype=np.uint8), np.zeros((2, 5), dtype=np.uint8)
    ours[0, 0] = 1
    assert maps_worst(ours, theirs) == pytest.approx(0.1)


def test_empty_tensors_are_equal() -> None:
    nothing = np.zeros((0, 4), dtype=np.float32)
    assert tensors_worst({"y": nothing}, {"y": nothing}) == 0
