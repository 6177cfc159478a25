"""What failed is tried again, later each time, and said once for each way of failing."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from haversack.errors import HaversackError

_FIRST_SECONDS = 10.0
_LONGEST_SECONDS = 600.0
K = TypeVar("K", bound=Hashable)


@dataclass(kw_only=True)
class _Failing:
    delay_seconds: float = 0.0
    due: float = 0.0
    told: set[str] = field(default_factory=set)


class Retries(Generic[K]):
    """Things by key that failed: 10 s until the next try, doubled each time up to 10 minutes."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failing: dict[K, _Failing] = {}

    def is_due(self, key: K) -> bool:
        """Whether to try now; so it is with whatever has not failed."""
        one = self._failing.get(key)
        return one is None or self._clock() >= one.due

    def failed(self, key: K, fault: Exception) -> bool:
        """It failed; the next try is later. Returns whether this way of failing is new of it."""
        one = self._failing.setdefault(key, _Failing())
        one.delay_seconds = min(_LONGEST_SECONDS, max(_FIRST_SECONDS, 2 * one.delay_seconds))
        one.due = self._clock() + one.delay_seconds
        way = _way(fault)
        is_new = way not in one.told
        one.told.add(way)
        return is_new

    def keep(self, keys: Collection[K]) -> None:
        """Forget what is not among these."""
        self._failing = {key: one for key, one in self._failing.items() if key in keys}

    def done(self, key: K) -> None:
        """It came to something."""
        self._failing.pop(key, None)


def _way(fault: Exception) -> str:
    if isinstance(fault, HaversackError):
        return fault.code
    number = fault.errno if isinstance(fault, OSError) else None
    return f"{type(fault).__name__} {number}"
