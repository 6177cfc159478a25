"""The EXIF block and the XMP packet of a photo, found without decoding a pixel.

Source: Exif 2.32, 4.7.2; XMP specification part 3 (2016), 1.1.3 (JPEG), 1.1.4 (TIFF), 1.1.5 (PNG);
RFC 9649, 2.7.1.5 (WebP).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from haversack.engine.codecs.jpeg_header import segments
from haversack.engine.codecs.pieces import Encoded, png_chunks, riff_chunks
from haversack.engine.codecs.tiff_tags import read_directory

XMP_LIMIT_BYTES = 1 << 20
"""A camera writes a few kilobytes; a larger packet is read up to here."""
EXIF_LIMIT_BYTES = 4 << 20
"""A JPEG has room for 64 kB, with a small photo in it; a larger block is read up to here."""

_EXIF_PREFIX = b"Exif\0\0"
_XMP_PREFIX = b"http://ns.adobe.com/xap/1.0/\0"
_PNG_KEYWORD = b"XML:com.adobe.xmp\0"
_XMP_TAG = 700


@dataclass(frozen=True, kw_only=True)
class Blocks:
    """What a photo says about itself.

    Attributes:
        exif: a TIFF structure, or b""; at most `EXIF_LIMIT_BYTES`, but a TIFF is its own.
        xmp: an XML packet, or b""; at most `XMP_LIMIT_BYTES`.
    """

    exif: Encoded = b""
    xmp: bytes = b""


def read_blocks(data: Encoded) -> Blocks:
    """Both blocks of a JPEG, PNG, WebP or TIFF; empty ones where absent, damaged or elsewhere."""
    try:
        # A mapped file slices like bytes, but has not their methods.
        return _reader(bytes(data[:16]))(data)
    except (struct.error, IndexError, ValueError, zlib.error):
        return Blocks()


def _reader(head: bytes) -> Callable[[Encoded], Blocks]:
    if head.startswith(b"\xff\xd8\xff"):
        return _jpeg
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return _png
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return _webp
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _tiff
    return lambda _: Blocks()


def _jpeg(data: Encoded) -> Blocks:
    exif = xmp = b""
    try:
        for marker, start, length in segments(data):
            if marker != 0xE1:
                continue
            content = bytes(data[start : start + length])
            if content.startswith(_EXIF_PREFIX):
                exif = exif or content[len(_EXIF_PREFIX) :]
            elif content.startswith(_XMP_PREFIX):
                xmp = xmp or content[len(_XMP_PREFIX) :]
    except (struct.error, IndexError, ValueError):
        # What came before the damage stands.
        return Blocks(exif=exif, xmp=xmp)
    return Blocks(exif=exif, xmp=xmp)


def _png(data: Encoded) -> Blocks:
    exif = xmp = b""
    for name, start, size in png_chunks(data):
        if name == b"eXIf":
            exif = exif or _part(data, start, size, EXIF_LIMIT_BYTES)
        elif name == b"iTXt" and not xmp:
            content = start + len(_PNG_KEYWORD)
            if size > len(_PNG_KEYWORD) and data[start:content] == _PNG_KEYWORD:
                size -= len(_PNG_KEYWORD)
                xmp = _international(_part(data, content, size, 2 * XMP_LIMIT_BYTES))
    return Blocks(exif=exif, xmp=xmp)


def _international(rest: bytes) -> bytes:
    """The text of an iTXt chunk after its keyword. Source: PNG 3rd edition, 11.3.3.4."""
    packed = rest[0] == 1
    text = rest[2:].split(b"\0", 2)[2]
    if packed:
        return zlib.decompressobj().decompress(text, XMP_LIMIT_BYTES)
    return text[:XMP_LIMIT_BYTES]


def _webp(data: Encoded) -> Blocks:
    exif = xmp = b""
    for name, start, length in riff_chunks(data):
        if name == b"EXIF":
            exif = _part(data, start, length, EXIF_LIMIT_BYTES).removeprefix(_EXIF_PREFIX)
        elif name == b"XMP ":
            xmp = _part(data, start, length, XMP_LIMIT_BYTES)
    return Blocks(exif=exif, xmp=xmp)


def _tiff(data: Encoded) -> Blocks:
    kind, count, place = read_directory(data).entries.get(_XMP_TAG, (0, 0, 0))
    xmp = _part(data, place, count, XMP_LIMIT_BYTES) if kind in (1, 2, 7) else b""
    # The file is its own EXIF block: no copy.
    return Blocks(exif=data, xmp=xmp)


def _part(data: Encoded, start: int, size: int, limit_bytes: int) -> bytes:
    return bytes(data[start : start + min(size, limit_bytes)])
