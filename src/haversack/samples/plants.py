"""Trees, bushes and rocks seen from above: what an animal may be mistaken for."""

from __future__ import annotations

import numpy as np

from haversack.samples.sprites import Sprite, Sun
from haversack.samples.terrain import Plane, noise, smoothstep

CROWNS = ((74, 92, 46), (88, 98, 52), (62, 84, 48), (96, 104, 62))


def trees(rng: np.random.Generator, width: int, height: int, sun: Sun) -> list[Sprite]:
    """Groves, lone trees and bushes, the highest last."""
    radii = [*rng.uniform(22, 58, rng.integers(5, 13)), *rng.uniform(6, 15, rng.integers(20, 50))]
    groves = rng.uniform((0, 0), (width, height), (3, 2))
    found: list[Sprite] = []
    for radius in sorted(float(value) for value in radii):
        at = rng.uniform((0, 0), (width, height))
        if rng.random() < 0.55:
            at = groves[rng.integers(len(groves))] + rng.normal(0, 95, 2)
        found.append(_crown(rng, radius, (float(at[0]), float(at[1])), sun))
    return found


def rocks(rng: np.random.Generator, width: int, height: int, sun: Sun) -> list[Sprite]:
    """A few outcrops of grey stones, 4 to 16 px each."""
    found: list[Sprite] = []
    for _ in range(int(rng.integers(1, 3))):
        middle = rng.uniform((0, 0), (width, height))
        for _ in range(int(rng.integers(2, 7))):
            at = middle + rng.normal(0, 26, 2)
            radius = float(rng.uniform(2, 8))
            found.append(_stone(rng, radius, (float(at[0]), float(at[1])), sun))
    return found


def _crown(rng: np.random.Generator, radius: float, at: tuple[float, float], sun: Sun) -> Sprite:
    side = int(radius * 2.9) + 6
    clumps = noise(rng, side, side, max(3.0, radius * 0.3))
    leaves = noise(rng, side, side, max(2.2, radius * 0.1))
    twigs = rng.standard_normal((side, side), dtype=np.float32)
    inward = 1 - _distance(side) / radius + 0.14 * clumps + 0.11 * leaves + 0.03 * twigs
    alpha = smoothstep(0.0, 0.16, inward)
    # Lit as rounded clumps, not as one smooth hill: real crowns show many small dark gaps.
    dome = np.sqrt(np.clip(inward, 0, 1)) * radius * 0.7
    side_light = _facing(dome + 0.05 * radius * clumps, sun)
    tops = 0.13 * clumps + 0.15 * leaves + 0.11 * twigs
    base = np.array(CROWNS[int(rng.integers(len(CROWNS)))], np.float32) * rng.uniform(0.8, 1.15)
    colour = base * np.clip(0.88 + 0.26 * side_light + tops, 0.35, 1.6)[..., None]
    return Sprite(
        left=round(at[0] - side / 2),
        top=round(at[1] - side / 2),
        alpha=alpha.astype(np.float32),
        colour=colour.astype(np.float32),
        height_px=radius * float(rng.uniform(0.6, 0.95)),
    )


def _stone(rng: np.random.Generator, radius: float, at: tuple[float, float], sun: Sun) -> Sprite:
    side = int(radius * 3) + 6
    inward = 1 - _distance(side) / radius + 0.25 * noise(rng, side, side, max(2.5, radius * 0.7))
    grain = noise(rng, side, side, 2.2)
    lit = 0.95 + 0.3 * _facing(np.sqrt(np.clip(inward, 0, 1)) * radius * 0.7 + 0.3 * grain, sun)
    base = np.array((132, 126, 116), np.float32) * rng.uniform(0.85, 1.1)
    return Sprite(
        left=round(at[0] - side / 2),
        top=round(at[1] - side / 2),
        alpha=smoothstep(0.0, 0.25, inward),
        colour=(base * np.clip(lit, 0.5, 1.35)[..., None]).astype(np.float32),
        height_px=radius * 0.5,
    )


def _distance(side: int) -> Plane:
    """Distance from the middle of a square patch in px: float32[side,side]."""
    axis = np.arange(side, dtype=np.float32) + np.float32(0.5 - side / 2)
    distance: Plane = np.hypot(axis[None, :], axis[:, None])
    return distance


def _facing(surface_px: Plane, sun: Sun) -> Plane:
    """How far a surface is turned to the sun, about -1 to 1: float32, same shape."""
    down, right = np.gradient(surface_px)
    length = float(np.hypot(sun.x, sun.y))
    # Shadows fall away from the sun, so a slope that rises along the shadow is the lit one.
    slope = (right * sun.x + down * sun.y) / length
    result: Plane = np.tanh(slope).astype(np.float32)
    return result
