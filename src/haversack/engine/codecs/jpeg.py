"""JPEG bytes -> pixels by libjpeg-turbo, with every warning an error.

libjpeg fills what is missing with gray and only warns; a half-gray survey photo would count as
one without animals. So decoding is strict, and where a warning may be harmless the photo is
tidied and decoded strictly again: what then passes is whole.
"""

from __future__ import annotations

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from haversack.engine.codecs.header import PhotoHeader
from haversack.engine.codecs.jpeg_header import tidy_jpeg
from haversack.errors import Kind, PhotoError

_STRIP_PIXELS = 1 << 18


def decode_jpeg(data: bytes, header: PhotoHeader, shrink: int) -> NDArray[np.uint8]:
    """Pixels as stored, RGB uint8[ceil(h/shrink), ceil(w/shrink), 3].

    Raises:
        PhotoError: `image-mode-unsupported` for more than 8 bits, lossless or odd components;
            `image-truncated`; `image-corrupt`.
    """
    if header.bits != 8 or header.mode not in ("L", "RGB", "CMYK"):
        raise PhotoError(
            "image-mode-unsupported",
            f"the JPEG holds {header.bits}-bit {header.mode}; 8-bit gray, RGB and CMYK are read",
            hint="Save it again as an ordinary 8-bit JPEG.",
            kind=Kind.UNSUPPORTED,
        )
    try:
        pixels = _strict(data, header, shrink)
    except ValueError as error:
        pixels = _again(data, header, shrink, str(error))
    expected = (-(-header.stored_height // shrink), -(-header.stored_width // shrink))
    if pixels.shape[:2] != expected:
        raise PhotoError(
            "image-corrupt",
            f"the JPEG decodes to {pixels.shape[1]} x {pixels.shape[0]} pixels, while its header "
            f"promises {expected[1]} x {expected[0]}",
        )
    return _cmyk_to_rgb(pixels) if header.mode == "CMYK" else pixels


def _strict(data: bytes, header: PhotoHeader, shrink: int) -> NDArray[np.uint8]:
    colours = "CMYK" if header.mode == "CMYK" else "RGB"
    # min_factor alone has no effect (simplejpeg 1.9); with the exact sides as least ones,
    # libjpeg-turbo takes exactly 1/shrink.
    pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
        data,
        colours,
        min_factor=shrink,
        min_width=-(-header.stored_width // shrink) if shrink > 1 else 0,
        min_height=-(-header.stored_height // shrink) if shrink > 1 else 0,
        strict=True,
    )
    return pixels


def _again(data: bytes, header: PhotoHeader, shrink: int, first: str) -> NDArray[np.uint8]:
    # A copy of the compressed bytes, made for damaged files only.
    try:
        return _strict(tidy_jpeg(data, header), header, shrink)
    except ValueError as error:
        reason = str(error)
    if "remature end" in first or "remature end" in reason:
        raise PhotoError(
            "image-truncated",
            f"the JPEG's image data end early ({len(data):,} bytes received)",
            hint="Copy or upload the file again.",
        )
    raise PhotoError(
        "image-corrupt",
        f"the JPEG cannot be read: {reason}",
        hint="Open the original in an image editor and save it again.",
    )


def _cmyk_to_rgb(inked: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGB uint8[h,w,3] of Adobe's inverted CMYK uint8[h,w,4]: each channel dimmed by black."""
    height, width = inked.shape[:2]
    rgb = np.empty((height, width, 3), dtype=np.uint8)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        strip = inked[top : top + rows].astype(np.uint16)
        rgb[top : top + rows] = (strip[..., :3] * strip[..., 3:] + 127) // 255
    return rgb
