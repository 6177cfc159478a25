"""What signals do: the first begins the end, a second one is the end."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

_INTERRUPTED = 130
_LAST_WORDS = (
    b"Ended at once, by a second signal: requests under way are not answered, and jobs under way "
    b"are begun again when their leases end.\n"
)


def leave_now() -> None:
    """End the process on the spot, whatever its threads are at, with exit code 130."""
    # Not the log: a signal may come while the thread it interrupts is writing to it.
    with contextlib.suppress(OSError):
        os.write(2, _LAST_WORDS)
    os._exit(_INTERRUPTED)


class Ending:
    """Told of signals by `note`: the first calls `begin`, a second SIGINT or SIGTERM `leave`.

    A second SIGHUP does nothing: a terminal that closes may say so twice.

    Args:
        begin: with the signal's number; called between two steps of the main thread.
    """

    def __init__(
        self, begin: Callable[[int], object], leave: Callable[[], None] = leave_now
    ) -> None:
        self._begin = begin
        self._leave = leave
        self._has_begun = False

    def note(self, number: int, frame: FrameType | None = None) -> None:
        """A handler for `signal.signal`."""
        if not self._has_begun:
            self._has_begun = True
            self._begin(number)
        elif number != signal.SIGHUP:
            self._leave()

    @contextlib.contextmanager
    def heeding(self, numbers: Sequence[int]) -> Iterator[None]:
        """These signals are noted for the length of a block, in the main thread.

        Not by a handler of an event loop: it would be called no more while a step of it waits.
        """
        before = {number: signal.signal(number, self.note) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
