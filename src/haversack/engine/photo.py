"""Encoded bytes -> upright RGB pixels, with the memory checked before a pixel is decoded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from haversack.engine.codecs.header import PhotoHeader
from haversack.engine.codecs.jpeg import decode_jpeg
from haversack.engine.codecs.magic import header_or_none, read_header, scan_bytes
from haversack.engine.codecs.orientation import upright_view
from haversack.engine.codecs.pieces import Encoded
from haversack.engine.codecs.pillow import decode_with_pillow
from haversack.errors import Kind, PhotoError
from haversack.packfile.manifest import InputGeometry
from haversack.settings import DEFAULT_DECODE_LIMIT_BYTES
from haversack.units import format_bytes

DEFAULT_LIMIT_BYTES = DEFAULT_DECODE_LIMIT_BYTES
# A choice, not a measurement: the resize that follows still averages or picks from 4 x 4 pixels.
_LEAST_OVERSIZE = 4

__all__ = [
    "DEFAULT_LIMIT_BYTES",
    "DecodedPhoto",
    "Encoded",
    "PhotoHeader",
    "decode",
    "header_or_none",
    "read_header",
    "scan_bytes",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class DecodedPhoto:
    """One upright photo.

    Attributes:
        pixels: RGB uint8[ceil(height/shrink), ceil(width/shrink), 3], C-contiguous.
        width, height: of the upright photo at full size, in pixels.
        shrink: 1, 2, 4 or 8: by how much it was decoded smaller.
        format: "JPEG", "PNG", ...
    """

    pixels: NDArray[np.uint8]
    width: int
    height: int
    shrink: int
    format: str

    @property
    def scale(self) -> tuple[float, float]:
        """Decoded pixels per full-size pixel, across and down, as the network's placement wants."""
        return self.pixels.shape[1] / self.width, self.pixels.shape[0] / self.height


def shrink_factor(header: PhotoHeader, target: InputGeometry | None) -> int:
    """1, 2, 4 or 8: a fixed function of a photo's size and the pack, never of load.

    The largest that leaves at least four times the network's input on the axis that shrinks
    least. Only for a JPEG in one scan: others hold their full-size coefficients anyway.
    """
    if target is None or header.format != "JPEG" or header.progressive:
        return 1
    across, down = header.width / target.width, header.height / target.height
    spare = max(across, down) if target.geometry == "letterbox" else min(across, down)
    if target.geometry == "crop":
        # The kept share is all that is resized to the input.
        spare *= target.crop
    return max((step for step in (1, 2, 4, 8) if spare / step >= _LEAST_OVERSIZE), default=1)


def decode(
    data: bytes,
    header: PhotoHeader | None = None,
    *,
    limit_bytes: int = DEFAULT_LIMIT_BYTES,
    target: InputGeometry | None = None,
) -> DecodedPhoto:
    """The upright photo in `data`, decoded smaller where `target` has no use for more.

    Args:
        data: an encoded photo; its type is told by its first bytes.
        header: of the same data, where it was read before; None reads it.
        limit_bytes: of memory that decoding may take, estimated from the header.
        target: the pack's input, or None to keep every pixel (surveys).

    Raises:
        PhotoError: `image-empty`, `image-type-unknown`, `image-too-large`,
            `image-mode-unsupported`, `image-truncated` or `image-corrupt`; nothing else.
    """
    header = header or read_header(data)
    shrink = shrink_factor(header, target)
    need = header.estimate_bytes(shrink)
    if need > limit_bytes:
        raise PhotoError(
            "image-too-large",
            f"decoding this {header.format} of {header.width} x {header.height} pixels would take "
            f"about {format_bytes(need)} of memory, estimated from its header before decoding; "
            f"the limit is {format_bytes(limit_bytes)}",
            hint=(
                "Send a smaller copy, or raise the limit with --decode-limit "
                "or HAVERSACK_DECODE_LIMIT."
            ),
            kind=Kind.TOO_LARGE,
        )
    if header.format == "JPEG":
        stored = decode_jpeg(data, header, shrink)
        pixels = np.ascontiguousarray(upright_view(stored, header.orientation))
    else:
        pixels = decode_with_pillow(data, header)
    return DecodedPhoto(
        pixels=pixels,
        width=header.width,
        height=header.height,
        shrink=shrink,
        format=header.format,
    )
