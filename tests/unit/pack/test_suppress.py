"""The static NMS of the graph keeps what greedy NMS keeps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from haversack.engine.ort import OrtSession, open_session
from haversack.engine.session import SessionOptions
from haversack.pack.graph.suppress import ROUNDS, fitted, suppress_graph
from haversack.pack.reference.decode import RawBoxes, suppress
from haversack.packfile.manifest import Suppression

Array = NDArray[Any]
PLAIN = np.array([1, 1, 0, 0], dtype=np.float32)
ANCHORS = 14


@dataclass(frozen=True)
class Rule:
    """A back of a graph, and the head's boxes that it is for."""

    settings: Suppression
    anchors: int | None
    batch: str


def rule(anchors: int | None = ANCHORS, batch: str = "N", **changes: Any) -> Rule:
    values: dict[str, Any] = {
        "score_floor": 0.25,
        "nms_iou": 0.5,
        "candidates": 10,
        "max_detections": 6,
    }
    wanted = Suppression(**values | changes)
    return Rule(fitted(wanted, anchors=anchors, own_nms=False), anchors, batch)


@cache
def session(wanted: Rule, opset: int = 13) -> OrtSession:
    graph = suppress_graph(wanted.settings, anchors=wanted.anchors, batch=wanted.batch, opset=opset)
    return open_session(graph.SerializeToString(), SessionOptions(threads=1))


def suppressed(
    wanted: Rule,
    boxes: Array,
    scores: Array,
    classes: Array | None = None,
    placed: Array = PLAIN,
    opset: int = 13,
) -> dict[str, Array]:
    """One photo's slots, or a batch's where the arrays have a batch."""
    boxes, scores = np.asarray(boxes, np.float32), np.asarray(scores, np.float32)
    classes = np.zeros(scores.shape, np.int64) if classes is None else np.asarray(classes, np.int64)
    alone = boxes.ndim == 2
    if alone:
        boxes, scores, classes = boxes[None], scores[None], classes[None]
    placements = np.broadcast_to(placed, (len(boxes), 4)).astype(np.float32)
    outputs = session(wanted, opset).run(
        {
            "all_boxes": boxes,
            "all_scores": scores,
            "all_classes": classes,
            "placed": placements,
        }
    )
    return {name: values[0] for name, values in outputs.items()} if alone else outputs


def greedy(wanted: Rule, boxes: Array, scores: Array, classes: Array) -> NDArray[np.int64]:
    raw = RawBoxes(
        boxes=boxes.astype(np.float64), scores=scores.astype(np.float64), class_ids=classes
    )
    return suppress(raw, wanted.settings)


def assert_greedy(wanted: Rule, boxes: Array, scores: Array, classes: Array) -> None:
    boxes, scores = boxes.astype(np.float32), scores.astype(np.float32)
    got = suppressed(wanted, boxes, scores, classes)
    kept = greedy(wanted, boxes, scores, classes)
    count = len(kept)
    np.testing.assert_array_equal(got["scores"][:count], scores[kept])
    np.testing.assert_array_equal(got["boxes"][:count], boxes[kept])
    np.testing.assert_array_equal(got["classes"][:count], classes[kept])
    for name in ("boxes", "scores", "classes"):
        assert not got[name][count:].any(), f"{name} of empty slots"
    passed = np.nan_to_num(scores, nan=-1) >= wanted.settings.score_floor
    assert got["candidates"] == passed.sum()


# Quarters of a pixel and eighths of a score are exact in float32: no tie is decided by rounding.
SIDES = st.tuples(*[st.integers(0, 40)] * 2, *[st.integers(0, 24)] * 2)
SCORES = st.one_of(st.integers(0, 8).map(lambda eighths: eighths / 8), st.just(float("nan")))
ANCHOR = st.tuples(SIDES, SCORES, st.integers(0, 2))


