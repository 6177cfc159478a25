"""Long work on the event loop in small steps, between which other tasks run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

_STEP_BYTES = 16 << 10
_STEP_SECONDS = 0.005


def steps(chunk: bytes) -> Iterator[bytes]:
    """The chunk in parts of 16 KiB, each of which may unpack to a thousand times as much."""
    if len(chunk) <= _STEP_BYTES:
        yield chunk
        return
    for at in range(0, len(chunk), _STEP_BYTES):
        yield chunk[at : at + _STEP_BYTES]


class TimeSlice:
    """One task's share of the event loop, over when it has taken 5 ms."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._began = clock()

    def begin(self) -> None:
        """Begin anew: the task has waited, and others ran meanwhile."""
        self._began = self._clock()

    async def yield_if_over(self) -> None:
        """Let other tasks run if this share is over, and begin anew."""
        if self._clock() - self._began > _STEP_SECONDS:
            await asyncio.sleep(0)
            self._began = self._clock()
