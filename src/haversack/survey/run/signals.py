"""Ctrl-C, a polite kill and a closed terminal as a count, so that no write is cut in the middle."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

_HANGUP = getattr(signal, "SIGHUP", None)  # none on Windows
_CAUGHT = (signal.SIGINT, signal.SIGTERM, *([_HANGUP] if _HANGUP else []))


class Interrupts:
    """Counts them while it is entered; the second raises KeyboardInterrupt.

    A closed terminal may say so twice, and counts once; under nohup it is ignored.

    Outside the main thread, where Python allows no handlers, it counts nothing.
    """

    def __init__(self) -> None:
        self.count = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            for one in _CAUGHT:
                if one == _HANGUP and signal.getsignal(one) is signal.SIG_IGN:
                    continue
                self._before[one] = signal.signal(one, self._note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for one, handler in self._before.items():
            signal.signal(one, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        if number == _HANGUP and self.count:
            return
        self.count += 1
        if self.count > 1:
            raise KeyboardInterrupt
