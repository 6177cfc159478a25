"""Aerial photos drawn by rule, with animals whose places are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haversack import late
from haversack.samples import animals, plants, terrain
from haversack.samples.sprites import Sprite, Sun, compose

LENGTH_PX = (14.0, 34.0)
ANIMALS = (12, 40)
NOISE_LEVELS = 2.6
TRIES = 60


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A photo, and the animals in it.

    Attributes:
        pixels: uint8[H,W,3], RGB.
        boxes: float32[M,4], xyxy in pixels, inside the photo.
        labels: "light" or "dark" for each box.
    """

    pixels: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    labels: tuple[str, ...]


def draw_scene(
    seed: int, *, width: int = 1200, height: int = 800, count: int | None = None
) -> Scene:
    """One photo of a pasture; the same bytes for the same arguments.

    Args:
        seed: 0 or more.
        width, height: px, at least 64 each.
        count: animals wanted, 0 for an empty photo; by default 12 to 40 by the seed. Fewer where
            no free place is found for them.
    """
    rng = np.random.Generator(np.random.PCG64(seed))
    angle, length = rng.uniform(0, 2 * np.pi), rng.uniform(0.35, 0.8)
    sun = Sun(x=float(np.cos(angle) * length), y=float(np.sin(angle) * length))
    ground = terrain.with_paths(rng, terrain.ground(rng, width, height))
    stones = plants.rocks(rng, width, height, sun)
    crowns = plants.trees(rng, width, height, sun)
    wanted = int(rng.integers(ANIMALS[0], ANIMALS[1] + 1)) if count is None else count
    herd = _herds(rng, _free((width, height), [*stones, *crowns]), wanted)
    drawn = [animals.sprite(rng, one, sun) for one in herd]
    scene = compose(ground, [*stones, *drawn, *crowns], sun)
    boxes = np.array([animals.box_of(one) for one in drawn], np.float32).reshape(-1, 4)
    return Scene(
        pixels=_photographed(rng, scene), boxes=boxes, labels=tuple(one.kind for one in herd)
    )


def _herds(rng: np.random.Generator, free: NDArray[np.bool_], wanted: int) -> list[animals.Animal]:
    """Animals in one to three herds and some alone, none on another, none under a tree."""
    height, width = free.shape
    middles = rng.uniform((0.12 * width, 0.12 * height), (0.88 * width, 0.88 * height), (3, 2))
    middles = middles[: int(rng.integers(1, 4))]
    courses = rng.uniform(0, 2 * np.pi, len(middles))
    spread = float(rng.uniform(55, 110))
    light_share = rng.choice([0.25, 0.5, 0.75])
    found: list[animals.Animal] = []
    for _ in range(wanted):
        length = float(np.clip(rng.normal(25, 4.5), *LENGTH_PX))
        kind = animals.KINDS[0] if rng.random() < light_share else animals.KINDS[1]
        for _ in range(TRIES):
            which = int(rng.integers(len(middles)))
            at, heading = (
                middles[which] + rng.normal(0, spread, 2),
                courses[which] + rng.normal(0, 0.8),
            )
            if rng.random() < 0.2:
                at, heading = rng.uniform((0, 0), (width, height)), rng.uniform(0, 2 * np.pi)
            one = animals.Animal(
                kind=kind, x=float(at[0]), y=float(at[1]), length_px=length, heading=float(heading)
            )
            if _fits(one, free, found):
                found.append(one)
                break
    return found


def _fits(one: animals.Animal, free: NDArray[np.bool_], others: list[animals.Animal]) -> bool:
    height, width = free.shape
    margin = one.length_px * 0.62 + 1
    if not (margin <= one.x < width - margin and margin <= one.y < height - margin):
        return False
    if not free[int(one.y), int(one.x)]:
        return False
    return all(
        np.hypot(one.x - other.x, one.y - other.y) > 0.6 * (one.length_px + other.length_px)
        for other in others
    )


def _free(size: tuple[int, int], standing: list[Sprite]) -> NDArray[np.bool_]:
    """Where an animal's middle may be, clear of every tree and stone: bool[H,W]."""
    flat = late.Image.new("L", size)
    for one in standing:
        mask = late.Image.fromarray((one.alpha > 0.05).astype(np.uint8) * 255)
        flat.paste(255, (one.left, one.top), mask)
    reach = int(LENGTH_PX[1] * 0.6)
    small = flat.reduce(8).filter(late.ImageFilter.MaxFilter(2 * (reach // 8) + 3))
    free: NDArray[np.bool_] = np.asarray(small.resize(size)) == 0
    return free


def _photographed(rng: np.random.Generator, scene: NDArray[np.float32]) -> NDArray[np.uint8]:
    """What a camera makes of it: a soft lens, darker corners, sensor noise: uint8[H,W,3]."""
    height, width = scene.shape[:2]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    exposure = np.float32(rng.uniform(0.98, 1.14)) * (1 - 0.06 * (x * x + y * y))
    levels = np.clip(scene * exposure[..., None], 0, 255).astype(np.uint8)
    soft = late.Image.fromarray(levels).filter(late.ImageFilter.BoxBlur(0.7))
    noisy = rng.standard_normal(scene.shape, dtype=np.float32)
    noisy *= np.float32(NOISE_LEVELS)
    noisy += np.asarray(soft)
    return np.clip(np.rint(noisy, out=noisy), 0, 255, out=noisy).astype(np.uint8)
