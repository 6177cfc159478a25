"""A file made of slices of other bytes, so that parts are left out without copying the rest."""

from __future__ import annotations

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import IO, cast

from haversack.engine.codecs.pieces import Encoded


def spliced(parts: Sequence[Encoded]) -> IO[bytes]:
    """The parts laid end to end, as Pillow wants a file: it reads and seeks, and nothing more."""
    return cast(IO[bytes], SplicedFile(parts))


class SplicedFile:
    """Read-only binary file over `parts` laid end to end; none is copied before it is read.

    One reader at a time. Pillow reads from it as from any file.
    """

    def __init__(self, parts: Sequence[Encoded]) -> None:
        self._parts = [memoryview(part) for part in parts if len(part)]
        self._starts = [0, *accumulate(map(len, self._parts))]
        self._length = self._starts.pop()
        self._at = 0

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to `offset` bytes from the start, the present place or the end."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """The present place in bytes."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Up to `size` bytes, all that is left where it is negative; b"" at the end."""
        stop = self._length if size < 0 else min(self._length, self._at + size)
        found: list[memoryview] = []
        # Thousands of parts are read in as many small reads: each looks only where it has to.
        number = max(bisect_right(self._starts, self._at) - 1, 0)
        while number < len(self._parts) and self._starts[number] < stop:
            start = self._starts[number]
            found.append(self._parts[number][max(0, self._at - start) : stop - start])
            number += 1
        self._at = max(self._at, stop)
        return b"".join(found)

    def close(self) -> None:
        """Let go of the bytes."""
        self._parts, self._starts = [], []
        self._length = 0
