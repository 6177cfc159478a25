"""EXIF orientation as a view: no pixel moves until somebody writes through it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UPRIGHT = 1
SWAPS_SIDES = frozenset({5, 6, 7, 8})


def upright_view(stored: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """The stored photo uint8[h,w,C] seen upright: a view, uint8[h,w,C] or uint8[w,h,C].

    Writing through it also works, which is how a decoder fills an upright array without a copy
    (see `stored_view`). `orientation` is 1 to 8. Source: EXIF 2.32, tag 0x0112.
    """
    turned = stored.transpose(1, 0, 2) if orientation in SWAPS_SIDES else stored
    if orientation in (3, 4, 7, 8):
        turned = turned[::-1]
    if orientation in (2, 3, 6, 7):
        turned = turned[:, ::-1]
    return turned


def stored_view(upright: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """The upright photo seen as it is stored in its file: the inverse of `upright_view`."""
    # Every orientation is its own inverse but the two quarter turns, which undo each other.
    return upright_view(upright, {6: 8, 8: 6}.get(orientation, orientation))
