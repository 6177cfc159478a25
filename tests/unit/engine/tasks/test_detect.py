from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haversack.engine.boxes import area, clip, iou
from haversack.engine.tasks.detect import Detections, Slots, from_slots


def slots(scores: list[float], candidates: int | None = None) -> Slots:
    count = len(scores)
    left = np.arange(count, dtype=np.float32)
    return Slots(
        boxes=np.stack([left, left, left + 10, left + 10], axis=1),
        scores=np.array(scores, dtype=np.float32),
        class_ids=np.arange(count, dtype=np.int64) % 3,
        candidates=count if candidates is None else candidates,
    )


def taken(given_slots: Slots, limit: int = 600) -> Detections:
    return from_slots(given_slots, width=100, height=100, candidate_limit=limit)


def test_empty_slots_are_dropped_and_the_rest_sorted_surest_first() -> None:
    found = taken(slots([0.2, 0.0, 0.9, 0.5, 0.0]))
    assert found.scores.tolist() == pytest.approx([0.9, 0.5, 0.2])
    assert found.class_ids.tolist() == [2, 0, 0]


def test_equal_scores_keep_the_graphs_order() -> None:
    found = taken(slots([0.5, 0.5, 0.5]))
    assert found.boxes[:, 0].tolist() == [0, 1, 2]


def test_boxes_are_cut_to_the_photo() -> None:
    wide = Slots(
        boxes=np.array([[-5, -6, 120, 130]], dtype=np.float32),
        scores=np.ones(1, dtype=np.float32),
        class_ids=np.zeros(1, dtype=np.int64),
        candidates=1,
    )
    found = from_slots(wide, width=100, height=80, candidate_limit=600)
    assert found.boxes.tolist() == [[0, 0, 100, 80]]


def test_more_candidates_than_the_graph_keeps_is_truncated_never_silently_complete() -> None:
    assert taken(slots([0.9, 0.0], candidates=601)).truncated
    assert not taken(slots([0.9, 0.0], candidates=600)).truncated


def test_every_slot_taken_while_more_passed_the_floor_is_truncated() -> None:
    assert taken(slots([0.9, 0.8], candidates=3)).truncated
    assert not taken(slots([0.9, 0.8], candidates=2)).truncated


def test_a_photo_with_nothing_in_it_gives_no_detections() -> None:
    found = taken(slots([0.0, 0.0], candidates=0))
    assert len(found) == 0
    assert not found.truncated
    assert found.objects(("cow",)) == ()


def test_a_threshold_keeps_scores_that_equal_it() -> None:
    found = taken(slots([0.25, 0.5, 0.75])).above(0.5)
    assert found.scores.tolist() == [0.75, 0.5]


def test_a_class_without_a_name_is_called_by_its_number() -> None:
    assert [one.label for one in taken(slots([0.9, 0.8, 0.7])).objects(("cow",))] == [
        "cow",
        "1",
        "2",
    ]


box = st.tuples(*[st.floats(0, 90, width=32)] * 2, *[st.floats(1, 50, width=32)] * 2).map(
    lambda b: [b[0], b[1], b[0] + b[2], b[1] + b[3]]
)


@given(st.lists(box, min_size=1, max_size=6), st.lists(box, min_size=1, max_size=6))
def test_iou_is_symmetric_one_with_itself_and_within_bounds(
    first: list[list[float]], second: list[list[float]]
) -> None:
    a, b = np.array(first, dtype=np.float32), np.array(second, dtype=np.float32)
    assert np.allclose(iou(a, b), iou(b, a).T)
    assert np.allclose(np.diag(iou(a, a)), 1, atol=1e-5)
    assert (iou(a, b) >= 0).all()
    assert (iou(a, b) <= 1 + 1e-5).all()


def test_iou_of_a_hand_computed_pair() -> None:
    a = np.array([[0, 0, 10, 10]], dtype=np.float32)
    b = np.array([[5, 0, 15, 10], [20, 20, 30, 30], [0, 0, 0, 0]], dtype=np.float32)
    assert iou(a, b).tolist() == [[pytest.approx(50 / 150), 0, 0]]


def test_a_box_inside_out_has_no_area_and_clipping_keeps_order() -> None:
    boxes = np.array([[5, 5, 1, 9], [1, 2, 3, 4]], dtype=np.float32)
    assert area(boxes).tolist() == [0, 4]
    assert clip(boxes, width=2, height=2).tolist() == [[2, 2, 1, 2], [1, 2, 2, 2]]
