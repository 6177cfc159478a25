"""The first directory of a TIFF, which is also how EXIF is written: read it, or clean it.

Pillow warns on damaged directories through `warnings`, which no thread can silence for itself
before Python 3.14, and it follows EXIF pointers while loading. So Pillow is given a directory
with only the tags that pixels need, each checked here.

Source: TIFF 6.0, section 2; EXIF 2.32; the BigTIFF design of libtiff.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from haversack.engine.codecs.pieces import Encoded

ORIENTATION = 274
_UNIT_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 16: 8}
_NUMBER = {1: "B", 3: "H", 4: "L", 16: "Q"}
_SINGLE = frozenset({256, 257, 259, 262, 266, 277, 278, 284, 317, 322, 323, 332, 512, 513, 514})
_SEVERAL = frozenset({258, 273, 279, 292, 293, 320, 324, 325, 338, 339, 347, 519, 520, 521})
# Offset and length of each strip, and of each tile.
_STRIPS, _TILES = frozenset({273, 279}), frozenset({324, 325})
_COLOUR = frozenset({529, 530, 531, 532})
_PIXEL_TAGS = _SINGLE | _SEVERAL | _COLOUR


@dataclass(frozen=True, kw_only=True)
class Directory:
    """Where the first directory lies and what it says.

    Attributes:
        offset: of the directory, in bytes from the start of the data.
        entries: tag -> (type, count, place in bytes of the values) for every entry whose values
            lie inside the data.
        order: "<" or ">" for struct.
        big: whether it is a BigTIFF.
    """

    offset: int
    entries: dict[int, tuple[int, int, int]]
    order: str
    big: bool


def read_directory(data: Encoded) -> Directory:
    """The first directory of `data`, which starts with a TIFF header.

    Entries of unknown type, or with values outside the data, are left out.

    Raises:
        ValueError: it is no TIFF. struct.error: the directory lies outside the data.
    """
    order = {b"II": "<", b"MM": ">"}.get(bytes(data[:2]))
    magic = struct.unpack_from(f"{order}H", data, 2)[0] if order else 0
    if order is None or magic not in (42, 43):
        raise ValueError("no TIFF header")
    big = magic == 43
    (offset,) = struct.unpack_from(f"{order}Q" if big else f"{order}L", data, 8 if big else 4)
    if offset >= len(data):
        raise struct.error("the directory lies behind the end of the file")
    (count,) = struct.unpack_from(f"{order}Q" if big else f"{order}H", data, offset)
    entry = struct.Struct(f"{order}HHQ" if big else f"{order}HHL")
    step, field = (20, 8) if big else (12, 4)
    first = offset + (8 if big else 2)
    entries: dict[int, tuple[int, int, int]] = {}
    # 4,096 entries are far above any real file; a damaged count must not cost seconds.
    for index in range(min(count, 4096)):
        here = first + index * step
        tag, kind, values = entry.unpack_from(data, here)
        size = _UNIT_BYTES.get(kind, 0) * values
        place = here + entry.size
        if size > field:
            (place,) = struct.unpack_from(f"{order}Q" if big else f"{order}L", data, place)
        if size > 0 and place + size <= len(data):
            entries.setdefault(tag, (kind, values, place))
    return Directory(offset=offset, entries=entries, order=order, big=big)


def numbers(data: Encoded, directory: Directory, tag: int) -> tuple[int, ...]:
    """The whole numbers of `tag`, at most 64 of them; () where it is absent or no whole number."""
    kind, count, place = directory.entries.get(tag, (0, 0, 0))
    if kind not in _NUMBER:
        return ()
    form = f"{directory.order}{min(count, 64)}{_NUMBER[kind]}"
    return struct.unpack_from(form, data, place)


def exif_orientation(exif: bytes | memoryview) -> int:
    """EXIF orientation, 1 to 8, of a block with or without its "Exif" prefix; 1 where unreadable.

    A camera's broken EXIF is no reason to refuse its photo, and upright is the best guess.
    """
    block = exif[6:] if bytes(exif[:6]) == b"Exif\0\0" else exif
    try:
        found = numbers(block, read_directory(block), ORIENTATION)
    except (ValueError, struct.error):
        return 1
    return found[0] if found and 1 <= found[0] <= 8 else 1


def orientation_within(data: Encoded, start: int, size: int) -> int:
    """As `exif_orientation` of `size` bytes from `start` on, which are not copied."""
    # Let go of at once: a mapping cannot be closed while anyone looks at it.
    with memoryview(data) as whole, whole[start : start + size] as block:
        return exif_orientation(block)


def parts_listed(data: Encoded, directory: Directory) -> int:
    """How many strips or tiles the page has, as far as the directory lists them."""
    tiles = max(directory.entries.get(tag, (0, 0, 0))[1] for tag in _TILES)
    strips = max(directory.entries.get(tag, (0, 0, 0))[1] for tag in _STRIPS)
    return min(max(tiles, strips), _parts(data, directory, is_tiled=tiles > 0))


def _parts(data: Encoded, directory: Directory, *, is_tiled: bool) -> int:
    """How many strips or tiles cover the photo."""

    def first(tag: int, default: int) -> int:
        return (numbers(data, directory, tag) or (0,))[0] or default

    width, height = first(256, 1), first(257, 1)
    planes = first(277, 1) if first(284, 1) == 2 else 1
    if not is_tiled:
        return planes * -(-height // first(278, height))
    return planes * -(-width // first(322, width)) * -(-height // first(323, height))


def clean_directory(data: Encoded, directory: Directory) -> bytes:
    """The directory with only the tags that pixels need, no next page: bytes for the same place.

    It is never longer than the one it replaces. Orientation is left out: the caller applies it.
    """
    order, big = directory.order, directory.big
    field = "Q" if big else "L"
    kept: list[bytes] = []
    room = len(data)
    for tag, (kind, count, place) in sorted(directory.entries.items()):
        if tag in _STRIPS | _TILES:
            # Pillow makes numbers of all that are listed, 16 million in a file of 64 MB.
            count = min(count, _parts(data, directory, is_tiled=tag in _TILES))
        size = _UNIT_BYTES[kind] * count
        if tag not in _PIXEL_TAGS or size > room:
            continue
        if tag in _SINGLE:
            count, size = 1, _UNIT_BYTES[kind]
        width = 8 if big else 4
        if size <= width:
            value = bytes(data[place : place + size]).ljust(width, b"\0")
        else:
            room -= size
            value = struct.pack(f"{order}{field}", place)
        kept.append(struct.pack(f"{order}HH{field}", tag, kind, count) + value)
    head = struct.pack(f"{order}Q" if big else f"{order}H", len(kept))
    return head + b"".join(kept) + struct.pack(f"{order}{field}", 0)
