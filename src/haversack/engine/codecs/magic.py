"""Which format the bytes of a photo are in, told by their first bytes and never by a name."""

from __future__ import annotations

import struct
from collections.abc import Callable

from haversack.engine.codecs.avif import avif_header
from haversack.engine.codecs.fields import (
    bmp_header,
    gif_header,
    png_header,
    tiff_header,
    webp_header,
)
from haversack.engine.codecs.header import PhotoHeader
from haversack.engine.codecs.jpeg_header import jpeg_header
from haversack.engine.codecs.pieces import Encoded
from haversack.errors import Kind, PhotoError

_MAGIC_BYTES = 16
_BOXES = b"ftyp"
ALLOWED = "JPEG, PNG, WebP, TIFF, GIF, BMP and AVIF"
_READERS: tuple[tuple[bytes, Callable[[Encoded], PhotoHeader]], ...] = (
    (b"\xff\xd8\xff", jpeg_header),
    (b"\x89PNG\r\n\x1a\n", png_header),
    (b"GIF87a", gif_header),
    (b"GIF89a", gif_header),
    (b"BM", bmp_header),
    (b"II*\0", tiff_header),
    (b"MM\0*", tiff_header),
    (b"II+\0", tiff_header),
    (b"MM\0+", tiff_header),
)


def read_header(data: Encoded) -> PhotoHeader:
    """Format, size, orientation and memory estimate of an encoded photo; nothing is decoded.

    Args:
        data: the photo, or its file mapped by `mmap`.

    Raises:
        PhotoError: `image-empty`, `image-type-unknown`, or, where the header itself is damaged,
            `image-truncated` or `image-corrupt`.
    """
    if not data:
        raise PhotoError(
            "image-empty",
            "the photo has no bytes at all",
            hint="Check that the upload or the copy of the file was complete.",
        )
    try:
        # A mapped file slices like bytes, but has not their methods.
        header = _reader(bytes(data[:_MAGIC_BYTES]))(data)
    except (struct.error, IndexError) as error:
        raise PhotoError(
            "image-truncated",
            f"the photo ends inside its header, after {len(data):,} bytes",
            hint="Copy or upload the file again.",
        ) from error
    except ValueError as error:
        raise _corrupt(str(error)) from error
    if header.stored_width < 1 or header.stored_height < 1:
        raise _corrupt(f"its header says {header.stored_width} x {header.stored_height} pixels")
    return header


def scan_bytes(data: Encoded) -> int:
    """Memory that `read_header` takes in bytes: none to speak of, but libavif wants the whole."""
    return 3 * len(data) if bytes(data[4:8]) == _BOXES else 0


def header_or_none(data: Encoded) -> PhotoHeader | None:
    """As `read_header`; None where there is none, and decoding will say why."""
    try:
        return read_header(data)
    except PhotoError:
        return None


def _corrupt(reason: str) -> PhotoError:
    return PhotoError(
        "image-corrupt",
        f"the photo cannot be read: {reason}",
        hint="Open the original in an image editor and save it again.",
    )


def _reader(data: bytes) -> Callable[[Encoded], PhotoHeader]:
    for magic, reader in _READERS:
        if data.startswith(magic):
            return reader
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return webp_header
    if data[4:8] == _BOXES:
        return avif_header
    if any(magic.startswith(data[:8]) for magic, _ in _READERS if len(data) < len(magic)):
        raise IndexError("shorter than its first bytes")
    raise PhotoError(
        "image-type-unknown",
        f"the file begins with {_shown(data[:12])}, which is none of {ALLOWED}",
        hint="Convert it to JPEG or PNG in an image editor and send that.",
        kind=Kind.UNSUPPORTED,
    )


def _shown(data: bytes) -> str:
    """First bytes for a person: as text where they are some, else as numbers."""
    if data.isascii() and data.decode("ascii").isprintable():
        return f'"{data.decode("ascii")}"'
    return "the bytes " + data.hex(" ")
