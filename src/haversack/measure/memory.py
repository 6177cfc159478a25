"""Memory that a piece of work takes: the growth of this process's resident memory."""

from __future__ import annotations

from collections.abc import Callable

from haversack.engine.allocator import trim
from haversack.engine.limits import forget_peak, peak_bytes, resident_bytes


def rested_bytes() -> int:
    """Resident memory with what is free given back to the system."""
    trim()
    return resident_bytes()


def growth_bytes(work: Callable[[], object]) -> int:
    """How far memory rises above where it was, while `work` runs once; 0 where none can tell.

    Only true in a process that does nothing else. Where the system does not forget a peak, it is
    the growth above the highest peak so far, so cases must come in rising order.
    """
    before = rested_bytes()
    if not forget_peak():
        before = max(before, peak_bytes())
    work()
    return max(peak_bytes() - before, 0)
