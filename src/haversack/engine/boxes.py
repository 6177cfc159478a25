"""Boxes as arrays: float32[M,4], xyxy, edges at whole numbers, so a pixel is one wide."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Boxes: TypeAlias = NDArray[np.float32]


def clip(boxes: Boxes, *, width: int, height: int) -> Boxes:
    """`boxes` cut to the rectangle from (0, 0) to (width, height); same order, same count."""
    limits = np.array([width, height, width, height], dtype=np.float32)
    return np.clip(boxes, np.float32(0), limits)


def area(boxes: Boxes) -> NDArray[np.float32]:
    """Square pixels of each box, 0 where it is inside out: float32[M]."""
    width = np.maximum(boxes[..., 2] - boxes[..., 0], 0)
    height = np.maximum(boxes[..., 3] - boxes[..., 1], 0)
    return np.asarray(width * height, dtype=np.float32)


def iou(first: Boxes, second: Boxes) -> NDArray[np.float32]:
    """Intersection over union of every box of `first` with every box of `second`: float32[M,N]."""
    left_top = np.maximum(first[:, None, :2], second[None, :, :2])
    right_bottom = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.maximum(right_bottom - left_top, 0)
    shared = sides[..., 0] * sides[..., 1]
    union = area(first)[:, None] + area(second)[None, :] - shared
    return np.asarray(np.divide(shared, union, out=np.zeros_like(shared), where=union > 0))
