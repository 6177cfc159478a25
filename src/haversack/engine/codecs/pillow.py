"""PNG, WebP, TIFF, GIF, BMP and AVIF bytes -> upright pixels, by Pillow's format plugins.

The plugins are used directly: Image.open would check sizes against a global limit and warn, and
our own limit has already been applied to the header.
"""

from __future__ import annotations

import functools
import io
import struct
from typing import IO

import numpy as np
from numpy.typing import NDArray

from haversack import late
from haversack.engine.codecs.avif import open_boxes
from haversack.engine.codecs.header import PhotoHeader
from haversack.engine.codecs.orientation import stored_view
from haversack.engine.codecs.pieces import Encoded, gif_blocks, png_chunks
from haversack.engine.codecs.splice import spliced
from haversack.engine.codecs.tiff_tags import clean_directory, read_directory
from haversack.errors import Kind, PhotoError

_STRIP_PIXELS = 1 << 17
_PNG_NEEDED = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT"})
# PLTE holds 768 bytes at most and tRNS 256: Pillow would read whatever a hostile file has there.
_PNG_TABLE_BYTES = 1 << 10
_GIF_CONTROL = 0xF9
_OPAQUE = frozenset({"CMYK", "RGBX", "YCbCr"})
_BLENDED = frozenset({"RGBA", "RGBa", "LA", "La", "PA"})


def decode_with_pillow(data: bytes, header: PhotoHeader) -> NDArray[np.uint8]:
    """Upright pixels, RGB uint8[height, width, 3], alpha over white.

    Raises:
        PhotoError: `image-mode-unsupported`, `image-truncated`, `image-corrupt`; `image-too-large`
            where memory ran out in spite of the estimate.
    """
    if header.format == "TIFF" and (header.bits > 8 or header.mode == "LAB"):
        raise _unsupported(header, f"{header.bits}-bit {header.mode}")
    try:
        return _pixels(data, header)
    except PhotoError:
        raise
    except (MemoryError, late.Image.DecompressionBombError) as error:
        raise PhotoError(
            "image-too-large",
            f"the {header.format} of {header.width} x {header.height} pixels did not fit in memory",
            hint="Send a smaller copy, or a JPEG.",
            kind=Kind.UNAVAILABLE if isinstance(error, MemoryError) else Kind.TOO_LARGE,
        ) from error
    # Pillow's plugins raise whatever a damaged byte leads to: OSError, SyntaxError, ValueError,
    # struct.error, EOFError, TypeError, IndexError, KeyError, ZeroDivisionError and more.
    except Exception as error:
        raise _damaged(header, error) from error


def _damaged(header: PhotoHeader, error: Exception) -> PhotoError:
    reason = str(error) or type(error).__name__
    # struct.error: a field was asked for where no bytes are left. Pillow wraps it while opening.
    short = isinstance(error, EOFError | struct.error) or isinstance(error.__cause__, struct.error)
    if short or "truncated" in reason.lower():
        return PhotoError(
            "image-truncated",
            f"the {header.format} ends before its image is complete ({reason})",
            hint="Copy or upload the file again.",
        )
    return PhotoError(
        "image-corrupt",
        f"the {header.format} cannot be read: {reason}",
        hint="Open the original in an image editor and save it again.",
    )


def _unsupported(header: PhotoHeader, received: str) -> PhotoError:
    return PhotoError(
        "image-mode-unsupported",
        f"the {header.format} holds {received}; 8-bit gray, RGB, palette and CMYK are read",
        hint=(
            "Convert it with the range your model was trained on, for example "
            "`gdal_translate -ot Byte -scale in.tif out.tif`."
        ),
        kind=Kind.UNSUPPORTED,
    )


def _open(data: bytes, header: PhotoHeader) -> late.ImageFile.ImageFile:
    if header.format == "PNG":
        return late.PngImagePlugin.PngImageFile(_png_file(data, header))
    if header.format == "TIFF":
        return _tiff_class()(_tiff_file(data))
    if header.format == "GIF":
        return late.GifImagePlugin.GifImageFile(_gif_file(data))
    if header.format == "BMP":
        return late.BmpImagePlugin.BmpImageFile(io.BytesIO(data))
    if header.format == "WEBP":
        return late.WebPImagePlugin.WebPImageFile(io.BytesIO(data))
    return open_boxes(data, header.format)


@functools.cache
def _tiff_class() -> type[late.TiffImagePlugin.TiffImageFile]:
    """Pillow's TIFF without its size check, which warns from 89 MP on."""

    class Tiff(late.TiffImagePlugin.TiffImageFile):
        def load_prepare(self) -> None:
            if self._im is None:
                self.im = late.Image.core.new(self.mode, self._tile_size)  # type: ignore[attr-defined]
            late.ImageFile.ImageFile.load_prepare(self)

    return Tiff


