"""Decoding apart from the graphs: each head's outputs read in numpy, in float64.

Written from the models' own postprocessing, one photo at a time, with greedy NMS: what a graph
says is compared with this, at import and in the tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from haversack.pack.box_outputs import BoxOutputs, recognise
from haversack.pack.decoding import Decoding
from haversack.pack.reference.pixels import Placed
from haversack.packfile.manifest import Suppression

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class RawBoxes:
    """One photo's boxes before suppression: float64[A,4] xyxy in network pixels, scores, ids."""

    boxes: Floats
    scores: Floats
    class_ids: NDArray[np.int64]
    own_nms: bool = False


def yolox(outputs: list[NDArray[Any]], decoding: Decoding) -> RawBoxes:
    """xy = (xy + cell) * stride, wh = exp(wh) * stride, score = objectness * class."""
    rows = outputs[0][0].astype(np.float64)
    cells: list[tuple[int, int, int]] = []
    strides = (8, 16, 32) if len(rows) == _cells(decoding, (8, 16, 32)) else (8, 16, 32, 64)
    for stride in strides:
        for y in range(decoding.height // stride):
            cells.extend((x, y, stride) for x in range(decoding.width // stride))
    x, y, stride = np.array(cells, dtype=np.float64).T
    centre_x, centre_y = (rows[:, 0] + x) * stride, (rows[:, 1] + y) * stride
    width, height = np.exp(rows[:, 2]) * stride, np.exp(rows[:, 3]) * stride
    class_ids = rows[:, 5:].argmax(axis=1)
    scores = rows[:, 4] * rows[:, 5:].max(axis=1)
    return RawBoxes(
        boxes=_around(centre_x, centre_y, width, height), scores=scores, class_ids=class_ids
    )


def _cells(decoding: Decoding, strides: tuple[int, ...]) -> int:
    return sum((decoding.height // s) * (decoding.width // s) for s in strides)


def fastestdet(outputs: list[NDArray[Any]], decoding: Decoding) -> RawBoxes:
    """score = obj^0.6 * class^0.4, centre = (tanh(t) + cell) / cells, size = sigmoid(t)."""
    grid = outputs[0][0].astype(np.float64)
    rows, columns = grid.shape[1:]
    y, x = np.mgrid[0:rows, 0:columns]
    centre_x = (np.tanh(grid[1]) + x) / columns * decoding.width
    centre_y = (np.tanh(grid[2]) + y) / rows * decoding.height
    width = decoding.width / (1 + np.exp(-grid[3]))
    height = decoding.height / (1 + np.exp(-grid[4]))
    scores = grid[0] ** 0.6 * grid[5:].max(axis=0) ** 0.4
    boxes = _around(centre_x.ravel(), centre_y.ravel(), width.ravel(), height.ravel())
    return RawBoxes(boxes=boxes, scores=scores.ravel(), class_ids=grid[5:].argmax(axis=0).ravel())


def boxes(outputs: list[NDArray[Any]], decoding: Decoding) -> RawBoxes:
    """Boxes that are already decoded, in any of the layouts `recognise` knows."""
    found = recognise(decoding)
    assert found is not None, "the head has recognised these outputs before"
    quads, scores, class_ids = (
        _joint(outputs, found) if found.joint is not None else _apart(outputs, found)
    )
    frame = (
        (decoding.width, decoding.height) if decoding.reading.box_units == "fraction" else (1, 1)
    )
    return RawBoxes(
        boxes=_to_xyxy(quads, decoding.reading.box_format) * np.array([*frame, *frame]),
        scores=scores,
        class_ids=class_ids.astype(np.int64) - decoding.reading.first_label,
        own_nms=found.suppressed,
    )


def _joint(outputs: list[NDArray[Any]], found: BoxOutputs) -> tuple[Floats, Floats, NDArray[Any]]:
    rows = outputs[0][0].astype(np.float64)
    if found.turned:
        rows = rows.T
    if found.final:
        return rows[:, :4], rows[:, 4], rows[:, 5]
    by_class = rows[:, 5:] * rows[:, 4:5] if found.objectness else rows[:, 4:]
    return rows[:, :4], by_class.max(axis=1), by_class.argmax(axis=1)


def _apart(outputs: list[NDArray[Any]], found: BoxOutputs) -> tuple[Floats, Floats, NDArray[Any]]:
    assert found.boxes is not None, "recognised apart"
    assert found.scores is not None, "recognised apart"
    quads = outputs[found.boxes].reshape(-1, 4).astype(np.float64)
    if found.classes is not None:
        return (
            quads,
            outputs[found.scores].ravel().astype(np.float64),
            outputs[found.classes].ravel(),
        )
    table = outputs[found.scores][0].astype(np.float64)
    return quads, table.max(axis=1), table.argmax(axis=1)


def _to_xyxy(quads: Floats, box_format: str) -> Floats:
    first, second, third, fourth = quads.T
    match box_format:
        case "yxyx":
            return np.stack([second, first, fourth, third], axis=1)
        case "xywh":
            return np.stack([first, second, first + third, second + fourth], axis=1)
        case "cxcywh":
            return _around(first, second, third, fourth)
    return quads


def _around(x: Floats, y: Floats, width: Floats, height: Floats) -> Floats:
    sides = [x - width / 2, y - height / 2, x + width / 2, y + height / 2]
    return np.stack(sides, axis=1)


def suppress(raw: RawBoxes, rule: Suppression) -> NDArray[np.int64]:
    """Places of the boxes that stay: floor, the surest `candidates`, greedy NMS, at most K."""
    order = np.argsort(-raw.scores, kind="stable")
    order = order[raw.scores[order] >= rule.score_floor][: rule.candidates]
    if raw.own_nms or rule.nms_iou >= 1:
        return order[: rule.max_detections]
    kept: list[int] = []
    for place in order:
        rivals = [k for k in kept if raw.class_ids[k] == raw.class_ids[place]]
        if not rivals or (_iou(raw.boxes[place], raw.boxes[rivals]) <= rule.nms_iou).all():
            kept.append(int(place))
    return np.array(kept[: rule.max_detections], dtype=np.int64)


def _iou(box: Floats, others: Floats) -> Floats:
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared = np.clip(sides, 0, None).prod(axis=1)
    own = (box[2:] - box[:2]).prod()
    union = own + (others[:, 2:] - others[:, :2]).prod(axis=1) - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))


def softmax(logits: NDArray[Any]) -> Floats:
    """Probabilities of one photo's logits, float64[C]."""
    values = logits.reshape(-1).astype(np.float64)
    shares = np.exp(values - values.max())
    return np.asarray(shares / shares.sum())


def label_map(
    logits: NDArray[Any], placed: Placed, size: tuple[int, int], decoding: Decoding
) -> NDArray[np.uint8]:
    """float[C,h,w] or [h,w,C] -> uint8[height,width] on the photo, by nearest."""
    axis = (
        0
        if logits.shape[0] == decoding.labels
        or logits.shape[1:] == (decoding.height, decoding.width)
        else 2
    )
    planes = np.moveaxis(logits, axis, 0)
    if planes.shape[1:] != (decoding.height, decoding.width):
        planes = np.stack([_enlarged(plane, decoding) for plane in planes])
    ids = planes.argmax(axis=0)
    columns = _frame_places(size[0], placed.scale[0], placed.offset[0], decoding.width)
    rows = _frame_places(size[1], placed.scale[1], placed.offset[1], decoding.height)
    return np.asarray(ids[np.ix_(rows, columns)], dtype=np.uint8)


def _frame_places(count: int, scale: float, offset: float, limit: int) -> NDArray[np.int64]:
    places = [min(limit - 1, max(0, int((i + 0.5) * scale + offset))) for i in range(count)]
    return np.array(places, dtype=np.int64)


def _enlarged(plane: NDArray[Any], decoding: Decoding) -> NDArray[Any]:
    """One plane of logits at the network's size; Pillow's bilinear does not widen when it grows."""
    image = Image.fromarray(plane.astype(np.float32))
    return np.asarray(image.resize((decoding.width, decoding.height), Image.Resampling.BILINEAR))
