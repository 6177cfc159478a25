"""Peak memory of decoding one 12-MP photo, measured against the estimate from its header.

    .venv/bin/python benchmarks/decode_memory.py

Each case runs in a fresh process: the high-water mark is reset after the encoded photo is read
and the stages have been warmed with a tiny one, so the figure is what decoding itself adds.
"""

from __future__ import annotations

import io
import multiprocessing
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from haversack.engine.codecs.header import PhotoHeader
from haversack.engine.codecs.jpeg import decode_jpeg
from haversack.engine.photo import decode, read_header

WIDTH, HEIGHT = 4000, 3000
_JPEG = {"format": "JPEG", "quality": 90}
_TURNED = Image.Exif()
_TURNED[274] = 6

# name -> (Pillow's mode, options of save, shrink)
CASES: dict[str, tuple[str, dict[str, Any], int]] = {
    "JPEG 4:2:0": ("RGB", {**_JPEG, "subsampling": 2}, 1),
    "JPEG 4:2:0 turned": ("RGB", {**_JPEG, "subsampling": 2, "exif": _TURNED}, 1),
    "JPEG 4:4:4": ("RGB", {**_JPEG, "subsampling": 0}, 1),
    "JPEG gray": ("L", _JPEG, 1),
    "JPEG 4:2:0 at 1/2": ("RGB", {**_JPEG, "subsampling": 2}, 2),
    "JPEG 4:2:0 at 1/4": ("RGB", {**_JPEG, "subsampling": 2}, 4),
    "JPEG CMYK": ("CMYK", _JPEG, 1),
    "JPEG progressive 4:2:0": ("RGB", {**_JPEG, "subsampling": 2, "progressive": True}, 1),
    "JPEG progressive 4:4:4": ("RGB", {**_JPEG, "subsampling": 0, "progressive": True}, 1),
    "JPEG progressive gray": ("L", {**_JPEG, "progressive": True}, 1),
    "PNG RGB": ("RGB", {"format": "PNG", "compress_level": 1}, 1),
    "PNG RGB turned": ("RGB", {"format": "PNG", "compress_level": 1, "exif": _TURNED}, 1),
    "PNG RGBA": ("RGBA", {"format": "PNG", "compress_level": 1}, 1),
    "PNG palette": ("P", {"format": "PNG", "compress_level": 1}, 1),
    "PNG gray": ("L", {"format": "PNG", "compress_level": 1}, 1),
    "PNG gray 16-bit": ("I;16", {"format": "PNG", "compress_level": 1}, 1),
    "PNG gray, alpha": ("LA", {"format": "PNG", "compress_level": 1}, 1),
    "WebP lossy": ("RGB", {"format": "WEBP", "method": 0}, 1),
    "WebP lossy, alpha": ("RGBA", {"format": "WEBP", "method": 0}, 1),
    "WebP lossless": ("RGB", {"format": "WEBP", "lossless": True, "method": 0, "quality": 0}, 1),
    "AVIF": ("RGB", {"format": "AVIF", "speed": 10}, 1),
    "AVIF 4:4:4, alpha": ("RGBA", {"format": "AVIF", "speed": 10, "subsampling": "4:4:4"}, 1),
    "TIFF raw": ("RGB", {"format": "TIFF"}, 1),
    "TIFF LZW": ("RGB", {"format": "TIFF", "compression": "tiff_lzw"}, 1),
    "TIFF JPEG": ("RGB", {"format": "TIFF", "compression": "jpeg"}, 1),
    "TIFF gray raw": ("L", {"format": "TIFF"}, 1),
    "TIFF CMYK raw": ("CMYK", {"format": "TIFF"}, 1),
    "GIF": ("P", {"format": "GIF"}, 1),
    "BMP": ("RGB", {"format": "BMP"}, 1),
    "BMP palette": ("P", {"format": "BMP"}, 1),
}


def photo(mode: str, width: int, height: int) -> Image.Image:
    """Smooth shades with some noise, so that it compresses about as a photo does."""
    across = np.linspace(0, 200, width, dtype=np.float32)
    down = np.linspace(0, 50, height, dtype=np.float32)
    noise = np.random.default_rng(0).integers(0, 6, (height, width, 3), dtype=np.uint8)
    shades = (across[None, :] + down[:, None]).astype(np.uint8)[..., None] + noise
    if mode == "I;16":
        return Image.fromarray(shades[..., 0].astype(np.uint16) * 257)
    image = Image.fromarray(shades)
    if mode in ("RGBA", "LA"):
        image.putalpha(Image.fromarray(shades[..., 0]))
    return image.quantize(256, dither=Image.Dither.NONE) if mode == "P" else image.convert(mode)


def encode(mode: str, options: dict[str, Any], width: int, height: int) -> bytes:
    """The test photo in one format."""
    buffer = io.BytesIO()
    photo(mode, width, height).save(buffer, **options)
    return buffer.getvalue()


def peak_bytes(key: str) -> int:
    """A field of /proc/self/status in bytes; Linux only."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(key + ":"):
            return int(line.split()[1]) * 1024
    raise KeyError(key)


def run(data: bytes, header: PhotoHeader, shrink: int) -> int:
    """Decode; the number of bytes of the result, so that it is alive at the peak."""
    if shrink > 1:
        return decode_jpeg(data, header, shrink).nbytes
    return decode(data, limit_bytes=1 << 40).pixels.nbytes


def measure(name: str, path: str, small: bytes, results: Any) -> None:
    """In a child: put (name, extra peak bytes, estimate) into `results`."""
    shrink = CASES[name][2]
    run(small, read_header(small), shrink)
    data = Path(path).read_bytes()
    header = read_header(data)
    before = peak_bytes("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    run(data, header, shrink)
    results.put((name, peak_bytes("VmHWM") - before, header.estimate_bytes(shrink)))


def main() -> None:
    """Print one line a case: measured and estimated bytes a pixel, and their ratio."""
    context = multiprocessing.get_context("spawn")
    results = context.SimpleQueue()
    chosen = [name for name in CASES if not sys.argv[1:] or sys.argv[1] in name]
    print(f"{'case':26} {'measured':>9} {'estimate':>9} {'ratio':>6}   ({WIDTH} x {HEIGHT})")
    for name in chosen:
        mode, options, _ = CASES[name]
        path = Path("/tmp") / "decode_memory.bin"
        path.write_bytes(encode(mode, options, WIDTH, HEIGHT))
        small = encode(mode, options, 64, 64)
        child = context.Process(target=measure, args=(name, str(path), small, results))
        child.start()
        child.join()
        if child.exitcode:
            sys.exit(f"{name}: the child ended with {child.exitcode}")
        _, measured, estimate = results.get()
        pixels = WIDTH * HEIGHT
        print(
            f"{name:26} {measured / pixels:9.2f} {estimate / pixels:9.2f}"
            f" {estimate / measured:6.2f}{'   TOO LOW' if estimate < measured else ''}"
        )
        path.unlink()


if __name__ == "__main__":
    main()