def _spans_of(data: Encoded, spans: list[tuple[int, int]]) -> IO[bytes]:
    """Those parts of the data, from and to, in their order."""
    view = memoryview(data)
    return spliced([view[start:end] for start, end in spans])


def _png_file(data: bytes, header: PhotoHeader) -> IO[bytes]:
    """The PNG with the chunks that pixels need, so no text, profile or animation is read."""
    spans = [(0, 8)]
    for name, start, length in png_chunks(data):
        if name not in _PNG_NEEDED:
            continue
        if name != b"IDAT" and length > _PNG_TABLE_BYTES:
            if header.mode == "P" or name == b"IHDR":
                raise ValueError(f"its {name.decode()} chunk holds {length:,} bytes")
            continue
        begin, end = start - 8, start + length + 4
        if spans[-1][1] == begin:
            # Neighbours are one part: a photo has thousands of IDAT in a row.
            begin, _ = spans.pop()
        spans.append((begin, end))
    return _spans_of(data, spans)


def _gif_file(data: bytes) -> IO[bytes]:
    """The GIF without comments and the like before its first frame: Pillow joins them by pieces."""
    spans: list[tuple[int, int]] = []
    for label, start, end in gif_blocks(data):
        if not spans:
            spans.append((0, start))
        if label in (0, _GIF_CONTROL):
            spans.append((start, end))
    return _spans_of(data, spans)


def _tiff_file(data: bytes) -> IO[bytes]:
    page = read_directory(data)
    clean = clean_directory(data, page)
    view = memoryview(data)
    parts: list[Encoded] = [view[: page.offset], clean, view[page.offset + len(clean) :]]
    return spliced(parts)


def _pixels(data: bytes, header: PhotoHeader) -> NDArray[np.uint8]:
    image = _open(data, header)
    if image.size != (header.stored_width, header.stored_height):
        raise ValueError(f"it opens with {image.size}, against the size in its header")
    image.load()
    width, height = image.size
    upright = np.empty((header.height, header.width, 3), dtype=np.uint8)
    stored = stored_view(upright, header.orientation)
    rows = max(1, _STRIP_PIXELS // width)
    for top in range(0, height, rows):
        strip = image.crop((0, top, width, min(height, top + rows)))
        stored[top : top + rows] = _rgb(strip, header)
    return upright


def _rgb(strip: late.Image.Image, header: PhotoHeader) -> NDArray[np.uint8]:
    """RGB uint8[h,w,3] of a strip; gray is uint8[h,w,1]."""
    key = strip.info.get("transparency")
    mode = strip.mode
    if mode in _BLENDED or (mode == "P" and key is not None):
        return _over_white(np.asarray(strip.convert("RGBA")))
    if mode == "P" or mode in _OPAQUE:
        return np.asarray(strip.convert("RGB"))
    if mode in ("1", "L"):
        gray = np.asarray(strip.convert("L"))[..., None]
        # PNG states the key in samples of 2 or 4 bits, which Pillow has stretched to 255.
        stretch = 255 // ((1 << header.bits) - 1) if mode == "L" and header.bits < 8 else 1
        return gray if key is None else np.where(gray == key * stretch, np.uint8(255), gray)
    if mode == "RGB":
        colour = np.asarray(strip)
        if key is None:
            return colour
        # Pillow keeps the high byte of 16-bit colour, so the key is compared by it too.
        levels = [level >> 8 if header.bits == 16 else level for level in key]
        same = (colour == np.array(levels)).all(axis=2, keepdims=True)
        return np.where(same, np.uint8(255), colour)
    if mode == "I;16" and header.format == "PNG":
        # A PNG's samples span 0 to 65535 (PNG 13.12); 65535 / 255 is 257.
        deep = np.asarray(strip)[..., None].astype(np.uint32)
        gray = ((deep + 128) // 257).astype(np.uint8)
        return gray if key is None else np.where(deep == key, np.uint8(255), gray)
    raise _unsupported(header, f"pixels of Pillow's mode {mode}")


def _over_white(rgba: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGB uint8[h,w,3] of uint8[h,w,4] on a white ground, rounded to the nearest level."""
    alpha = rgba[..., 3:].astype(np.uint16)
    # At most 255 * 255 + 127, inside 16 bits.
    blended = rgba[..., :3] * alpha + (255 - alpha) * np.uint16(255) + np.uint16(127)
    return (blended // np.uint16(255)).astype(np.uint8)
