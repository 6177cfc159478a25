"""What can still be read of a photo whose end is missing, with how far it is real.

Strict decoding comes first and says `image-truncated`. A decoder that goes on without the missing
bytes fills with gray or black, and a survey that counts those rows as empty ground misses animals:
so every reader here says where the real rows end, and is rather too careful than not.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from haversack.engine.codecs.header import PhotoHeader
from haversack.engine.codecs.orientation import upright_view
from haversack.engine.codecs.pieces import png_chunks
from haversack.engine.codecs.pillow import decode_with_pillow
from haversack.errors import PhotoError

# Rows of the largest common block of a JPEG (4:2:0). Source: ITU-T T.81, A.2.
_BLOCK_ROWS = 16
_PNG_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_MAGIC_BYTES = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class PartlyDecoded:
    """A photo of which the first part is real.

    Attributes:
        pixels: upright RGB uint8[H,W,3]; what is not real is filled.
        valid_rows: of the photo as stored in its file, from the top.
        valid: left, top, right, bottom of the real part in pixels of the upright photo.
    """

    pixels: NDArray[np.uint8]
    valid_rows: int
    valid: tuple[int, int, int, int]


def decode_partly(data: bytes, header: PhotoHeader) -> PartlyDecoded | None:
    """The readable part of a JPEG in one scan or of a plain PNG; None where there is none.

    Other formats and JPEGs in several scans (each refines the whole photo, so that no row is
    certainly finished) give None. Call it only after strict decoding said `image-truncated`.
    """
    if header.format == "JPEG" and not header.progressive and header.mode in ("L", "RGB"):
        found = _jpeg(data, header)
    elif header.format == "PNG":
        found = _png(data, header)
    else:
        return None
    if found is None or found[1] < 1:
        return None
    pixels, rows = found
    marks = np.zeros((header.stored_height, header.stored_width, 1), dtype=np.uint8)
    marks[:rows] = 1
    real = upright_view(marks, header.orientation)[..., 0]
    down, across = (
        np.flatnonzero(real[:, [0, -1]].any(axis=1)),
        np.flatnonzero(real[[0, -1]].any(axis=0)),
    )
    valid = (int(across[0]), int(down[0]), int(across[-1]) + 1, int(down[-1]) + 1)
    return PartlyDecoded(pixels=pixels, valid_rows=rows, valid=valid)


def _jpeg(data: bytes, header: PhotoHeader) -> tuple[NDArray[np.uint8], int] | None:
    try:
        stored: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, "RGB", strict=False)
    except ValueError:
        return None
    if stored.shape[:2] != (header.stored_height, header.stored_width):
        return None
    pixels = np.ascontiguousarray(upright_view(stored, header.orientation))
    return pixels, _real_rows(stored)


def _real_rows(stored: NDArray[np.uint8]) -> int:
    """Whole blocks of rows above the one in which libjpeg began to fill.

    It fills with zero coefficients, one even gray down to the last pixel. The row above the fill
    takes colour from it while chroma is enlarged, hence the one row of doubt.
    """
    fill = stored[-1, -1]
    last = len(stored)
    while last > 0 and (stored[last - 1] == fill).all():
        last -= 1
    return max(0, last - 2) // _BLOCK_ROWS * _BLOCK_ROWS


def _png(data: bytes, header: PhotoHeader) -> tuple[NDArray[np.uint8], int] | None:
    """The rows that could be unpacked, and black ones below, as a whole PNG decoded strictly."""
    width, height, bits, colour, _, _, interlaced = struct.unpack_from(">2L5B", data, 16)
    if interlaced or colour not in _PNG_SAMPLES:
        return None
    line = 1 + -(-width * bits * _PNG_SAMPLES[colour] // 8)
    lines = _unpacked(data, height * line)
    rows = min(height, len(lines) // line)
    if rows < 1:
        return None
    lines[rows * line :] = bytes((height - rows) * line)
    # Level 1: these bytes live for a moment only.
    packed = zlib.compress(lines, 1)
    del lines
    kept = [data[:_MAGIC_BYTES]]
    for name, start, length in png_chunks(data):
        if name in (b"IHDR", b"PLTE", b"tRNS"):
            kept.append(data[start - 8 : start + length + 4])
    kept += [_chunk(b"IDAT", packed), _chunk(b"IEND", b"")]
    try:
        return decode_with_pillow(b"".join(kept), header), rows
    except PhotoError:
        return None


def _unpacked(data: bytes, limit_bytes: int) -> bytearray:
    """Filtered scan lines, as far as the stream goes."""
    stream, lines, view = zlib.decompressobj(), bytearray(), memoryview(data)
    try:
        for name, start, length in png_chunks(data):
            if name == b"IDAT" and len(lines) < limit_bytes:
                lines += stream.decompress(view[start : start + length], limit_bytes - len(lines))
    except zlib.error:
        pass
    return lines


def _chunk(name: bytes, content: bytes) -> bytes:
    check = zlib.crc32(name + content)
    return struct.pack(">L", len(content)) + name + content + struct.pack(">L", check)
