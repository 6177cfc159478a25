"""The pieces that a photo's file is made of, walked in a bounded number of steps.

A few kilobytes unpack to millions of pieces that hold nothing. Whoever walks them in Python pays
for each, so only so many small ones are read; large ones are few by the file's size.
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Iterator
from typing import TypeAlias

Encoded: TypeAlias = bytes | memoryview | mmap.mmap
"""The bytes of a photo's file, wherever they lie: what is not sliced is not copied."""

SMALL_BYTES = 1 << 10
"""A piece with less than this is a small one."""
MOST_SMALL = 4096
"""So many small pieces of one file are read: 4 ms for all of them on 2 vCPU."""
# XMP lies in a GIF as if each letter were a length: 65,536 steps hold two megabytes of it, in 7 ms.
_MOST_GIF_STEPS = 1 << 16
# `re` holds Python's lock while it searches: a megabyte takes it about a millisecond.
_WINDOW_BYTES = 1 << 20

Piece: TypeAlias = tuple[bytes, int, int]
"""Name, place of the content, and its length as the file states it."""


class SmallPieces:
    """Counts the small pieces of one file."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen = 0

    def count(self, length: int) -> None:
        """One more piece of `length` bytes. Raises ValueError where there were too many."""
        if length >= SMALL_BYTES:
            return
        self._seen += 1
        if self._seen > MOST_SMALL:
            raise ValueError(
                f"it has more than {MOST_SMALL:,} {self._name} of less than {SMALL_BYTES:,} bytes"
            )


def png_chunks(data: Encoded) -> Iterator[Piece]:
    """Each chunk of a PNG up to IEND. Source: PNG 3rd edition, 5.3.

    Raises:
        ValueError: there are too many small ones.
    """
    small, at = SmallPieces("chunks"), 8
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">L4s", data, at)
        small.count(length)
        yield name, at + 8, length
        if name == b"IEND":
            return
        at += 12 + length


def riff_chunks(data: Encoded) -> Iterator[Piece]:
    """Each chunk of a WebP. Source: RFC 9649, 2.3.

    Raises:
        ValueError: there are too many small ones.
    """
    small, at = SmallPieces("chunks"), 12
    while at + 8 <= len(data):
        name, length = struct.unpack_from("<4sL", data, at)
        small.count(length)
        yield name, at + 8, length
        at += 8 + length + length % 2


def gif_blocks(data: Encoded) -> Iterator[tuple[int, int, int]]:
    """(label, start, end) of each extension before a GIF's first frame; the last is (0, start of
    what follows them, end of the data). Source: GIF89a, 18 to 26.

    Raises:
        IndexError: the data end inside them. ValueError: there are too many.
    """
    flags = data[10]
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    small, steps = SmallPieces("extensions"), 0
    while data[at] == 0x21:
        start, label = at, data[at + 1]
        at += 2
        while data[at]:
            at += data[at] + 1
            steps += 1
            if steps > _MOST_GIF_STEPS:
                raise ValueError(f"its extensions have more than {_MOST_GIF_STEPS:,} blocks")
        at += 1
        small.count(at - start)
        yield label, start, at
    yield 0, at, len(data)


def find_pair(data: Encoded, pair: re.Pattern[bytes], start: int) -> int:
    """The first place from `start` on where two bytes match; -1 where there is none.

    A mapping's own `find` would hold Python's lock for all of the file.
    """
    for at in range(start, len(data), _WINDOW_BYTES):
        found = pair.search(data, at, at + _WINDOW_BYTES + 1)
        if found is not None:
            return found.start()
    return -1
