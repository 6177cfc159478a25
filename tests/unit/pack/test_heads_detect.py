"""The yolox, fastestdet and boxes heads read raw outputs as the reference decoders do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.unit.pack.conftest import run

from haversack.errors import ImportRefusedError
from haversack.pack.decoding import Decoding, Reading
from haversack.pack.graph.heads import boxes, fastestdet, yolox
from haversack.pack.graph.heads.head import HeadGraph
from haversack.pack.reference import decode
from haversack.packfile.manifest import Suppression
from haversack.packfile.signature import TensorSpec

Array = NDArray[Any]
OPSETS = [11, 13, 17, 18]
WIDTH, HEIGHT = 96, 64
CELLS = (96 // 8) * (64 // 8) + (96 // 16) * (64 // 16) + (96 // 32) * (64 // 32)


def decoding(*outputs: tuple[str, Array], **changes: Any) -> Decoding:
    specs = tuple(TensorSpec(name=n, datatype=_datatype(a), shape=a.shape) for n, a in outputs)
    values: dict[str, Any] = {"width": WIDTH, "height": HEIGHT, "labels": 3, "opset": 13}
    reading = {name: changes.pop(name) for name in Reading.__struct_fields__ if name in changes}
    return Decoding(outputs=specs, reading=Reading(**reading), **values | changes)


def _datatype(array: Array) -> str:
    return {"float32": "FP32", "int64": "INT64", "int32": "INT32"}[str(array.dtype)]


def read(built: HeadGraph, *outputs: Array) -> tuple[Array, Array, Array]:
    """boxes[N,A,4], scores[N,A], classes[N,A] of the head's graph."""
    wanted = {value.name for value in built.model.graph.input}
    feeds = {f"raw_{i}": a for i, a in enumerate(outputs) if f"raw_{i}" in wanted}
    got = run(built.model, **feeds)
    return got["all_boxes"], got["all_scores"], got["all_classes"]


