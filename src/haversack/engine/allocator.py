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
_MMAP_FROM_BYTES = 32 << 20  # the largest that glibc takes (half of HEAP_MAX_SIZE)
_KEPT_BYTES = 64 << 20
_KEPT_FOR_TILES_BYTES = 256 << 20


def settle() -> bool:
    """Three settings for a process whose work is to run packs; call once, before threads start.

    One heap for all threads: each thread's own keeps what that thread once freed (one server under
    load held 286 MB by default and 103 MB so). Blocks from 32 MiB up, which are large photos, in
    mappings of their own; smaller ones, which are photos and a network's planes, on the heap. And
    up to 64 MiB kept at the heap's end between calls: planes that are given back at each free and
    taken again cost more than the network. With mappings from 4 MiB a server answered 18 photos a
    second through `blobs` (800 px), with these settings 29, in 321 and 371 MB at the peak; through
    FastestDet it makes no difference (2 vCPU, 16 uploads at once, 2026-11-21).

    Returns whether this C library could be told.
    """
    return _tell(_KEPT_BYTES)


def settle_for_tiles() -> bool:
    """The same for a process that runs one network on tiles again and again: 256 MiB are kept.

    A survey makes the same planes a hundred thousand times. Mapped anew for each tile they cost
    more than half of its time: 35,000 page faults and 62 ms of system time a tile of `blobs` (53 ms
    of work), against 1,000 and 3 ms so (2 vCPU, 2 threads, 2026-11-21).
    """
    return _tell(_KEPT_FOR_TILES_BYTES)


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


def _tell(kept_bytes: int) -> bool:
    libc = _glibc()
    if libc is None:
        return False
    told = [
        libc.mallopt(_M_ARENA_MAX, 1),
        libc.mallopt(_M_MMAP_THRESHOLD, _MMAP_FROM_BYTES),
        libc.mallopt(_M_TRIM_THRESHOLD, kept_bytes),
    ]
    return all(told)


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") else None
