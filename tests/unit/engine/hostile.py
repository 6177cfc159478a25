"""Files that are small once packed, or simple to send, and a lot of work to walk."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

from PIL import Image


def picture(format_name: str, **options: Any) -> bytes:
    """A picture of 16 x 8 pixels."""
    buffer = io.BytesIO()
    Image.new("RGB", (16, 8), "teal").save(buffer, format_name, **options)
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
    data = picture("JPEG")
    return data[:2] + between + data[2:]


def gif(between: bytes) -> bytes:
    """A GIF with extensions before its frame."""
    data = picture("GIF")
    place = 13 + (3 << (data[10] & 7) + 1)
    return data[:place] + between + data[place:]


def webp(behind: bytes) -> bytes:
    """A WebP of the extended kind with chunks behind its pixels."""
    return picture("WEBP", exif=orientation(6)) + behind


def orientation(code: int) -> bytes:
    """An EXIF block, as Pillow takes it."""
    block = Image.Exif()
    block[274] = code
    return block.tobytes()


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">L4s", 8 + len(content), name) + content


def avif(name: bytes = b"", change: Callable[[bytes], bytes] = bytes, added: bytes = b"") -> bytes:
    """An AVIF of which one part of `meta` is changed, and others are added to it."""
    data, made, at = picture("AVIF"), b"", 0
    while at < len(data):
        (length,) = struct.unpack_from(">L", data, at)
        outer, content = data[at + 4 : at + 8], data[at + 8 : at + length]
        if outer == b"meta":
            inner, place = content[:4], 4
            while place < len(content):
                (size,) = struct.unpack_from(">L", content, place)
                part = content[place + 4 : place + 8]
                old = content[place + 8 : place + size]
                inner += box(part, change(old) if part == name else old)
                place += size
            content = inner + added
        made += box(outer, content)
        at += length
    return made


def avif_items(count: int) -> bytes:
    """An AVIF with so many items more, which have no content."""

    def more(old: bytes) -> bytes:
        (own,) = struct.unpack_from(">H", old, 4)
        kind = b"\3\0\0\0" + struct.pack(">LH4s", 0, 0, b"av01") + b"\0"
        items = [kind[:4] + struct.pack(">L", 100 + n) + kind[8:] for n in range(count)]
        head = b"\1\0\0\0" + struct.pack(">L", own + count)
        return head + old[6:] + b"".join(box(b"infe", item) for item in items)

    return avif(b"iinf", more)


def avif_extents(count: int) -> bytes:
    """An AVIF with one item more, of so many extents that take no bytes here."""

    def more(old: bytes) -> bytes:
        assert old[:5] == b"\0\0\0\0\x44", "version 0, fields of 4 bytes"
        (own,) = struct.unpack_from(">H", old, 6)
        item = struct.pack(">HHH", 99, 0, count) + bytes(8 * count)
        return old[:6] + struct.pack(">H", own + 1) + old[8:] + item

    return avif(b"iloc", more)


def avif_references(count: int) -> bytes:
    """An AVIF whose item refers to so many others."""
    others = struct.pack(f">HH{count}H", 1, count, *range(100, 100 + count))
    return avif(added=box(b"iref", bytes(4) + box(b"cdsc", others)))


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
