"""The segments of a JPEG before its first scan.

Source: ITU-T T.81, B.1 and B.2; Adobe technical note 5116 (APP14).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from haversack.engine.codecs.header import PhotoHeader
from haversack.engine.codecs.orientation import UPRIGHT
from haversack.engine.codecs.pieces import Encoded, SmallPieces, find_pair
from haversack.engine.codecs.tiff_tags import orientation_within

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL, _PROGRESSIVE = frozenset({0xC0, 0xC1, 0xC9}), frozenset({0xC2, 0xCA})
_SCAN = 0xDA
# Not zero, fill, TEM, a restart or the photo's start, none of which has a length behind it.
_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
_SCAN_MARKER = re.compile(rb"\xff\xda")
# TurboJPEG's own limit (TJFLAG_LIMITSCANS): a few kilobytes of empty scans cost minutes otherwise.
_MOST_SCANS = 500


def segments(data: Encoded) -> Iterator[tuple[int, int, int]]:
    """(marker, place of its content, its length) of each segment up to the first scan's header.

    Bytes between segments that belong to none are skipped, as libjpeg does.

    Raises:
        IndexError, struct.error: the data end before a scan begins. ValueError: too many small
            segments, or a marker that cannot stand there.
    """
    small, at = SmallPieces("segments"), 2
    while True:
        at = find_pair(data, _MARKER, at)
        if at < 0:
            raise IndexError("no scan")
        marker = data[at + 1]
        (length,) = struct.unpack_from(">H", data, at + 2)
        if length < 2 or marker == 0xD9:
            raise ValueError(f"its marker {marker:02x} cannot stand before the image")
        if at + 2 + length > len(data):
            raise IndexError("the data end inside a segment")
        small.count(length)
        yield marker, at + 4, length - 2
        if marker == _SCAN:
            return
        at += 2 + length


def jpeg_header(data: Encoded) -> PhotoHeader:
    """JPEG, or the first photo of an MPO.

    Raises:
        IndexError, struct.error: the data end inside the header. ValueError: no usable photo.
    """
    frame, orientation, scan_components = b"", 0, 0
    kind = 0
    for marker, start, length in segments(data):
        if marker in _FRAMES and not frame:
            frame, kind = bytes(data[start : start + length]), marker
        elif marker == 0xE1 and not orientation and data[start : start + 6] == b"Exif\0\0":
            orientation = orientation_within(data, start, length)
        elif marker == _SCAN:
            scan_components = bytes(data[start : start + length])[0]
    if not frame:
        raise ValueError("a scan comes before the frame's header")
    bits, height, width, count = struct.unpack_from(">BHHB", frame)
    sampling = [frame[6 + 3 * index + 1] for index in range(count)]
    # A "baseline" file may also hold one component a scan: its coefficients are all kept too.
    buffered = kind in _PROGRESSIVE or scan_components < count
    if buffered and _has_more_scans(data, _MOST_SCANS):
        raise ValueError(f"it has more than {_MOST_SCANS} scans")
    known = kind in _SEQUENTIAL | _PROGRESSIVE
    return PhotoHeader(
        format="JPEG",
        stored_width=width,
        stored_height=height,
        mode=_mode(count) if known else f"SOF{kind - 0xC0}",
        bits=bits,
        orientation=orientation or UPRIGHT,
        progressive=buffered,
        coefficients=_coefficients(sampling) if buffered else 0.0,
    )


def _has_more_scans(data: Encoded, most: int) -> bool:
    at = -1
    for _ in range(most + 1):
        at = find_pair(data, _SCAN_MARKER, at + 1)
        if at < 0:
            return False
    return True


def _mode(components: int) -> str:
    return {1: "L", 3: "RGB", 4: "CMYK"}.get(components, f"{components} components")


def _coefficients(sampling: list[int]) -> float:
    """Coefficients a pixel: 1 for gray, 1.5 for 4:2:0, 3 for 4:4:4."""
    factors = [(packed >> 4 or 1, packed & 15 or 1) for packed in sampling]
    most = max(across for across, _ in factors) * max(down for _, down in factors)
    return sum(across * down for across, down in factors) / most


def tidy_jpeg(data: bytes, header: PhotoHeader) -> bytes:
    """The same photo without bytes that belong to no segment and without EXIF, ICC or comments.

    libjpeg warns about those bytes, and its first warning hides the later ones. A sequential JPEG
    in one scan also gets its end marker: where only that was lost, nothing of the photo was.
    A JPEG in several scans does not, as it would then pass for whole after any of them.
    """
    view = memoryview(data)
    kept: list[bytes | memoryview] = [b"\xff\xd8"]
    end = 2
    for marker, start, length in segments(data):
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or (marker == 0xEE and length == 12):
            kept.append(view[start - 4 : start + length])
        end = start + length
    kept.append(view[end:])
    if not header.progressive:
        kept.append(b"\xff\xd9")
    return b"".join(kept)
