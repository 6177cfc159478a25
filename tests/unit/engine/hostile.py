"""Files that are small once packed, or simple to send, and a lot of work to walk."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from PIL import Image

Change: TypeAlias = Callable[[bytes], bytes]
"""From the content of one part to what is written in its place."""


def photo(format_name: str, *, size: tuple[int, int] = (16, 8), **options: Any) -> bytes:
    """A teal photo of 16 x 8 pixels, or of another size."""
    buffer = io.BytesIO()
    Image.new("RGB", size, "teal").save(buffer, format_name, **options)
    return buffer.getvalue()


def png_chunk(name: bytes, content: bytes = b"") -> bytes:
    check = struct.pack(">L", zlib.crc32(name + content))
    return struct.pack(">L", len(content)) + name + content + check


def png(between: bytes, behind: bytes = b"", *, idat_bytes: int = 1000) -> bytes:
    """A gray PNG of 8 x 8 with chunks before and after its pixels, which lie in IDAT of a size."""
    head = png_chunk(b"IHDR", struct.pack(">LLBBBBB", 8, 8, 8, 0, 0, 0, 0))
    packed = zlib.compress(bytes(8 * 9))
    parts = [packed[at : at + idat_bytes] for at in range(0, len(packed), idat_bytes)]
    pixels = b"".join(png_chunk(b"IDAT", part) for part in parts)
    return b"\x89PNG\r\n\x1a\n" + head + between + pixels + behind + png_chunk(b"IEND")


def jpeg(between: bytes) -> bytes:
    """A JPEG with bytes before its first segment."""
    data = photo("JPEG")
    return data[:2] + between + data[2:]


def gif(between: bytes) -> bytes:
    """A GIF with extensions before its frame."""
    data = photo("GIF")
    place = 13 + (3 << (data[10] & 7) + 1)
    return data[:place] + between + data[place:]


def webp(behind: bytes) -> bytes:
    """A WebP of the extended kind with chunks behind its pixels."""
    return photo("WEBP", exif=orientation(6)) + behind


def orientation(code: int) -> bytes:
    """An EXIF block, as Pillow takes it."""
    block = Image.Exif()
    block[274] = code
    return block.tobytes()


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">L4s", 8 + len(content), name) + content


def avif(changes: Mapping[bytes, Change] = MappingProxyType({}), added: bytes = b"") -> bytes:
    """An AVIF of which parts of `meta` are changed, and others are added to it."""
    data, made, at = photo("AVIF"), b"", 0
    while at < len(data):
        (length,) = struct.unpack_from(">L", data, at)
        outer, content = data[at + 4 : at + 8], data[at + 8 : at + length]
        if outer == b"meta":
            inner, place = content[:4], 4
            while place < len(content):
                (size,) = struct.unpack_from(">L", content, place)
                part = content[place + 4 : place + 8]
                old = content[place + 8 : place + size]
                inner += box(part, changes[part](old) if part in changes else old)
                place += size
            content = inner + added
        made += box(outer, content)
        at += length
    return made


def avif_items(count: int) -> bytes:
    """An AVIF with so many items more, which have no content."""
    return avif({b"iinf": _more_items(count)})


def avif_extents(count: int) -> bytes:
    """An AVIF with one item more, of so many extents that take no bytes here."""
    item = struct.pack(">HHH", 99, 0, count) + bytes(8 * count)
    return avif({b"iloc": _more_places(1, item)})


def avif_references(count: int) -> bytes:
    """An AVIF whose item refers to so many others."""
    return avif(added=_references(count))


def avif_properties(count: int) -> bytes:
    """An AVIF with so many properties more."""
    return avif({b"iprp": _more_properties(count)})


def avif_tables(count: int) -> bytes:
    """An AVIF with so many more in each table, each time of other items."""
    places = (struct.pack(">HHHLL", 10_000 + n, 0, 1, 0, 0) for n in range(count))
    changes = {
        b"iinf": _more_items(count),
        b"iloc": _more_places(count, b"".join(places)),
        b"iprp": _more_ties(count),
    }
    return avif(changes, added=_references(count))


def _more_items(count: int) -> Change:
    def more(old: bytes) -> bytes:
        (own,) = struct.unpack_from(">H", old, 4)
        kind = b"\3\0\0\0" + struct.pack(">LH4s", 0, 0, b"av01") + b"\0"
        items = [kind[:4] + struct.pack(">L", 100 + n) + kind[8:] for n in range(count)]
        head = b"\1\0\0\0" + struct.pack(">L", own + count)
        return head + old[6:] + b"".join(box(b"infe", item) for item in items)

    return more


def _more_places(count: int, items: bytes) -> Change:
    def more(old: bytes) -> bytes:
        assert old[:5] == b"\0\0\0\0\x44", "version 0, fields of 4 bytes"
        (own,) = struct.unpack_from(">H", old, 6)
        return old[:6] + struct.pack(">H", own + count) + old[8:] + items

    return more


def _more_properties(count: int) -> Change:
    def more(old: bytes) -> bytes:
        (length,) = struct.unpack_from(">L", old)
        return box(b"ipco", old[8:length] + box(b"free", b"") * count) + old[length:]

    return more


def _more_ties(count: int) -> Change:
    def more(old: bytes) -> bytes:
        place = old.index(b"ipma") + 4
        (own,) = struct.unpack_from(">L", old, place + 4)
        ties = b"".join(struct.pack(">HB", 20_000 + n, 0) for n in range(count))
        head = old[place : place + 4] + struct.pack(">L", own + count)
        return old[: place - 8] + box(b"ipma", head + old[place + 8 :] + ties)

    return more


def _references(count: int) -> bytes:
    numbers = range(0xFFFF - count, 0xFFFF)
    others = struct.pack(f">HH{count}H", 1, count, *numbers)
    return box(b"iref", bytes(4) + box(b"dimg", others))


def avif_grid(rows: int, columns: int, *, tied: bool = False) -> bytes:
    """An AVIF of so many teal tiles of 64 x 64; `tied`: each refers to the whole, too."""
    data, count = photo("AVIF", size=(64, 64)), rows * columns
    pixels = data[data.index(b"mdat") + 4 :]
    sizes = [struct.pack(">LL", 64, 64), struct.pack(">LL", 64 * columns, 64 * rows)]
    grid = bytes([0, 0, rows - 1, columns - 1]) + struct.pack(">HH", 64 * columns, 64 * rows)
    outer = box(b"ftyp", b"avif" + bytes(4) + b"avifmif1miaf")
    tiles = range(2, 2 + count)
    items = [_item(1, b"grid")] + [_item(tile, b"av01") for tile in tiles]
    references = box(b"dimg", struct.pack(f">HH{count}H", 1, count, *tiles))
    if tied:
        references += b"".join(box(b"cdsc", struct.pack(">HHH", tile, 1, 1)) for tile in tiles)
    place = data.index(b"av1C") - 4
    properties = data[place : place + data[place + 3]]
    properties += b"".join(box(b"ispe", bytes(4) + size) for size in sizes)
    ties = struct.pack(">HBB", 1, 1, 3)
    ties += b"".join(struct.pack(">HBBB", tile, 2, 0x81, 2) for tile in tiles)

    def described(at: int) -> bytes:
        places = struct.pack(">HHHLL", 1, 0, 1, at, len(grid))
        for tile in tiles:
            places += struct.pack(">HHHLL", tile, 0, 1, at + len(grid), len(pixels))
        parts = box(b"hdlr", bytes(8) + b"pict" + bytes(13)) + box(b"pitm", bytes(5) + b"\1")
        parts += box(b"iloc", b"\0\0\0\0\x44\0" + struct.pack(">H", count + 1) + places)
        parts += box(b"iinf", bytes(4) + struct.pack(">H", count + 1) + b"".join(items))
        parts += box(b"iref", bytes(4) + references)
        ipma = box(b"ipma", bytes(4) + struct.pack(">L", count + 1) + ties)
        parts += box(b"iprp", box(b"ipco", properties) + ipma)
        return box(b"meta", bytes(4) + parts)

    start = len(outer) + len(described(0)) + 8
    return outer + described(start) + box(b"mdat", grid + pixels)


def _item(number: int, kind: bytes) -> bytes:
    return box(b"infe", b"\2\0\0\0" + struct.pack(">HH4s", number, 0, kind) + b"\0")


def tiff(listed: int) -> bytes:
    """A gray TIFF of 8 x 8 that lists so many strips, and needs one."""
    tags = {256: 8, 257: 8, 258: 8, 259: 1, 262: 1, 277: 1, 278: 8}
    entries = [(tag, 4, 1, value) for tag, value in tags.items()]
    places = (264, 264 + 4 * listed) if listed > 1 else (200, 64)
    entries += [(273, 4, listed, places[0]), (279, 4, listed, places[1])]
    head = b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries))
    head += b"".join(struct.pack("<HHLL", *entry) for entry in sorted(entries)) + bytes(4)
    lists = struct.pack("<L", 200) * listed + struct.pack("<L", 64) * listed
    return head.ljust(200, b"\0") + bytes(range(64)) + lists
