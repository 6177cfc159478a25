"""The segments of a JPEG before its first scan.

Source: ITU-T T.81, B.1 and B.2; Adobe technical note 5116 (APP14).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from haversack.engine.codecs.header import ImageHeader
from haversack.engine.codecs.orientation import UPRIGHT
from haversack.engine.codecs.tiff_tags import exif_orientation

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL, _PROGRESSIVE = frozenset({0xC0, 0xC1, 0xC9}), frozenset({0xC2, 0xCA})
_SCAN = 0xDA
_BARE = frozenset({0x00, 0x01, 0xFF, *range(0xD0, 0xD9)})
# TurboJPEG's own limit (TJFLAG_LIMITSCANS): a few kilobytes of empty scans cost minutes otherwise.
_MOST_SCANS = 500


def segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """(marker, place of its content, its length) of each segment up to the first scan's header.

    Bytes between segments that belong to none are skipped, as libjpeg does.

    Raises:
        IndexError, struct.error: the data end before a scan begins.
    """
    at = 2
    while True:
        at = data.find(b"\xff", at)
        if at < 0:
            raise IndexError("no scan")
        marker = data[at + 1]
        if marker in _BARE:
            at += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if length < 2 or marker == 0xD9:
            raise ValueError(f"its marker {marker:02x} cannot stand before the picture")
        if at + 2 + length > len(data):
            raise IndexError("the data end inside a segment")
        yield marker, at + 4, length - 2
        if marker == _SCAN:
            return
        at += 2 + length


def jpeg_header(data: bytes) -> ImageHeader:
    """JPEG, or the first picture of an MPO.

    Raises:
        IndexError, struct.error: the data end inside the header. ValueError: no usable picture.
    """
    frame, orientation, scan_components = b"", 0, 0
    kind = 0
    for marker, start, length in segments(data):
        content = data[start : start + length]
        if marker in _FRAMES and not frame:
            frame, kind = content, marker
        elif marker == 0xE1 and content[:6] == b"Exif\0\0" and not orientation:
            orientation = exif_orientation(content)
        elif marker == _SCAN:
            scan_components = content[0]
    if not frame:
        raise ValueError("a scan comes before the frame's header")
    bits, height, width, count = struct.unpack_from(">BHHB", frame)
    sampling = [frame[6 + 3 * index + 1] for index in range(count)]
    # A "baseline" file may also hold one component a scan: its coefficients are all kept too.
    buffered = kind in _PROGRESSIVE or scan_components < count
    if buffered and _has_more_scans(data, _MOST_SCANS):
        raise ValueError(f"it has more than {_MOST_SCANS} scans")
    known = kind in _SEQUENTIAL | _PROGRESSIVE
    return ImageHeader(
        format="JPEG",
        stored_width=width,
        stored_height=height,
        mode=_mode(count) if known else f"SOF{kind - 0xC0}",
        bits=bits,
        orientation=orientation or UPRIGHT,
        progressive=buffered,
        coefficients=_coefficients(sampling) if buffered else 0.0,
    )


def _has_more_scans(data: bytes, most: int) -> bool:
    """By `find` alone: a body that waits on disk is a mapping, which cannot count."""
    at = -1
    for _ in range(most + 1):
        at = data.find(b"\xff\xda", at + 1)
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


def tidy_jpeg(data: bytes, header: ImageHeader) -> bytes:
    """The same picture without bytes that belong to no segment and without EXIF, ICC or comments.

    libjpeg warns about those bytes, and its first warning hides the later ones. A sequential JPEG
    in one scan also gets its end marker: where only that was lost, nothing of the picture was.
    A JPEG in several scans does not, as it would then pass for whole after any of them.
    """
    kept = [b"\xff\xd8"]
    end = 2
    for marker, start, length in segments(data):
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or (marker == 0xEE and length == 12):
            kept.append(data[start - 4 : start + length])
        end = start + length
    kept.append(data[end:])
    if not header.progressive:
        kept.append(b"\xff\xd9")
    return b"".join(kept)
