"""From measured cases to the sizing formula: straight lines that no case lies above."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from haversack.measure.plan import Measured, Opened
from haversack.packfile.profile import MemoryFormula

# Below it a page or two of buffers count more than the pixels do.
_LEAST_MEGAPIXELS = 1.0


def fit_formula(opened: Sequence[Opened], cases: Sequence[Measured]) -> MemoryFormula:
    """The formula of `packfile.profile`: an upper line, since memory short by a little is short.

    Args:
        opened: of each measuring process, one at least.
        cases: of all of them; those with photos and those without are told apart by their size.
    """
    model = [case for case in cases if not case.megapixels]
    call = max((case.peak_bytes for case in model if case.batch == 1), default=0)
    rows = [(case.batch - 1, case.peak_bytes - call) for case in model]
    photos = [
        (c.megapixels * 1e6, c.peak_bytes) for c in cases if c.megapixels >= _LEAST_MEGAPIXELS
    ]
    return MemoryFormula(
        runtime_bytes=max(one.runtime_bytes for one in opened),
        session_bytes=max(one.session_bytes for one in opened),
        call_bytes=call,
        row_bytes=int(_steepest(rows)),
        photo_pixel_bytes=round(_steepest(photos), 3),
    )


def _steepest(points: Iterable[tuple[float, float]]) -> float:
    """The least slope of a line from the origin that has no point above it; 0 without points."""
    return max((max(y, 0.0) / x for x, y in points if x > 0), default=0.0)
