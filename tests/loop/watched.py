"""`haversack ARGS`, while another process asks what its event loop and its memory did meanwhile.

Usage: watched.py SOCKET STACKS ARGS... - SOCKET is where questions come (`begin`, `end`), STACKS
where the main thread's stack is written each time that the slowed disk would have held it up.

Nothing of the server is replaced: the loop and the data plane are found among the living objects,
and a timer of our own is put on the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import faulthandler
import gc
import json
import signal
import socket
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any, TextIO

from haversack.asgi.bodies import BodyStore
from haversack.cli import main
from haversack.engine.allocator import trim
from haversack.serve.plane.dataplane import DataPlane

_TICK_SECONDS = 0.005
_LOOK_SECONDS = 0.01
_LONG_SECONDS = 0.04


class Ticks:
    """CPU seconds of the loop's thread between two ticks of a timer on the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._clock = time.pthread_getcpuclockid(threading.main_thread().ident or 0)
        self._last = time.clock_gettime(self._clock)
        self.most_seconds = 0.0
        self.stack = ""
        loop.call_soon_threadsafe(self._tick)
        threading.Thread(target=self._look, daemon=True).start()

    def forget(self) -> None:
        """Begin anew."""
        self.most_seconds, self.stack = 0.0, ""

    def _tick(self) -> None:
        now = time.clock_gettime(self._clock)
        self.most_seconds = max(self.most_seconds, now - self._last)
        self._last = now
        self._loop.call_later(_TICK_SECONDS, self._tick)

    def _look(self) -> None:
        """Where the loop is, if it has been there for long: for whoever mends it."""
        main_thread = threading.main_thread().ident or 0
        while True:
            time.sleep(_LOOK_SECONDS)
            if time.clock_gettime(self._clock) - self._last > _LONG_SECONDS:
                frame = sys._current_frames().get(main_thread)
                self.stack = "".join(traceback.format_stack(frame)[-6:])


class Reserved:
    """What the server has reserved, and the most since `forget`: bodies, photos, JSON and calls."""

    def __init__(self, plane: DataPlane, bodies: BodyStore) -> None:
        self._bodies = bodies
        self._gates = (plane.memory, plane.json, plane.workspace)

    def forget(self) -> None:
        """Begin anew."""
        for gate in self._gates:
            gate.budget.most_bytes = gate.used

    def most_bytes(self) -> int:
        """The most of each, together."""
        return sum(gate.budget.most_bytes for gate in self._gates)

    def used_bytes(self) -> int:
        """Of them all, now."""
        return sum(gate.used for gate in self._gates)


def _living(kind: type[Any]) -> Any:
    found = [one for one in gc.get_objects() if isinstance(one, kind)]
    if len(found) != 1:
        raise LookupError(f"{len(found)} of {kind.__name__} live")
    return found[0]


class _Disk:
    """The shim of slow_disk.c, where it was loaded."""

    def __init__(self) -> None:
        self._on = getattr(ctypes.CDLL(None), "slow_disk_on", None)

    def slow(self, yes: bool) -> None:
        if self._on is not None:
            self._on(int(yes))


def _answer(asked: str, watch: tuple[Ticks, Reserved, _Disk], stacks: TextIO) -> dict[str, Any]:
    ticks, reserved, disk = watch
    if asked == "begin":
        stacks.seek(0)
        stacks.truncate()
        gc.collect()
        trim()
        reserved.forget()
        ticks.forget()
        disk.slow(True)
        return {}
    disk.slow(False)
    return {
        "loop_seconds": ticks.most_seconds,
        "loop_stack": ticks.stack,
        "reserved_bytes": reserved.most_bytes(),
        "still_reserved_bytes": reserved.used_bytes(),
        "disk_stacks": Path(stacks.name).read_text(),
    }


def _serve_questions(path: str, stacks: TextIO) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen()
    watch: tuple[Ticks, Reserved, _Disk] | None = None
    while True:
        connection, _ = listener.accept()
        with connection, connection.makefile("rw") as talk:
            for line in talk:
                if watch is None:
                    loop = _living(asyncio.AbstractEventLoop)
                    reserved = Reserved(_living(DataPlane), _living(BodyStore))
                    watch = (Ticks(loop), reserved, _Disk())
                talk.write(json.dumps(_answer(line.strip(), watch, stacks)) + "\n")
                with contextlib.suppress(BrokenPipeError):
                    talk.flush()


if __name__ == "__main__":
    at, where = sys.argv[1:3]
    sys.argv[1:3] = []
    written = Path(where).open("w+")  # noqa: SIM115  # as long as the process
    faulthandler.register(signal.SIGUSR2, file=written, all_threads=False)
    threading.Thread(target=_serve_questions, args=(at, written), daemon=True).start()
    main()