def columns(anchors: list[Any]) -> tuple[Array, Array, Array]:
    boxes = np.array([(x, y, x + w, y + h) for (x, y, w, h), _, _ in anchors], np.float32) / 4
    scores = np.array([score for _, score, _ in anchors], np.float32)
    return boxes, scores, np.array([class_id for _, _, class_id in anchors], np.int64)


@settings(max_examples=200, deadline=None)
@given(st.lists(ANCHOR, min_size=ANCHORS, max_size=ANCHORS))
def test_random_boxes_give_greedy_nms(anchors: list[Any]) -> None:
    assert_greedy(rule(), *columns(anchors))


@settings(max_examples=100, deadline=None)
@given(st.lists(ANCHOR, min_size=ANCHORS, max_size=ANCHORS), st.sampled_from([0.25, 0.5, 1.0]))
def test_every_threshold_gives_greedy_nms(anchors: list[Any], nms_iou: float) -> None:
    assert_greedy(rule(nms_iou=nms_iou, candidates=14), *columns(anchors))


@pytest.mark.parametrize("opset", [11, 12, 13, 17, 18])
def test_every_opset_gives_greedy_nms(opset: int) -> None:
    boxes, scores, classes = crowd(3, ANCHORS)
    expected = suppressed(rule(), boxes, scores, classes)
    got = suppressed(rule(), boxes, scores, classes, opset=opset)
    for name, values in expected.items():
        assert got[name].tobytes() == values.tobytes()


