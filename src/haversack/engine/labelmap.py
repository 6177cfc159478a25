"""A label map in the network's frame becomes one on the photo."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def to_photo(
    labels: NDArray[np.uint8], placement: NDArray[np.float32], size: tuple[int, int]
) -> NDArray[np.uint8]:
    """uint8[h,w] ids in the frame -> uint8[height,width] on the photo, by nearest.

    Args:
        placement: float32[4]; pixel = source * scale + offset, edges at whole numbers.
        size: (width, height) of the upright photo.
    """
    width, height = size
    scale_x, scale_y, offset_x, offset_y = (float(value) for value in placement)
    columns = _nearest(width, scale_x, offset_x, labels.shape[1])
    rows = _nearest(height, scale_y, offset_y, labels.shape[0])
    return np.ascontiguousarray(labels[rows][:, columns])


def _nearest(count: int, scale: float, offset: float, limit: int) -> NDArray[np.int64]:
    """For the centre of each source pixel, the frame's pixel that it falls in."""
    centres = (np.arange(count) + 0.5) * scale + offset
    return np.asarray(np.clip(np.floor(centres), 0, limit - 1), dtype=np.int64)
