"""The header of each picture format, read without decoding a pixel and without Pillow.

Each reader takes the encoded bytes and gives an `ImageHeader`. Two exceptions mean the same for
all: struct.error or IndexError, the bytes end inside the header; ValueError, they contradict the
format.
"""

from __future__ import annotations

import struct

from haversack.engine.codecs.header import ImageHeader
from haversack.engine.codecs.orientation import UPRIGHT
from haversack.engine.codecs.tiff_tags import ORIENTATION, exif_orientation, numbers, read_directory

_PNG_MODES = {0: "L", 2: "RGB", 3: "P", 4: "LA", 6: "RGBA"}
_TIFF_MODES = {0: "L", 1: "L", 2: "RGB", 3: "P", 5: "CMYK", 6: "YCbCr", 8: "LAB", 9: "LAB"}


def png_header(data: bytes) -> ImageHeader:
    """PNG or APNG. Source: PNG 3rd edition, 5.3, 11.2.1, 11.3.4.5."""
    length, kind, width, height, bits, colour = struct.unpack_from(">L4s2LBB", data, 8)
    if kind != b"IHDR" or length < 13 or colour not in _PNG_MODES:
        raise ValueError("its first chunk is no usable IHDR")
    exif = b""
    for name, start, size in png_chunks(data):
        if name == b"eXIf":
            exif = data[start : start + size]
    return ImageHeader(
        format="PNG",
        stored_width=width,
        stored_height=height,
        mode=_PNG_MODES[colour],
        bits=bits,
        orientation=exif_orientation(exif),
    )


def png_chunks(data: bytes) -> list[tuple[bytes, int, int]]:
    """(name, place of the content, length of it as stated) of each chunk up to IEND."""
    found = []
    at = 8
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">L4s", data, at)
        found.append((name, at + 8, length))
        if name == b"IEND":
            break
        at += 12 + length
    return found


def gif_header(data: bytes) -> ImageHeader:
    """First frame of a GIF, on its screen. Source: GIF89a, 18 to 26."""
    width, height, flags = struct.unpack_from("<HHB", data, 6)
    at = 13 + (3 << (flags & 7) + 1 if flags & 0x80 else 0)
    while data[at] == 0x21:
        at += 2
        while data[at]:
            at += data[at] + 1
        at += 1
    if data[at] != 0x2C:
        raise ValueError("it holds no frame")
    left, top, across, down = struct.unpack_from("<4H", data, at + 1)
    if left + across > width or top + down > height:
        width, height = max(width, left + across), max(height, top + down)
        if width * height > 1 << 26:
            # Pillow would warn from 89 MP on; real files overhang by a few pixels.
            raise ValueError(f"its frame reaches to {width} x {height}, outside its screen")
    return ImageHeader(
        format="GIF",
        stored_width=width,
        stored_height=height,
        mode="P",
    )


def bmp_header(data: bytes) -> ImageHeader:
    """Windows or OS/2 bitmap. Source: Microsoft, BITMAPINFOHEADER, BITMAPCOREHEADER."""
    (size,) = struct.unpack_from("<L", data, 14)
    form = "<HHHH" if size == 12 else "<llHH"
    width, height, _, bits = struct.unpack_from(form, data, 18)
    return ImageHeader(
        format="BMP",
        stored_width=width,
        stored_height=abs(height),
        mode="P" if bits <= 8 else "RGB",
    )


def webp_header(data: bytes) -> ImageHeader:
    """First frame of a WebP. Source: RFC 9649, 2.3 to 2.7."""
    kind = data[12:16]
    exif = b""
    if kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    elif kind == b"VP8L":
        (packed,) = struct.unpack_from("<L", data, 21)
        width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    elif kind == b"VP8X":
        low_w, high_w, low_h, high_h = struct.unpack_from("<HBHB", data, 24)
        width, height = (high_w << 16 | low_w) + 1, (high_h << 16 | low_h) + 1
        at = 12
        while at + 8 <= len(data):
            name, length = struct.unpack_from("<4sL", data, at)
            if name == b"EXIF":
                exif = data[at + 8 : at + 8 + length]
            at += 8 + length + length % 2
    else:
        raise ValueError(f"its first chunk is {kind!r}")
    return ImageHeader(
        format="WEBP",
        stored_width=width,
        stored_height=height,
        mode="RGB" if kind == b"VP8 " else "RGBA",
        orientation=exif_orientation(exif),
        scratch_bytes=2 * len(data),
    )


def tiff_header(data: bytes) -> ImageHeader:
    """First page of a TIFF. `bits` is the largest of any sample; 64 where it is no integer."""
    page = read_directory(data)

    def first(tag: int, default: int) -> int:
        return (numbers(data, page, tag) or (default,))[0]

    bits = max(numbers(data, page, 258) or (1,))
    if set(numbers(data, page, 339)) - {1, 4}:
        bits = max(bits, 64)
    orientation = first(ORIENTATION, UPRIGHT)
    compressed = first(259, 1) != 1
    tile = first(322, 0) * first(323, 0) * max(1, first(277, 1))
    return ImageHeader(
        format="TIFF",
        stored_width=first(256, 0),
        stored_height=first(257, 0),
        mode=_TIFF_MODES.get(first(262, 0), "unknown"),
        bits=bits,
        orientation=orientation if 1 <= orientation <= 8 else UPRIGHT,
        # libtiff is handed the whole file in one piece, and holds one tile, at times twice.
        scratch_bytes=(len(data) + 2 * tile) if compressed else 0,
    )
