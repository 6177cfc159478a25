"""How much an AVIF's boxes describe, counted before libavif is given them.

libavif looks for each item among all items, in C and with Python's lock: 20,000 of them in 460 kB
took it 0.5 s (2 vCPU), three times as many 4.9 s. Four tables with 4,096 items each, all of them
others, took it 0.35 s; with 8,192 each 1.9 s.
Source: ISO/IEC 14496-12, 4.2 and 8.11 (`meta`, `iloc`, `iinf`, `iref`); 23008-12, 9.3 (`ipma`).
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator

from haversack.engine.codecs.pieces import Encoded, SmallPieces

MOST_DESCRIBED = 4096
"""So many items, places, extents, properties and references, each counted by itself.

A photo of one thousand tiles has a thousand items, in each of the tables one line a tile."""


def check_boxes(data: Encoded) -> None:
    """Whether libavif may read them.

    Raises:
        ValueError: they describe too much. struct.error: they end inside a field.
    """
    small = SmallPieces("boxes")
    described: Counter[str] = Counter()
    for name, start, end in _boxes(data, (0, len(data)), small, behind_may_be_anything=True):
        if name != b"meta":
            continue
        for part, inner, stop in _boxes(data, (start + 4, end), small):
            described.update(_described(data, (part, inner, stop), small))
            for what, count in described.items():
                if count > MOST_DESCRIBED:
                    raise ValueError(f"its boxes describe more than {MOST_DESCRIBED:,} {what}")


def _described(data: Encoded, box: tuple[bytes, int, int], small: SmallPieces) -> dict[str, int]:
    """How many entries libavif goes through in one part of `meta`, by kind."""
    name, start, end = box
    if name == b"iinf":
        form = ">H" if data[start] == 0 else ">L"
        return {"items": struct.unpack_from(form, data, start + 4)[0]}
    if name == b"iref":
        return {"references": _references(data, start, end, small)}
    if name == b"iloc":
        return _places(data, start, end)
    total: Counter[str] = Counter()
    if name == b"iprp":
        for part, inner, stop in _boxes(data, (start, end), small):
            if part == b"ipma":
                total["items with properties"] += struct.unpack_from(">L", data, inner + 4)[0]
            elif part == b"ipco":
                total["properties"] += sum(1 for _ in _boxes(data, (inner, stop), small))
    return total


def _references(data: Encoded, start: int, end: int, small: SmallPieces) -> int:
    """Items that are referred to: each box has an item, their number in 2 bytes, and them."""
    wide = 4 if data[start] else 2
    return sum(
        max(1, (stop - inner - 2) // wide - 1)
        for _, inner, stop in _boxes(data, (start + 4, end), small)
    )


def _places(data: Encoded, start: int, end: int) -> dict[str, int]:
    """Items and extents of `iloc`; an extent may take no byte at all."""
    version, sizes, more = data[start], data[start + 4], data[start + 5]
    offset, length, base, index = sizes >> 4, sizes & 15, more >> 4, more & 15
    count: int = struct.unpack_from(">L" if version == 2 else ">H", data, start + 6)[0]
    wide = 4 if version == 2 else 2
    total, at = 0, start + 6 + wide
    # An item's id, its way of construction from version 1 on, its data reference, its base.
    before = wide + 2 * (version > 0) + 2 + base
    step = offset + length + (index if version else 0)
    for _ in range(min(count, MOST_DESCRIBED)):
        at += before
        (extents,) = struct.unpack_from(">H", data, at)
        total += extents
        at += 2 + extents * step
        if at > end or total > MOST_DESCRIBED:
            break
    return {"places": count, "extents": total}


def _boxes(
    data: Encoded,
    span: tuple[int, int],
    small: SmallPieces,
    *,
    behind_may_be_anything: bool = False,
) -> Iterator[tuple[bytes, int, int]]:
    """(name, start of the content, end) of each box from and to there.

    Behind a file's last box others have put things that are no boxes; libavif stops before them.
    """
    at, stop = span
    while at + 8 <= stop:
        length, name = struct.unpack_from(">L4s", data, at)
        head = 8
        if length == 1 and at + 16 <= stop:
            (length,) = struct.unpack_from(">Q", data, at + 8)
            head = 16
        elif length == 0:
            length = stop - at
        if length < head:
            if behind_may_be_anything:
                return
            raise ValueError(f"its box {name!r} is {length} bytes long")
        small.count(length)
        yield name, at + head, min(at + length, stop)
        at += length
