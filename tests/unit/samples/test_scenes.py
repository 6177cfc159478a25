"""Drawn photos are repeatable, and their boxes are true."""

from __future__ import annotations

import numpy as np
import pytest

from haversack.samples.scenes import draw_scene


def test_same_seed_draws_the_same_bytes() -> None:
    first, second = draw_scene(7, width=300, height=200), draw_scene(7, width=300, height=200)
    assert first.pixels.tobytes() == second.pixels.tobytes()
    assert first.boxes.tobytes() == second.boxes.tobytes()
    assert first.labels == second.labels


def test_another_seed_draws_another_photo() -> None:
    first, second = draw_scene(7, width=300, height=200), draw_scene(8, width=300, height=200)
    assert np.abs(first.pixels.astype(int) - second.pixels).mean() > 5


def test_a_photo_has_the_size_and_types_that_were_promised() -> None:
    scene = draw_scene(3, width=320, height=240)
    assert scene.pixels.shape == (240, 320, 3)
    assert scene.pixels.dtype == np.uint8
    assert scene.boxes.dtype == np.float32
    assert scene.boxes.shape == (len(scene.labels), 4)


@pytest.mark.parametrize("seed", range(4))
def test_every_box_lies_in_the_photo_and_has_an_animals_size(seed: int) -> None:
    scene = draw_scene(seed)
    sides = scene.boxes[:, 2:] - scene.boxes[:, :2]
    assert 12 <= len(scene.boxes) <= 40
    assert scene.boxes.min() >= 0
    assert scene.boxes[:, 2].max() <= 1200
    assert scene.boxes[:, 3].max() <= 800
    assert sides.max() <= 36
    assert sides.max(axis=1).min() >= 8


@pytest.mark.parametrize("seed", range(4))
def test_a_light_animal_is_brighter_than_any_dark_one(seed: int) -> None:
    scene = draw_scene(seed)
    luma = scene.pixels.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    middles = ((scene.boxes[:, :2] + scene.boxes[:, 2:]) / 2).astype(int)
    levels = {kind: [] for kind in ("light", "dark")}  # type: dict[str, list[float]]
    for (x, y), kind in zip(middles, scene.labels, strict=True):
        levels[kind].append(float(np.median(luma[y - 1 : y + 2, x - 1 : x + 2])))
    assert min(levels["light"]) > max(levels["dark"]) + 40


def test_no_animals_wanted_gives_an_empty_scene() -> None:
    scene = draw_scene(5, width=300, height=200, count=0)
    assert scene.boxes.shape == (0, 4)
    assert scene.labels == ()