def assert_reference(
    read_raw: Callable[..., decode.RawBoxes], built: HeadGraph, seen: Decoding, *outputs: Array
) -> None:
    found, scores, classes = read(built, *outputs)
    for i in range(len(found)):
        rows = [output[i : i + 1] for output in outputs]
        expected = read_raw(rows, seen)
        np.testing.assert_allclose(found[i], expected.boxes, rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(scores[i], expected.scores, rtol=1e-5, atol=1e-6)
        np.testing.assert_array_equal(classes[i], expected.class_ids)


def floats(seed: int, *shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).random(shape, np.float32)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("batch", [1, 3])
def test_yolox_equals_the_reference(batch: int, opset: int) -> None:
    raw = floats(1, batch, CELLS, 8)
    raw[..., :4] = raw[..., :4] * 4 - 2
    seen = decoding(("output", raw), opset=opset, batch="N")
    built = yolox.build(seen)
    assert (built.anchors, built.own_nms) == (CELLS, False)
    assert_reference(decode.yolox, built, seen, raw)


def test_yolox_by_hand_the_first_cells_of_each_stride() -> None:
    raw = np.zeros((1, CELLS, 8), np.float32)
    raw[..., 4], raw[..., 5:] = 0.5, [0.25, 0.75, 0.5]
    found, scores, classes = read(yolox.build(decoding(("output", raw))), raw)
    # Zeros are a box of one stride around the cell's top left corner; x runs first.
    np.testing.assert_allclose(found[0, 0], [-4, -4, 4, 4])
    np.testing.assert_allclose(found[0, 1], [4, -4, 12, 4])
    np.testing.assert_allclose(found[0, 12], [-4, 4, 4, 12])
    np.testing.assert_allclose(found[0, 12 * 8], [-8, -8, 8, 8])
    np.testing.assert_allclose(found[0, 12 * 8 + 6 * 4 + 1], [16, -16, 48, 16])
    assert (scores == 0.375).all()
    assert (classes == 1).all()


def test_yolox_by_hand_an_offset_and_a_size() -> None:
    raw = np.zeros((1, CELLS, 8), np.float32)
    raw[0, 13] = [0.5, 0.25, np.log(2), np.log(3), 1, 0, 0, 1]  # cell x 1, y 1, stride 8
    found, scores, classes = read(yolox.build(decoding(("output", raw))), raw)
    np.testing.assert_allclose(found[0, 13], [12 - 8, 10 - 12, 12 + 8, 10 + 12], rtol=1e-6)
    assert (scores[0, 13], classes[0, 13]) == (1, 2)


def test_yolox_with_a_fourth_stride_is_known_by_its_count() -> None:
    cells = CELLS + (128 // 64) * 0 + (96 // 64) * (64 // 64)
    raw = floats(2, 1, cells, 8)
    seen = decoding(("output", raw))
    assert_reference(decode.yolox, yolox.build(seen), seen, raw)
    np.testing.assert_allclose(read(yolox.build(seen), raw * 0)[0][0, -1], [-32, -32, 32, 32])


@pytest.mark.parametrize("shape", [(1, CELLS - 1, 8), (1, CELLS, 9), (1, CELLS, 5), (1, 8, CELLS)])
def test_yolox_refuses_other_shapes_and_names_them(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImportRefusedError, match="96x64") as caught:
        yolox.build(decoding(("output", np.zeros(shape, np.float32))))
    assert caught.value.code == "outputs-unknown"
    assert str(shape[1]) in caught.value.message
    assert "--labels" in caught.value.hint


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("batch", [1, 3])
def test_fastestdet_equals_the_reference(batch: int, opset: int) -> None:
    raw = floats(3, batch, 8, 4, 6)
    raw[:, 1:5] = raw[:, 1:5] * 6 - 3
    seen = decoding(("output", raw), opset=opset, batch="N")
    built = fastestdet.build(seen)
    assert built.anchors == 24
    assert_reference(decode.fastestdet, built, seen, raw)


def test_fastestdet_by_hand() -> None:
    raw = np.zeros((1, 8, 4, 6), np.float32)
    raw[0, :, 2, 5] = [0.5, np.arctanh(0.5), np.arctanh(-0.5), 0, np.log(3), 0.25, 0.0, 0.75]
    found, scores, classes = read(fastestdet.build(decoding(("output", raw))), raw)
    cell = 2 * 6 + 5  # row 2, column 5; a cell is 16 x 16 px
    centre_x, centre_y, width, height = 5.5 * 16, 1.5 * 16, 48, 48
    np.testing.assert_allclose(
        found[0, cell],
        [
            centre_x - width / 2,
            centre_y - height / 2,
            centre_x + width / 2,
            centre_y + height / 2,
        ],
        rtol=1e-5,
    )
    np.testing.assert_allclose(scores[0, cell], 0.5**0.6 * 0.75**0.4, rtol=1e-6)
    assert classes[0, cell] == 2
    assert not np.delete(scores[0], cell).any()


@pytest.mark.parametrize("shape", [(1, 5, 4, 6), (1, 9, 4, 6), (1, 8, 24)])
def test_fastestdet_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ImportRefusedError) as caught:
        fastestdet.build(decoding(("output", np.zeros(shape, np.float32))))
    assert caught.value.code == "outputs-unknown"


# One output: [N,A,4+C], [N,A,5+C], [N,4+C,A], [N,5+C,A], [N,K,6].
JOINT = {
    "rows": (20, 7),
    "rows with objectness": (20, 8),
    "turned": (7, 20),
    "turned with objectness": (8, 20),
}


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("layout", JOINT)
@pytest.mark.parametrize("box_format", ["xyxy", "xywh", "cxcywh", "yxyx"])
def test_joint_boxes_equal_the_reference(box_format: str, layout: str, opset: int) -> None:
    raw = floats(4, 2, *JOINT[layout])
    seen = decoding(("output0", raw), opset=opset, batch="N", box_format=box_format)
    built = boxes.build(seen)
    assert (built.anchors, built.own_nms) == (20, False)
    assert_reference(decode.boxes, built, seen, raw)


@pytest.mark.parametrize(
    ("box_format", "quad"),
    [
        ("xyxy", [10, 20, 40, 60]),
        ("xywh", [10, 20, 30, 40]),
        ("cxcywh", [25, 40, 30, 40]),
        ("yxyx", [20, 10, 60, 40]),
    ],
)
@pytest.mark.parametrize("units", ["pixels", "fraction"])
def test_every_box_format_by_hand(units: str, box_format: str, quad: list[float]) -> None:
    sides = np.array([HEIGHT, WIDTH] if box_format == "yxyx" else [WIDTH, HEIGHT])
    row = np.array([*quad, 0.25, 0.5, 0.125])
    if units == "fraction":
        row[:4] /= np.tile(sides, 2)
    raw = row.astype(np.float32)[None, None]
    seen = decoding(("output0", raw), box_format=box_format, box_units=units)
    found, scores, classes = read(boxes.build(seen), raw)
    np.testing.assert_allclose(found[0, 0], [10, 20, 40, 60], rtol=1e-5)
    assert (scores[0, 0], classes[0, 0]) == (0.5, 1)


def test_objectness_multiplies_the_best_class_by_hand() -> None:
    raw = np.array([[[1, 2, 3, 4, 0.5, 0.25, 0.5, 0.75]]], np.float32)
    _, scores, classes = read(boxes.build(decoding(("output0", raw))), raw)
    assert (scores[0, 0], classes[0, 0]) == (0.375, 2)


def test_turned_rows_by_hand() -> None:
    raw = np.zeros((1, 7, 2), np.float32)
    raw[0, :, 1] = [1, 2, 3, 4, 0, 0.5, 0]
    found, scores, classes = read(boxes.build(decoding(("output0", raw))), raw)
    np.testing.assert_array_equal(found[0, 1], [1, 2, 3, 4])
    assert (scores[0, 1], classes[0, 1]) == (0.5, 1)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("first_label", [0, 1])
def test_rows_after_the_networks_own_nms_are_box_score_class(first_label: int, opset: int) -> None:
    raw = np.array([[[1, 2, 3, 4, 0.75, 2], [5, 6, 7, 8, 0.5, 1]]], np.float32)
    seen = decoding(("output0", raw), opset=opset, first_label=first_label, batch="N", labels=5)
    built = boxes.build(seen)
    assert (built.own_nms, built.anchors) == (True, 2)
    found, scores, classes = read(built, raw)
    np.testing.assert_array_equal(found[0], raw[0, :, :4])
    np.testing.assert_array_equal(scores[0], [0.75, 0.5])
    np.testing.assert_array_equal(classes[0], np.array([2, 1]) - first_label)
    assert_reference(decode.boxes, built, seen, raw)


@pytest.mark.parametrize("opset", OPSETS)
def test_boxes_apart_from_scores_by_class(opset: int) -> None:
    quads, table = floats(5, 2, 20, 4), floats(6, 2, 20, 3)
    seen = decoding(("boxes", quads), ("scores", table), opset=opset, batch="N")
    built = boxes.build(seen)
    assert (built.own_nms, built.anchors) == (False, 20)
    assert_reference(decode.boxes, built, seen, quads, table)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("kind", [np.int64, np.int32, np.float32])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_boxes_scores_and_classes_apart_in_any_order(
    order: tuple[int, ...], kind: type, opset: int
) -> None:
    quads, scores = floats(7, 2, 20, 4), floats(8, 2, 20)
    classes: Array = np.random.default_rng(9).integers(1, 4, (2, 20)).astype(kind)
    named = [("boxes", quads), ("scores", scores), ("classes", classes)]
    outputs = [named[i] for i in order]
    seen = decoding(*outputs, opset=opset, batch="N", first_label=1)
    built = boxes.build(seen)
    found, got, ids = read(built, *(array for _, array in outputs))
    np.testing.assert_array_equal(found, quads)
    np.testing.assert_array_equal(got, scores)
    np.testing.assert_array_equal(ids, classes.astype(np.int64) - 1)
    assert_reference(decode.boxes, built, seen, *(array for _, array in outputs))


def test_an_output_with_the_number_of_detections_marks_the_networks_own_nms() -> None:
    arrays: list[Array] = [
        floats(7, 1, 20, 4),
        floats(8, 1, 20),
        floats(9, 1, 20),
        np.array([20], np.float32),
    ]
    names = ["detection_boxes", "detection_scores", "detection_classes", "num_detections"]
    seen = decoding(*zip(names, arrays, strict=True), first_label=1, box_format="yxyx", batch="N")
    assert boxes.build(seen).own_nms
    assert not boxes.build(decoding(*zip(names[:3], arrays[:3], strict=True))).own_nms


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_ragged_list_is_followed_by_empty_slots(count: int, opset: int) -> None:
    quads, scores = floats(10, count, 4) * 50, floats(11, count)
    labels = np.arange(1, count + 1)
    arrays: list[Array] = [quads, labels, scores]  # torchvision's order
    seen = decoding(
        *zip(("boxes", "labels", "scores"), arrays, strict=True),
        opset=opset,
        first_label=1,
        suppression=Suppression(candidates=4),
    )
    built = boxes.build(seen)
    assert (built.own_nms, built.anchors) == (True, None)
    found, got, ids = read(built, *arrays)
    assert found.shape == (1, count + 4, 4)
    np.testing.assert_array_equal(found[0, :count], quads)
    np.testing.assert_array_equal(got[0], [*scores, 0, 0, 0, 0])
    np.testing.assert_array_equal(ids[0, :count], np.arange(count))
    expected = decode.boxes(arrays, seen)
    np.testing.assert_array_equal(expected.scores, scores)
    np.testing.assert_array_equal(expected.class_ids, np.arange(count))


def test_a_ragged_list_seen_with_three_boxes_is_read_with_none() -> None:
    arrays: list[Array] = [floats(1, 3, 4), np.arange(3), floats(2, 3)]
    built = boxes.build(decoding(*zip(("boxes", "labels", "scores"), arrays, strict=True)))
    _, scores, _ = read(built, *(array[:0] for array in arrays))
    assert scores.shape == (1, 600)
    assert not scores.any()


@pytest.mark.parametrize(
    "outputs",
    [
        [("a", np.zeros((1, 20, 9), np.float32))],
        [("a", np.zeros((1, 20), np.float32))],
        [("a", np.zeros((1, 20, 4), np.float32)), ("b", np.zeros((1, 19), np.float32))],
        [("a", np.zeros((1, 20, 4), np.float32)), ("b", np.zeros((1, 20, 4), np.float32))],
        [("a", np.zeros((1, 20, 4), np.float32)), ("b", np.zeros((1, 20), np.float32))],
        [("a", np.zeros((1, 7, 7), np.float32))],
    ],
)
def test_boxes_that_could_be_read_in_no_way_or_in_two_are_refused(
    outputs: list[tuple[str, Array]],
) -> None:
    with pytest.raises(ImportRefusedError, match="boxes head reads") as caught:
        boxes.build(decoding(*outputs))
    assert caught.value.code == "outputs-unknown"
    assert "a FP32[1," in caught.value.message
    assert "--labels" in caught.value.hint
    assert "--head none" in caught.value.hint


def test_without_labels_rows_of_class_scores_are_refused_rather_than_guessed() -> None:
    with pytest.raises(ImportRefusedError):
        boxes.build(decoding(("output0", np.zeros((1, 20, 84), np.float32)), labels=0))
