"""The hand-written blob detector finds discs, and nothing where there is nothing."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from haversack.pack.graph.blobs import CANDIDATES, RECOMMENDED_THRESHOLD, blobs_network

SIDE = 256
GROUND = 120.0
Image = NDArray[np.float32]


@pytest.fixture(scope="module")
def session() -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    model = blobs_network(SIDE, SIDE).SerializeToString()
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def ground(seed: int) -> Image:
    rng = np.random.default_rng(seed)
    levels: Image = rng.normal(GROUND, 3, (3, SIDE, SIDE)).astype(np.float32)
    return levels


def with_disc(image: Image, *, x: float, y: float, diameter: float, level: float) -> Image:
    at = np.arange(SIDE, dtype=np.float32) + 0.5
    away = np.hypot(at[None, :] - x, at[:, None] - y)
    cover = np.clip(diameter / 2 - away + 0.5, 0, 1)
    result: Image = (image * (1 - cover) + level * cover).astype(np.float32)
    return result


def detect(
    session: onnxruntime.InferenceSession, images: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    boxes, scores = session.run(None, {"images": images})
    return np.asarray(boxes), np.asarray(scores)


def strongest(session: onnxruntime.InferenceSession, image: Image) -> float:
    return float(detect(session, image[None])[1].max())


@pytest.mark.parametrize("level", [40.0, 225.0])
@pytest.mark.parametrize("diameter", [8, 12, 18, 26, 40])
def test_a_disc_is_found_with_its_class_place_and_size(
    session: onnxruntime.InferenceSession, diameter: int, level: float
) -> None:
    image = with_disc(ground(diameter), x=101.3, y=143.8, diameter=diameter, level=level)
    boxes, scores = detect(session, image[None])
    above = np.flatnonzero(scores[0].max(axis=1) >= RECOMMENDED_THRESHOLD)
    assert len(above) == 1
    box, score = boxes[0, above[0]], scores[0, above[0]]
    assert score.argmax() == (0 if level > GROUND else 1)
    assert abs((box[0] + box[2]) / 2 - 101.3) <= 2
    assert abs((box[1] + box[3]) / 2 - 143.8) <= 2
    assert diameter / 1.6 <= box[2] - box[0] <= diameter * 1.6
    assert diameter / 1.6 <= box[3] - box[1] <= diameter * 1.6


@pytest.mark.parametrize("level", [0.0, 114.0, 255.0])
def test_a_flat_photo_has_nothing(session: onnxruntime.InferenceSession, level: float) -> None:
    assert strongest(session, np.full((3, SIDE, SIDE), level, np.float32)) <= 0.05


def test_a_slope_of_light_has_nothing(session: onnxruntime.InferenceSession) -> None:
    slope = np.linspace(0, 255, SIDE, dtype=np.float32)
    across = np.broadcast_to(slope, (3, SIDE, SIDE))
    assert strongest(session, across) <= 0.05
    assert strongest(session, np.ascontiguousarray(across.transpose(0, 2, 1))) <= 0.05


def test_a_straight_line_has_nothing(session: onnxruntime.InferenceSession) -> None:
    image = ground(1)
    image[:, :, 90:98] = 220
    assert strongest(session, image) < RECOMMENDED_THRESHOLD


def test_a_green_blob_is_no_dark_animal(session: onnxruntime.InferenceSession) -> None:
    image = with_disc(ground(2), x=100, y=100, diameter=16, level=40)
    image[1] = with_disc(image, x=100, y=100, diameter=16, level=70)[1]
    assert strongest(session, image) < RECOMMENDED_THRESHOLD


@pytest.mark.parametrize("level", [30.0, 60.0, 180.0, 240.0])
def test_the_edge_of_letterbox_padding_has_nothing(
    session: onnxruntime.InferenceSession, level: float
) -> None:
    image = ground(3) - np.float32(GROUND - level)
    image[:, 171:] = 114
    image[:, :, 230:] = 114
    assert strongest(session, np.clip(image, 0, 255)) <= 0.05


def test_a_disc_beside_the_padding_is_found(session: onnxruntime.InferenceSession) -> None:
    image = with_disc(ground(4), x=80, y=162, diameter=14, level=225)
    image[:, 171:] = 114
    assert strongest(session, image) >= RECOMMENDED_THRESHOLD


def test_each_row_of_a_batch_equals_its_image_alone(
    session: onnxruntime.InferenceSession,
) -> None:
    images = np.stack(
        [with_disc(ground(i), x=60 + 30 * i, y=90, diameter=10 + i, level=20) for i in range(3)]
    )
    boxes, scores = detect(session, images)
    assert boxes.shape == (3, CANDIDATES, 4)
    assert scores.shape == (3, CANDIDATES, 2)
    for row in range(3):
        alone_boxes, alone_scores = detect(session, images[row : row + 1])
        assert boxes[row].tobytes() == alone_boxes[0].tobytes()
        assert scores[row].tobytes() == alone_scores[0].tobytes()


def test_scores_lie_between_0_and_1_and_boxes_are_finite(
    session: onnxruntime.InferenceSession,
) -> None:
    noise = np.random.default_rng(0).uniform(0, 255, (2, 3, SIDE, SIDE)).astype(np.float32)
    boxes, scores = detect(session, noise)
    assert scores.min() >= 0
    assert scores.max() <= 1
    assert np.isfinite(boxes).all()
    assert (boxes[..., 2:] > boxes[..., :2]).all()
