"""Levels of gray as a PNG."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from haversack import late


def png_bytes(levels: NDArray[np.uint8]) -> bytes:
    """uint8[H,W] as a gray PNG."""
    buffer = io.BytesIO()
    late.Image.fromarray(levels).save(buffer, format="PNG")
    return buffer.getvalue()
