"""glibc's allocator, told to give memory back. Does nothing where the C library is another."""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable

# Source: malloc.h of glibc.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_M_ARENA_MAX = -8
_MMAP_FROM_BYTES = 4 << 20
_TRIM_FROM_BYTES = 32 << 20
# 32 MiB is the largest threshold that glibc takes (half of HEAP_MAX_SIZE).
_TILES_MMAP_FROM_BYTES = 32 << 20
_TILES_KEPT_BYTES = 256 << 20


def settle() -> bool:
    """Three settings for a process whose work is to run packs; call once, before threads start.

    One heap for all threads: each thread's own keeps what that thread once freed (one server under
    load held 286 MB by default and 103 MB so). Blocks from 4 MiB up, which are photos, in mappings
    of their own: glibc raises that threshold with every block freed, up to 32 MiB, and photos on
    the heap leave holes. And up to 32 MiB kept at the heap's end between calls: given back at each
    free and taken again, a network's planes cost 2,000 page faults a photo, 2.5 of 19 ms.

    Returns whether this C library could be told.
    """
    return _tell(_MMAP_FROM_BYTES, _TRIM_FROM_BYTES)


def settle_for_tiles() -> bool:
    """The same for a process that runs one network on tiles again and again.

    Blocks up to 32 MiB stay on the one heap, which keeps 256 MiB between calls: a survey makes the
    same planes a hundred thousand times. Mapped anew for each tile they cost more than half of its
    time: 35,000 page faults and 62 ms of system time a tile of `blobs` (800 px, 53 ms of work),
    against 1,000 and 3 ms so (2 vCPU, 2 threads, 2026-11-21).
    """
    return _tell(_TILES_MMAP_FROM_BYTES, _TILES_KEPT_BYTES)


def trim() -> bool:
    """Give free heap pages back to the system. Returns whether any were given."""
    libc = _glibc()
    return bool(libc.malloc_trim(0)) if libc is not None else False


class Trimmer:
    """Gives free heap back now and then: often enough to bound memory, seldom enough to be free.

    Args:
        clock: seconds, rising.
        every_seconds: the least time between two trims.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, every_seconds: float = 1.0
    ) -> None:
        self._clock = clock
        self._every_seconds = every_seconds
        self._last = clock()

    def tick(self) -> bool:
        """Trim if it is time. Returns whether it was."""
        now = self._clock()
        if now - self._last < self._every_seconds:
            return False
        self._last = now
        trim()
        return True


def _tell(mmap_from_bytes: int, kept_bytes: int) -> bool:
    libc = _glibc()
    if libc is None:
        return False
    told = [
        libc.mallopt(_M_ARENA_MAX, 1),
        libc.mallopt(_M_MMAP_THRESHOLD, mmap_from_bytes),
        libc.mallopt(_M_TRIM_THRESHOLD, kept_bytes),
    ]
    return all(told)


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") else None
