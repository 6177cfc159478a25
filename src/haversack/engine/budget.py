"""A budget of memory: bytes are reserved before they are used, and given back after."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Protocol


class Budget(Protocol):
    """What a worker's threads take bytes from before they use memory.

    Promises: safe for any number of threads; `take` never waits.
    """

    @property
    def whole_bytes(self) -> int:
        """All there is."""
        ...

    def take(self, count: int) -> bool:
        """Take `count` bytes if they are free now. Returns whether they were."""
        ...

    def give(self, count: int) -> None:
        """Give `count` bytes back."""
        ...


class MemoryBudget:
    """Bytes that are taken before memory is, so that what is used stays below the whole.

    Promises: safe for any number of threads; what is taken never exceeds the whole, unless the
    whole is made smaller, or one asks to be alone; whoever is told of bytes given back is told
    after they can be taken.

    Attributes:
        whole_bytes: all there is.
        most_bytes: the most that was ever taken.
    """

    def __init__(self, whole_bytes: int) -> None:
        self.whole_bytes = whole_bytes
        self.most_bytes = 0
        self._taken_bytes = 0
        self._given = threading.Condition()
        self._listeners: list[Callable[[], None]] = []

    @property
    def taken_bytes(self) -> int:
        """Taken at this moment."""
        return self._taken_bytes

    def take(self, count: int, *, or_alone: bool = False) -> bool:
        """Take `count` bytes if they are free now. Returns whether they were.

        Args:
            or_alone: also take more than the whole, where nothing else is out.
        """
        with self._given:
            is_over = self._taken_bytes + count > self.whole_bytes
            if is_over and not (or_alone and self._taken_bytes == 0):
                return False
            self._taken_bytes += count
            self.most_bytes = max(self.most_bytes, self._taken_bytes)
            return True

    def give(self, count: int) -> None:
        """Give `count` bytes back."""
        with self._given:
            self._taken_bytes -= count
            self._given.notify_all()
        for listener in self._listeners:
            listener()

    def resize(self, whole_bytes: int, *, timeout_seconds: float = 0.0) -> bool:
        """Make the whole larger or smaller, and wait until what is taken fits into it.

        Returns whether it does; nothing more is taken meanwhile.
        """
        with self._given:
            grows = whole_bytes > self.whole_bytes
            self.whole_bytes = whole_bytes
            end = time.monotonic() + timeout_seconds
            fits = self._given.wait_for(
                lambda: self._taken_bytes <= self.whole_bytes, max(end - time.monotonic(), 0.0)
            )
        if grows:
            for listener in self._listeners:
                listener()
        return fits

    def when_given(self, listener: Callable[[], None]) -> None:
        """Call `listener`, on whatever thread, each time there may be more to take."""
        self._listeners.append(listener)
