"""Things that stand on the ground and throw a shadow, laid over a scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haversack import late

SHADOW_TINT = np.array([0.66, 0.60, 0.52], np.float32)
"""How much of red, green and blue light a full shadow takes; the sky still gives blue."""


@dataclass(frozen=True, kw_only=True)
class Sun:
    """Where shadows fall: x and y in px for each px of height."""

    x: float
    y: float


@dataclass(frozen=True, kw_only=True)
class Sprite:
    """One thing seen from above.

    Attributes:
        left, top: where its patch lies in the scene, px; it may reach over the edge.
        alpha: float32[h,w], 0 to 1, what the patch covers.
        colour: float32[h,w,3], RGB 0 to 255, already lit.
        height_px: how high it stands; its shadow is that long for a sun at 45 degrees.
    """

    left: int
    top: int
    alpha: NDArray[np.float32]
    colour: NDArray[np.float32]
    height_px: float


def compose(
    ground: NDArray[np.float32], sprites: Sequence[Sprite], sun: Sun
) -> NDArray[np.float32]:
    """The ground with every shadow, then every thing in the order given: float32[H,W,3]."""
    shade = _shadows(sprites, sun, ground.shape[:2])[..., None]
    scene: NDArray[np.float32] = ground * (1 - SHADOW_TINT * shade)
    for sprite in sprites:
        inside, patch = _overlap(sprite.left, sprite.top, sprite.alpha.shape, ground.shape)
        alpha = sprite.alpha[patch][..., None]
        scene[inside] = scene[inside] * (1 - alpha) + sprite.colour[patch] * alpha
    return scene


def _shadows(sprites: Sequence[Sprite], sun: Sun, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """How deep in shadow each pixel lies: float32[H,W], 0 to 1."""
    shade = np.zeros(shape[:2], np.float32)
    for sprite in sprites:
        for part in (0.35, 0.7, 1.0):
            left = sprite.left + round(sun.x * sprite.height_px * part)
            top = sprite.top + round(sun.y * sprite.height_px * part)
            inside, patch = _overlap(left, top, sprite.alpha.shape, shape)
            np.maximum(shade[inside], sprite.alpha[patch], out=shade[inside])
    soft = late.Image.fromarray((shade * 255).astype(np.uint8)).filter(
        late.ImageFilter.GaussianBlur(1.2)
    )
    return np.asarray(soft, np.float32) / np.float32(255)


def _overlap(
    left: int, top: int, patch: tuple[int, ...], scene: tuple[int, ...]
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The part of the scene under a patch, and the part of the patch inside the scene."""
    x0, y0 = max(left, 0), max(top, 0)
    x1 = max(x0, min(left + patch[1], scene[1]))
    y1 = max(y0, min(top + patch[0], scene[0]))
    inside = (slice(y0, y1), slice(x0, x1))
    return inside, (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
