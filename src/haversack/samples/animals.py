"""Cow-like animals seen from above."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haversack import late
from haversack.samples.sprites import Sprite, Sun

KINDS = ("light", "dark")
COATS = {
    "light": ((232, 226, 212), (222, 206, 176), (212, 188, 150), (238, 236, 230)),
    "dark": ((38, 33, 31), (58, 40, 30), (30, 29, 31), (74, 47, 32)),
}
OUTLINE = (
    (-0.50, 0.03), (-0.47, 0.12), (-0.38, 0.165), (-0.22, 0.175), (-0.05, 0.19), (0.10, 0.18),
    (0.19, 0.14), (0.25, 0.085), (0.30, 0.075), (0.35, 0.085), (0.42, 0.07), (0.48, 0.045),
    (0.50, 0.015),
)  # fmt: skip
"""Half width of the body at each place from tail to nose, both in body lengths."""
HEAD_FROM = 0.2
SUPERSAMPLING = 6


@dataclass(frozen=True, kw_only=True)
class Animal:
    """Where one animal stands.

    Attributes:
        kind: "light" or "dark".
        x, y: the middle of its body, px.
        length_px: nose to tail.
        heading: radians, 0 = right, growing clockwise.
    """

    kind: str
    x: float
    y: float
    length_px: float
    heading: float


def sprite(rng: np.random.Generator, animal: Animal, sun: Sun) -> Sprite:
    """The animal drawn: a body with a turned head, lit from the sun's side."""
    side = int(animal.length_px * 1.25) + 8
    left, top = round(animal.x - side / 2), round(animal.y - side / 2)
    spine, flank = _outline(animal, turn=float(rng.normal(0, 0.3)))
    middle = np.array([animal.x - left, animal.y - top])
    alpha = _filled(np.concatenate([spine + flank, (spine - flank)[::-1]]) + middle, side)
    ridge = _filled(
        np.concatenate([spine + flank * 0.4, (spine - flank * 0.4)[::-1]]) + middle, side
    )
    coat = np.array(COATS[animal.kind][int(rng.integers(4))], np.float32) * rng.uniform(0.9, 1.06)
    lit = 0.84 + 0.16 * ridge + _sunny_side(alpha, sun)
    return Sprite(
        left=left,
        top=top,
        alpha=alpha,
        colour=(coat * np.clip(lit, 0.45, 1.25)[..., None]).astype(np.float32),
        height_px=animal.length_px * 0.34,
    )


def box_of(drawn: Sprite) -> tuple[float, float, float, float]:
    """x1, y1, x2, y2 in px around what the animal covers at least by half."""
    rows = np.flatnonzero((drawn.alpha >= 0.5).any(axis=1))
    columns = np.flatnonzero((drawn.alpha >= 0.5).any(axis=0))
    return (
        float(drawn.left + columns[0]),
        float(drawn.top + rows[0]),
        float(drawn.left + columns[-1] + 1),
        float(drawn.top + rows[-1] + 1),
    )


def _outline(animal: Animal, *, turn: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The spine from tail to nose, and the flank beside it: float64[n,2] each, px."""
    places, widths = np.array(OUTLINE).T
    bend = np.where(places > HEAD_FROM, turn, 0.0)
    angles = animal.heading + bend
    steps = np.diff(places, prepend=places[0])[:, None] * np.stack(
        [np.cos(angles), np.sin(angles)], 1
    )
    spine = np.cumsum(steps, axis=0)
    spine = spine - spine[0] - 0.5 * np.array([np.cos(animal.heading), np.sin(animal.heading)])
    across = np.stack([-np.sin(angles), np.cos(angles)], 1) * widths[:, None]
    return spine * animal.length_px, across * animal.length_px


def _filled(outline: NDArray[np.float64], side: int) -> NDArray[np.float32]:
    """How much of each pixel lies inside a polygon: float32[side,side], 0 to 1."""
    mask = late.Image.new("L", (side * SUPERSAMPLING, side * SUPERSAMPLING))
    points = [(float(x) * SUPERSAMPLING, float(y) * SUPERSAMPLING) for x, y in outline]
    late.ImageDraw.Draw(mask).polygon(points, fill=255)
    return np.asarray(mask.reduce(SUPERSAMPLING), np.float32) / np.float32(255)


def _sunny_side(alpha: NDArray[np.float32], sun: Sun) -> NDArray[np.float32]:
    """Brighter to the sun, darker away from it: float32, about -0.3 to 0.15."""
    soft = late.Image.fromarray((alpha * 255).astype(np.uint8)).filter(
        late.ImageFilter.GaussianBlur(1.5)
    )
    down, right = np.gradient(np.asarray(soft, np.float32) / np.float32(255))
    slope = (right * sun.x + down * sun.y) / np.float32(np.hypot(sun.x, sun.y))
    result: NDArray[np.float32] = np.clip(1.1 * slope, -0.3, 0.15).astype(np.float32)
    return result
