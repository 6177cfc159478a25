"""Lines of one attempt for the worker's log: so many in a while, and the last ones in any case."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

MOST_LINES = 200
WHILE_SECONDS = 60.0
LAST_LINES = 20


class Notes:
    """Writes what it is told, at most `MOST_LINES` in `WHILE_SECONDS`, then how many more there
    were. Of these the last `LAST_LINES` are written at the end. Belongs to one thread.

    Without it a command that prints without end fills the disk that has the log: 5 MB of short
    lines were 833,335 lines there.
    """

    def __init__(
        self, write: Callable[[str], object], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._write = write
        self._clock = clock
        self._began = clock()
        self._written = self._passed_over = 0
        self._last: deque[str] = deque(maxlen=LAST_LINES)

    def add(self, text: str) -> None:
        """One line."""
        now = self._clock()
        if now - self._began >= WHILE_SECONDS:
            self._say_more(self._passed_over)
            self._began, self._written = now, 0
            self._last.clear()
        if self._written < MOST_LINES:
            self._written += 1
            self._write(text)
        else:
            self._passed_over += 1
            self._last.append(text)

    def end(self) -> None:
        """There are no more."""
        self._say_more(self._passed_over - len(self._last))
        for text in self._last:
            self._write(text)
        self._last.clear()

    def _say_more(self, count: int) -> None:
        if count:
            self._write(f"... and {count:,} more lines")
        self._passed_over = 0
