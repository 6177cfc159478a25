"""AVIF and HEIC: photos in ISO boxes, told apart by their brands.

Their sizes and turns lie in nested properties, which libavif reads without decoding.
"""

from __future__ import annotations

import io
import struct
from typing import IO

from haversack import late
from haversack.engine.codecs.header import PhotoHeader
from haversack.engine.codecs.iso_boxes import check_boxes
from haversack.engine.codecs.orientation import UPRIGHT
from haversack.engine.codecs.pieces import Encoded
from haversack.engine.codecs.splice import spliced
from haversack.engine.codecs.tiff_tags import exif_orientation
from haversack.errors import Kind, PhotoError

_AVIF = frozenset({b"avif", b"avis"})
# Where an item says that it is EXIF: real files describe their items in their first kilobytes.
_HEAD_BYTES = 1 << 16
_HEIC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})


def avif_header(data: Encoded) -> PhotoHeader:
    """First photo of an AVIF, or of a HEIC where somebody has given Pillow an opener for it.

    Raises:
        PhotoError: `image-type-unknown` for a HEIC that Pillow cannot open, or another brand.
        ValueError: the boxes cannot be read, or describe too much.
    """
    name = "AVIF" if _brands(data) & _AVIF else "HEIF"
    check_boxes(data)
    try:
        image = open_boxes(data, name)
    except (SyntaxError, RuntimeError, OSError, KeyError) as error:
        raise ValueError(str(error) or "its boxes are damaged") from error
    exif = image.info.get("exif", b"")
    return PhotoHeader(
        format=name,
        stored_width=image.width,
        stored_height=image.height,
        mode=image.mode,
        # pillow-heif turns the photo itself; libavif reports the turn as EXIF.
        orientation=exif_orientation(exif) if name == "AVIF" else UPRIGHT,
        scratch_bytes=3 * len(data),
    )


def open_boxes(data: Encoded, name: str) -> late.ImageFile.ImageFile:
    """Pillow's photo of an AVIF or HEIF (`name`), not yet decoded."""
    if name == "AVIF":
        return late.AvifImagePlugin.AvifImageFile(_without_exif(data))
    factory = late.Image.OPEN["HEIF"][0]
    return factory(io.BytesIO(data), "")


def _brands(data: Encoded) -> set[bytes]:
    (length,) = struct.unpack_from(">L", data)
    box = bytes(data[8 : min(length, 4096)])
    brands = {box[at : at + 4] for at in (0, *range(8, len(box), 4))}
    if brands & _AVIF:
        return brands
    if brands & _HEIC or b"mif1" in brands:
        if "HEIF" in late.Image.OPEN:
            return brands
        raise PhotoError(
            "image-type-unknown",
            "the file is a HEIC photo, which this installation cannot read",
            hint=(
                "Convert it to JPEG: on an iPhone choose Settings > Camera > Formats > Most "
                "Compatible, elsewhere run `heif-convert photo.heic photo.jpg`."
            ),
            kind=Kind.UNSUPPORTED,
        )
    raise PhotoError(
        "image-type-unknown",
        f"the file begins with {bytes(data[:12])!r}, a box file that is neither AVIF nor HEIC",
        hint="Convert it to JPEG or PNG in an image editor and send that.",
        kind=Kind.UNSUPPORTED,
    )


def _without_exif(data: Encoded) -> IO[bytes]:
    """The same file with its EXIF item renamed, so that Pillow does not parse (and warn on) it.

    An AVIF is turned by its own properties; the standard says to ignore EXIF's (AVIF 1.1, 2.1).
    """
    view = memoryview(data)
    parts = [view]
    head = bytes(view[:_HEAD_BYTES])
    at = head.find(b"infe")
    while at >= 0:
        place = at + (14 if head[at + 4 : at + 5] == b"\3" else 12)
        if head[place : place + 4] == b"Exif":
            parts = [view[:place], memoryview(b"skip"), view[place + 4 :]]
            break
        at = head.find(b"infe", at + 4)
    return spliced(parts)
