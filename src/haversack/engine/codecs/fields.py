"""The header of each photo format, read without decoding a pixel and without Pillow.

Each reader takes the encoded bytes, copies none that it does not need, and gives an `PhotoHeader`
after a bounded number of steps. Two exceptions mean the same for
all: struct.error or IndexError, the bytes end inside the header; ValueError, they contradict the
format.
"""

from __future__ import annotations

import struct

from haversack.engine.codecs.header import PhotoHeader
from haversack.engine.codecs.orientation import UPRIGHT
from haversack.engine.codecs.pieces import Encoded, gif_blocks, png_chunks, riff_chunks
from haversack.engine.codecs.tiff_tags import (
    ORIENTATION,
    numbers,
    orientation_within,
    parts_listed,
    read_directory,
)

_PNG_MODES = {0: "L", 2: "RGB", 3: "P", 4: "LA", 6: "RGBA"}
# What Pillow makes of each strip: 260 bytes measured, of 100,000 strips of one row.
_PART_BYTES = 300
_TIFF_MODES = {0: "L", 1: "L", 2: "RGB", 3: "P", 5: "CMYK", 6: "YCbCr", 8: "LAB", 9: "LAB"}


def png_header(data: Encoded) -> PhotoHeader:
    """PNG or APNG. Source: PNG 3rd edition, 5.3, 11.2.1, 11.3.4.5."""
    length, kind, width, height, bits, colour = struct.unpack_from(">L4s2LBB", data, 8)
    if kind != b"IHDR" or length < 13 or colour not in _PNG_MODES:
        raise ValueError("its first chunk is no usable IHDR")
    exif = (0, 0)
    for name, start, size in png_chunks(data):
        if name == b"eXIf":
            exif = (start, size)
    return PhotoHeader(
        format="PNG",
        stored_width=width,
        stored_height=height,
        mode=_PNG_MODES[colour],
        bits=bits,
        orientation=orientation_within(data, *exif),
    )


def gif_header(data: Encoded) -> PhotoHeader:
    """First frame of a GIF, on its screen. Source: GIF89a, 18 to 26."""
    width, height = struct.unpack_from("<HH", data, 6)
    *_, (_, at, _) = gif_blocks(data)
    if data[at] != 0x2C:
        raise ValueError("it holds no frame")
    left, top, across, down = struct.unpack_from("<4H", data, at + 1)
    if left + across > width or top + down > height:
        width, height = max(width, left + across), max(height, top + down)
        if width * height > 1 << 26:
            # Pillow would warn from 89 MP on; real files overhang by a few pixels.
            raise ValueError(f"its frame reaches to {width} x {height}, outside its screen")
    return PhotoHeader(
        format="GIF",
        stored_width=width,
        stored_height=height,
        mode="P",
    )


def bmp_header(data: Encoded) -> PhotoHeader:
    """Windows or OS/2 bitmap. Source: Microsoft, BITMAPINFOHEADER, BITMAPCOREHEADER."""
    (size,) = struct.unpack_from("<L", data, 14)
    form = "<HHHH" if size == 12 else "<llHH"
    width, height, _, bits = struct.unpack_from(form, data, 18)
    return PhotoHeader(
        format="BMP",
        stored_width=width,
        stored_height=abs(height),
        mode="P" if bits <= 8 else "RGB",
    )


def webp_header(data: Encoded) -> PhotoHeader:
    """First frame of a WebP. Source: RFC 9649, 2.3 to 2.7."""
    kind = bytes(data[12:16])
    exif = (0, 0)
    if kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", data, 26))
    elif kind == b"VP8L":
        (packed,) = struct.unpack_from("<L", data, 21)
        width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    elif kind == b"VP8X":
        low_w, high_w, low_h, high_h = struct.unpack_from("<HBHB", data, 24)
        width, height = (high_w << 16 | low_w) + 1, (high_h << 16 | low_h) + 1
        for name, start, length in riff_chunks(data):
            if name == b"EXIF":
                exif = (start, length)
    else:
        raise ValueError(f"its first chunk is {kind!r}")
    return PhotoHeader(
        format="WEBP",
        stored_width=width,
        stored_height=height,
        mode="RGB" if kind == b"VP8 " else "RGBA",
        orientation=orientation_within(data, *exif),
        scratch_bytes=2 * len(data),
    )


def tiff_header(data: Encoded) -> PhotoHeader:
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
    return PhotoHeader(
        format="TIFF",
        stored_width=first(256, 0),
        stored_height=first(257, 0),
        mode=_TIFF_MODES.get(first(262, 0), "unknown"),
        bits=bits,
        orientation=orientation if 1 <= orientation <= 8 else UPRIGHT,
        # libtiff is handed the whole file in one piece, and holds one tile, at times twice.
        scratch_bytes=_PART_BYTES * parts_listed(data, page)
        + (len(data) + 2 * tile if compressed else 0),
    )