def crowd(seed: int, count: int, side: float = 40.0) -> tuple[Array, Array, Array]:
    """Boxes of 10 px thrown over a small field: many overlap."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, side, (count, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(6, 14, (count, 2))], axis=1)
    return boxes.astype(np.float32), rng.random(count, np.float32), rng.integers(0, 2, count)


@pytest.mark.parametrize("seed", range(8))
def test_a_crowded_scene_gives_greedy_nms(seed: int) -> None:
    wanted = rule(candidates=300, max_detections=200, anchors=400, score_floor=0.0625)
    assert_greedy(wanted, *crowd(seed, 400, side=60 + 20 * seed))


def chain(count: int, step: float = 3) -> tuple[Array, Array, Array]:
    """Boxes of 10 px, each over the next and no further, surest first: greedy keeps every other."""
    left = np.arange(count, dtype=np.float32) * np.float32(step)
    boxes = np.stack([left, np.zeros_like(left), left + 10, np.full_like(left, 10)], axis=1)
    return boxes, np.linspace(0.9, 0.5, count, dtype=np.float32), np.zeros(count, np.int64)


@pytest.mark.parametrize("count", range(2, ROUNDS + 2))
def test_a_chain_of_hidden_boxes_gives_greedy_nms(count: int) -> None:
    wanted = rule(candidates=20, max_detections=20, anchors=count)
    boxes, scores, classes = chain(count)
    assert_greedy(wanted, boxes, scores, classes)
    kept = suppressed(wanted, boxes, scores, classes)["scores"]
    np.testing.assert_array_equal(kept[kept > 0], scores[::2])


def test_past_twelve_links_a_chain_keeps_more_than_greedy_nms_and_never_less() -> None:
    """The documented limit: each round settles one more link; what is unsettled is kept or hidden
    together, so a chain of 40 boxes keeps its sure head right and its weak tail as it stands."""
    count = 40
    wanted = rule(candidates=count, max_detections=count, anchors=count)
    boxes, scores, classes = chain(count)
    got = suppressed(wanted, boxes, scores, classes)
    kept = np.isin(scores, got["scores"])
    right = np.zeros(count, bool)
    right[greedy(wanted, boxes, scores, classes)] = True
    settled = ROUNDS + 1
    np.testing.assert_array_equal(kept[:settled], right[:settled])
    assert kept[settled:].all(), "after an even number of rounds the tail stays whole"
    assert not (right & ~kept).any(), "nothing that greedy NMS keeps is lost"


def test_the_surer_of_two_boxes_stays_and_another_class_is_not_hidden() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 10]])
    got = suppressed(rule(anchors=3), boxes, np.array([0.5, 0.75, 0.625]), np.array([1, 1, 2]))
    np.testing.assert_array_equal(got["scores"], [0.75, 0.625, 0])
    np.testing.assert_array_equal(got["classes"], [1, 2, 0])
    np.testing.assert_array_equal(got["boxes"][0], [0, 0, 10, 9])


def test_an_iou_at_the_threshold_hides_nothing_and_above_it_does() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 5]])  # IoU exactly 1/2
    scores = np.array([0.75, 0.5])
    assert suppressed(rule(anchors=2), boxes, scores)["scores"].all()
    boxes[1, 3] = 6
    np.testing.assert_array_equal(suppressed(rule(anchors=2), boxes, scores)["scores"], [0.75, 0])


def test_of_equal_scores_the_first_box_stays() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [0, 0, 10, 8]])
    got = suppressed(rule(anchors=3), boxes, np.full(3, 0.5))
    np.testing.assert_array_equal(got["boxes"], [boxes[0], np.zeros(4), np.zeros(4)])


def test_boxes_of_equal_scores_that_do_not_meet_keep_their_order() -> None:
    boxes = np.array([[20 * i, 0, 20 * i + 10, 10] for i in range(6)])
    got = suppressed(rule(anchors=6), boxes, np.full(6, 0.5))
    np.testing.assert_array_equal(got["boxes"], boxes)


def test_a_nan_score_never_passes() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 10], [50, 50, 60, 60]])
    got = suppressed(rule(anchors=3), boxes, np.array([np.nan, 0.5, np.nan]))
    np.testing.assert_array_equal(got["scores"], [0.5, 0, 0])
    assert got["candidates"] == 1
    assert not np.isnan(got["boxes"]).any()


def test_nan_boxes_below_the_floor_leave_no_trace() -> None:
    boxes = np.array([[np.nan] * 4, [0, 0, 10, 10], [np.inf] * 4])
    got = suppressed(rule(anchors=3), boxes, np.array([0.1, 0.5, 0.2]))
    np.testing.assert_array_equal(got["boxes"], [[0, 0, 10, 10], np.zeros(4), np.zeros(4)])


@pytest.mark.parametrize("floor", [0.05, 0.1, 0.3, 0.7])
def test_a_score_exactly_at_the_floor_passes_and_the_next_below_does_not(floor: float) -> None:
    at = np.float32(floor)
    boxes = np.array([[0, 0, 10, 10], [50, 50, 60, 60]])
    got = suppressed(
        rule(anchors=2, score_floor=floor), boxes, np.array([at, np.nextafter(at, np.float32(0))])
    )
    np.testing.assert_array_equal(got["scores"], [at, 0])
    assert got["candidates"] == 1


def test_a_floor_of_nothing_still_leaves_slots_of_score_0_empty() -> None:
    boxes = np.array([[0, 0, 10, 10], [50, 50, 60, 60]])
    got = suppressed(rule(anchors=2, score_floor=0), boxes, np.array([0, 0.5]), np.array([3, 4]))
    np.testing.assert_array_equal(got["scores"], [0.5, 0])
    np.testing.assert_array_equal(got["classes"], [4, 0])


def test_more_candidates_than_kept_are_counted_and_the_surest_are_kept() -> None:
    count = 50
    boxes = np.array([[20 * i, 0, 20 * i + 10, 10] for i in range(count)])
    scores = np.linspace(0.3, 0.9, count, dtype=np.float32)
    got = suppressed(rule(anchors=count, candidates=10, max_detections=6), boxes, scores)
    np.testing.assert_array_equal(got["scores"], scores[::-1][:6])
    assert got["candidates"] == count


def test_fewer_anchors_than_candidates_lower_both_cuts() -> None:
    wanted = rule(anchors=3, candidates=600, max_detections=300)
    assert (wanted.settings.candidates, wanted.settings.max_detections) == (3, 3)
    boxes = np.array([[20 * i, 0, 20 * i + 10, 10] for i in range(3)])
    assert suppressed(wanted, boxes, np.full(3, 0.5))["boxes"].shape == (3, 4)


def test_an_nms_iou_of_1_keeps_every_double() -> None:
    boxes = np.tile([0, 0, 10, 10], (5, 1))
    got = suppressed(rule(anchors=5, nms_iou=1.0), boxes, np.full(5, 0.5))
    assert (got["scores"] == 0.5).sum() == 5


def test_an_nms_iou_of_0_hides_every_box_that_meets_a_surer_one() -> None:
    boxes = np.array([[0, 0, 10, 10], [9, 9, 19, 19], [10, 0, 20, 10]])  # the third only touches
    got = suppressed(rule(anchors=3, nms_iou=0.0), boxes, np.array([0.75, 0.5, 0.4375]))
    np.testing.assert_array_equal(got["scores"], [0.75, 0.4375, 0])


def test_a_list_of_any_length_is_read_where_the_anchors_vary() -> None:
    wanted = rule(anchors=None, batch="1", candidates=4)
    for count in (4, 5, 9):
        boxes = np.array([[20 * i, 0, 20 * i + 10, 10] for i in range(count)])
        got = suppressed(wanted, boxes, np.linspace(0.9, 0.5, count))
        assert (got["scores"] > 0).sum() == 4
        assert got["candidates"] == count


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_each_row_of_a_batch_equals_its_photo_alone_bit_for_bit(count: int) -> None:
    wanted = rule(anchors=200, candidates=120, max_detections=60)
    photos = [crowd(seed, 200, side=80 + 60 * seed) for seed in range(count)]
    placed = np.random.default_rng(1).uniform(0.2, 3, (count, 4)).astype(np.float32)
    stacked = [np.stack(parts) for parts in zip(*photos, strict=True)]
    boxes, scores, classes = stacked
    together = suppressed(wanted, boxes, scores, classes, placed)
    for i, parts in enumerate(photos):
        alone = suppressed(wanted, parts[0], parts[1], parts[2], placed[i])
        for name, values in alone.items():
            assert together[name][i].tobytes() == values.tobytes()


def test_an_empty_photo_between_full_ones_stays_empty() -> None:
    photos = [crowd(seed, ANCHORS) for seed in range(3)]
    stacked = [np.stack(parts) for parts in zip(*photos, strict=True)]
    stacked[1][1] = 0
    boxes, scores, classes = stacked
    got = suppressed(rule(), boxes, scores, classes)
    assert got["candidates"][1] == 0
    for values in got.values():
        assert not values[1].any()
    assert (got["scores"][[0, 2]] > 0).any(axis=1).all()


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(*[st.floats(0.0625, 8, width=32)] * 2, *[st.floats(-400, 400, width=32)] * 2),
    st.tuples(*[st.floats(0, 3000, width=32)] * 2, *[st.floats(1, 900, width=32)] * 2),
)
def test_placement_is_undone(
    placed: tuple[float, ...], source: tuple[float, float, float, float]
) -> None:
    x, y, width, height = source
    box = np.array([x, y, x + width, y + height])
    scale, offset = np.array(placed[:2] * 2), np.array(placed[2:] * 2)
    pixel = box * scale + offset
    got = suppressed(
        rule(anchors=1), pixel[None], np.array([0.5]), placed=np.array(placed, np.float32)
    )
    # float32 pixels: an edge is known to their last bit, over the scale.
    bit = (np.abs(pixel) + np.abs(offset)).max() * 2**-22 / scale.min()
    np.testing.assert_allclose(got["boxes"][0], box, atol=float(bit) + 1e-3)
