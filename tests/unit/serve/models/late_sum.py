"""A number that takes its time to be added, so that another thread can come in between."""

from __future__ import annotations

import threading
from collections.abc import Callable

_PATIENCE_SECONDS = 0.2


class LateSum(int):
    """In the middle of the next sum with it another thread does `meanwhile`, if nothing stops it.

    Attributes:
        meanwhile: done once; None where there is nothing to be done.
        thread: that does it, and goes on after the sum where it had to wait for its end.
    """

    meanwhile: Callable[[], None] | None = None
    thread: threading.Thread | None = None

    def __radd__(self, other: int) -> int:
        work, self.meanwhile = self.meanwhile, None
        if work is not None:
            self.thread = threading.Thread(target=work)
            self.thread.start()
            self.thread.join(_PATIENCE_SECONDS)
        return int(other) + int(self)
