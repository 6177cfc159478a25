"""One photo in the network's frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """One photo in the network's frame.

    Attributes:
        pixels: uint8[h,w,3].
        placement: float32[4]: scale x, y and offset x, y; pixel = source * scale + offset, where
            the source is the upright full-size photo, also after scaled decoding.
        width, height: of that photo.
    """

    pixels: NDArray[np.uint8]
    placement: NDArray[np.float32]
    width: int
    height: int
