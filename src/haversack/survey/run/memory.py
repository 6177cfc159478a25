"""How much of its memory a survey may hold in photos."""

from __future__ import annotations

from haversack.errors import HaversackError
from haversack.units import format_bytes

LEAST_BYTES = 16 << 20


def photo_budget(asked_bytes: int | None, available: int) -> int:
    """Bytes of photos in flight: half of what is available, unless a number was asked for.

    The other half is the model's, the compressed files' and Python's.

    Raises:
        HaversackError: `memory-unfit` below 16 MiB or above what is available.
    """
    budget = available // 2 if asked_bytes is None else asked_bytes
    if asked_bytes is not None and not LEAST_BYTES <= budget <= available:
        raise HaversackError(
            "memory-unfit",
            f"--memory {format_bytes(budget)} was asked for photos in flight; from "
            f"{format_bytes(LEAST_BYTES)} to {format_bytes(available)}, what this process may "
            "have, is possible",
            hint="Leave --memory out: half of what is available is taken then.",
        )
    return max(budget, LEAST_BYTES)
