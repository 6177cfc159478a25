"""Bare ground as a drone sees it: grass, soil, a stream or a track, without anything standing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from haversack import late

Plane = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Palette:
    """The colours of one landscape, RGB 0 to 255: dominant grass, second grass, bare soil."""

    grass: tuple[int, int, int]
    other_grass: tuple[int, int, int]
    soil: tuple[int, int, int]


PALETTES = (
    Palette(grass=(151, 138, 92), other_grass=(120, 122, 72), soil=(158, 126, 96)),
    Palette(grass=(112, 124, 70), other_grass=(140, 138, 84), soil=(146, 122, 92)),
    Palette(grass=(138, 128, 90), other_grass=(152, 140, 104), soil=(140, 108, 82)),
    Palette(grass=(98, 112, 62), other_grass=(124, 128, 76), soil=(136, 116, 88)),
)


def noise(rng: np.random.Generator, width: int, height: int, cell_px: float) -> Plane:
    """Smooth noise whose bumps are about `cell_px` wide: float32[height,width], unit variance."""
    columns, rows = int(width / cell_px) + 4, int(height / cell_px) + 4
    grid = rng.standard_normal((rows, columns), dtype=np.float32)
    left, top = rng.random(2)
    box = (left + 1, top + 1, left + 1 + width / cell_px, top + 1 + height / cell_px)
    smooth = late.Image.fromarray(grid).resize(
        (width, height), late.Image.Resampling.BICUBIC, box=box
    )
    plane: Plane = np.asarray(smooth, np.float32) / np.float32(0.72)
    return plane


def smoothstep(low: float, high: float, values: NDArray[np.floating[Any]]) -> Plane:
    """0 below `low`, 1 above `high`, a smooth S between: float32, same shape."""
    t = np.clip((values - low) / (high - low), 0, 1)
    result: Plane = (t * t * (3 - 2 * t)).astype(np.float32, copy=False)
    return result


def ground(rng: np.random.Generator, width: int, height: int) -> Plane:
    """Grass and soil of one landscape: float32[height,width,3], RGB 0 to 255."""
    palette = PALETTES[int(rng.integers(len(PALETTES)))]
    large = noise(rng, width, height, 310) + 0.6 * noise(rng, width, height, 120)
    medium = noise(rng, width, height, 46) + 0.6 * noise(rng, width, height, 19)
    fine = 0.8 * noise(rng, width, height, 7) + 0.8 * noise(rng, width, height, 2.6)
    grain = rng.standard_normal((height, width), dtype=np.float32)

    mix = smoothstep(-1.2, 1.4, large + 0.35 * medium)[..., None]
    colour = _rgb(palette.grass) + (_rgb(palette.other_grass) - _rgb(palette.grass)) * mix
    bare = smoothstep(0.9, 2.4, 0.55 * medium - 0.9 * large + 0.4 * fine)[..., None]
    colour += (_rgb(palette.soil) - colour) * (0.8 * bare)
    tufts = smoothstep(0.5, 2.2, fine + 0.45 * medium) * (1 - bare[..., 0])
    light = 1 + 0.035 * large + 0.045 * medium + 0.05 * fine + 0.045 * grain - 0.16 * tufts
    colour *= light[..., None]
    result: Plane = colour
    return result


def with_paths(rng: np.random.Generator, colour: Plane) -> Plane:
    """The same ground with cattle trails, and a vehicle track or a stream: float32[H,W,3]."""
    height, width = colour.shape[:2]
    uneven = smoothstep(
        -1.6, 1.2, noise(rng, width, height, 60) + 0.6 * noise(rng, width, height, 9)
    )
    trails = [_course(rng, width, height, 0.16) for _ in range(int(rng.integers(2, 5)))]
    worn = _stroke(trails, (width, height), 2.4)
    colour = _blend(colour, worn * uneven, (172, 152, 120), 0.35)
    if rng.random() < 0.7:
        return _with_track(rng, colour, uneven)
    return _with_stream(rng, colour, uneven)


def _with_track(rng: np.random.Generator, colour: Plane, uneven: Plane) -> Plane:
    height, width = colour.shape[:2]
    course = _course(rng, width, height, 0.07)
    gap = float(rng.uniform(6.5, 9))
    along = np.gradient(course, axis=0)
    side = np.stack([-along[:, 1], along[:, 0]], 1) / np.linalg.norm(along, axis=1)[:, None]
    worn = _stroke([course], (width, height), gap * 3.2)
    ruts = _stroke([course + side * gap, course - side * gap], (width, height), 5.5)
    cover = np.maximum(0.4 * worn * uneven, ruts * (0.38 + 0.37 * uneven))
    return _blend(colour, cover, (180, 157, 123), 1.0)


def _with_stream(rng: np.random.Generator, colour: Plane, uneven: Plane) -> Plane:
    height, width = colour.shape[:2]
    course = _course(rng, width, height, 0.11)
    water_px = float(rng.uniform(18, 34))
    bank = _stroke([course], (width, height), water_px * 1.7, soft_px=6)
    water = _stroke([course], (width, height), water_px, soft_px=8)
    water = smoothstep(0.36, 0.52, water + 0.13 * noise(rng, width, height, 26))
    colour = _blend(colour, bank * uneven, (168, 150, 116), 0.65)
    return _blend(colour, water, (78, 88, 78), 0.88)


def _course(rng: np.random.Generator, width: int, height: int, wander: float) -> Plane:
    """A winding line from one side to the opposite one: float32[n,2], x and y in px."""
    along = np.linspace(-0.06, 1.06, 90)
    waves = sum(
        rng.normal(0, wander / k**1.2) * np.sin(np.pi * along * k * 1.3 + rng.uniform(0, 6.3))
        for k in range(1, 6)
    )
    start, end = rng.uniform(0.1, 0.9, 2)
    across = start + (end - start) * along + waves
    if rng.random() < 0.6:
        return np.stack([along * width, across * height], 1).astype(np.float32)
    return np.stack([across * width, along * height], 1).astype(np.float32)


def _stroke(
    courses: Sequence[Plane], size: tuple[int, int], width_px: float, *, soft_px: float = 1.3
) -> Plane:
    """How much lines of one width cover each pixel: float32[H,W], 0 to 1."""
    mask = late.Image.new("L", size)
    pen = late.ImageDraw.Draw(mask)
    for course in courses:
        points = [(float(x), float(y)) for x, y in course]
        pen.line(points, fill=255, width=max(1, round(width_px)), joint="curve")
    soft = mask.filter(late.ImageFilter.GaussianBlur(soft_px))
    return np.asarray(soft, np.float32) / np.float32(255)


def _blend(colour: Plane, cover: Plane, paint: tuple[int, int, int], strength: float) -> Plane:
    """Paint over the ground where it is covered, and keep two fifths of its texture."""
    rows, columns = np.nonzero(cover > 0.004)
    under = colour[rows, columns]
    green = under[:, 1:2]
    alpha = cover[rows, columns][:, None] * np.float32(strength)
    painted = _rgb(paint) * (0.6 + 0.4 * green / max(1.0, float(green.mean())))
    result = colour.copy()
    result[rows, columns] = under * (1 - alpha) + painted * alpha
    return result


def _rgb(colour: tuple[int, int, int]) -> Plane:
    return np.array(colour, np.float32)
