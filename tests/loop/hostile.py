"""Photos of every format: ordinary ones, and such as cost a careless reader time or memory."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

MEGAPIXELS = (2000, 1500)
_SIZE = 12 << 20


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A body, and the headers that go with it."""

    body: bytes
    headers: dict[str, str]


def ordinary() -> dict[str, Callable[[], Sent]]:
    """A photo of 3 MP in each format and kind of it."""
    kinds: dict[str, tuple[str, dict[str, Any]]] = {
        "jpeg": ("JPEG", {"quality": 90}),
        "jpeg-progressive": ("JPEG", {"quality": 90, "progressive": True}),
        "jpeg-turned": ("JPEG", {"quality": 90, "exif": _turned()}),
        "png": ("PNG", {"compress_level": 1}),
        "gif": ("GIF", {}),
        "bmp": ("BMP", {}),
        "webp": ("WEBP", {"quality": 80, "method": 0}),
        "tiff": ("TIFF", {}),
        "tiff-deflate": ("TIFF", {"compression": "tiff_adobe_deflate"}),
        "avif": ("AVIF", {"quality": 50, "speed": 10}),
    }
    return {name: lambda k=kind, o=options: _saved(k, o) for name, (kind, options) in kinds.items()}  # type: ignore[misc]


def hostile() -> dict[str, Callable[[], Sent]]:
    """Bodies that are small to send or quick to make, and dear to read carelessly."""
    return {
        "png-empty-chunks-gzip": lambda: _gzip(_png(b"\0\0\0\0teXt" + bytes(4), 1_500_000)),
        "png-empty-chunks": lambda: _plain(_png(b"\0\0\0\0tEXt" + bytes(4), _SIZE // 12)),
        "png-tiny-idats": lambda: _plain(_png(_chunk(b"IDAT", b"x"), _SIZE // 13)),
        "png-exif-chunks": lambda: _plain(_png(_chunk(b"eXIf", b"MM\0*" + bytes(900)), 9_000)),
        "png-one-idat": lambda: _plain(_png(_chunk(b"IDAT", bytes(_SIZE)), 1)),
        "png-sides": lambda: _plain(_png(b"", 0, sides=(60_000, 60_000))),
        "jpeg-segments": lambda: _plain(b"\xff\xd8" + b"\xff\xe2\0\2" * (_SIZE // 4)),
        "jpeg-exif-segments": lambda: _plain(
            b"\xff\xd8" + b"\xff\xe1\0\x0aExif\0\0MM" * (_SIZE // 12)
        ),
        "jpeg-fill": lambda: _plain(b"\xff\xd8" + b"\xff" * _SIZE),
        "jpeg-bare-markers": lambda: _plain(b"\xff\xd8" + b"\xff\x01" * (_SIZE // 2)),
        "jpeg-rubbish": lambda: _plain(b"\xff\xd8\xff\xe0\0\2" + b"\0" * _SIZE),
        "jpeg-scans": lambda: _scans(),
        "gif-comments": lambda: _plain(_gif() + b"\x21\xfe\0" * (_SIZE // 3)),
        "gif-sub-blocks": lambda: _plain(_gif() + b"\x21\xfe" + b"\1a" * (_SIZE // 2)),
        "webp-chunks": lambda: _plain(_webp(b"ABCD\0\0\0\0" * (_SIZE // 8))),
        "webp-exif": lambda: _plain(_webp((b"EXIF" + struct.pack("<L", 4) + b"MM\0*") * 900_000)),
        "tiff-entries": lambda: _plain(_tiff(65_535)),
        "tiff-far": lambda: _plain(b"II*\0" + struct.pack("<L", 0xFFFFFFF0) + bytes(64)),
        "bigtiff-entries": lambda: _plain(
            b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 1 << 60) + bytes(20) * 200_000
        ),
        "avif-boxes": lambda: _plain(_avif(struct.pack(">L4s", 8, b"free") * (_SIZE // 8))),
        "avif-items": lambda: _plain(_avif(b"infe\2\0\0\0\0\1\0\0Exif" * (_SIZE // 16))),
        "bmp-sides": lambda: _plain(
            b"BM" + bytes(12) + struct.pack("<LllHH", 40, 1 << 30, 1 << 30, 1, 24) + bytes(60)
        ),
        "zeros-gzip": lambda: _gzip(bytes(63 << 20)),
        "nothing": lambda: _plain(b""),
        "text": lambda: _plain(b"hello " * 1000),
    }


def noise(width: int, height: int) -> Image.Image:
    """Soft shades, as a photo has them."""
    small = np.random.default_rng(7).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height))


def encoded(kind: str = "JPEG", size: tuple[int, int] = MEGAPIXELS, **options: Any) -> bytes:
    """A photo's file."""
    buffer = io.BytesIO()
    noise(*size).save(buffer, kind, **options)
    return buffer.getvalue()


def _saved(kind: str, options: dict[str, Any]) -> Sent:
    # A palette is chosen in seconds: for a GIF, gray will do.
    photo = noise(*MEGAPIXELS).convert("L" if kind == "GIF" else "RGB")
    buffer = io.BytesIO()
    photo.save(buffer, kind, **options)
    return _plain(buffer.getvalue())


def _turned() -> bytes:
    exif = Image.Exif()
    exif[274] = 6
    return exif.tobytes()


def _plain(body: bytes) -> Sent:
    return Sent(body=body, headers={"Content-Type": "application/octet-stream"})


def _gzip(body: bytes) -> Sent:
    return Sent(body=gzip.compress(body, 1), headers={"Content-Encoding": "gzip"})


def _chunk(name: bytes, content: bytes) -> bytes:
    checked = struct.pack(">L", zlib.crc32(name + content))
    return struct.pack(">L", len(content)) + name + content + checked


def _png(filling: bytes, count: int, sides: tuple[int, int] = (640, 480)) -> bytes:
    head = _chunk(b"IHDR", struct.pack(">LLBBBBB", *sides, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + filling * count + _chunk(b"IEND", b"")


def _scans() -> Sent:
    """A progressive photo with a thousand empty scans more."""
    photo = encoded("JPEG", (640, 480), progressive=True)
    scan = b"\xff\xda\0\x08\1\1\0\0\0\0"
    return _plain(photo[:-2] + scan * 100_000 + b"\xff\xd9")


def _gif() -> bytes:
    return b"GIF89a" + struct.pack("<HHBBB", 640, 480, 0, 0, 0)


def _webp(chunks: bytes) -> bytes:
    frame = b"VP8X" + struct.pack("<LB3s", 10, 8, b"") + b"\x7f\2\0" + b"\xdf\1\0"
    content = b"WEBP" + frame + chunks
    return b"RIFF" + struct.pack("<L", len(content)) + content


def _tiff(count: int) -> bytes:
    entry = struct.pack("<HHLL", 700, 1, 4, 0)
    return b"II*\0" + struct.pack("<LH", 8, count) + entry * count + bytes(4)


def _avif(boxes: bytes) -> bytes:
    return struct.pack(">L4s4sL4s", 20, b"ftyp", b"avif", 0, b"mif1") + boxes
