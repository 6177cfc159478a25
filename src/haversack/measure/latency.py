"""How long a piece of work takes: the median of repeats."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

_LEAST_REPEATS, _MOST_REPEATS = 3, 200


def median_seconds(
    work: Callable[[], object],
    most_seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """The median of 3 to 200 runs, of which no further one is begun after `most_seconds`."""
    took: list[float] = []
    began = clock()
    while len(took) < _MOST_REPEATS:
        start = clock()
        if len(took) >= _LEAST_REPEATS and start - began > most_seconds:
            break
        work()
        took.append(clock() - start)
    return statistics.median(took)
