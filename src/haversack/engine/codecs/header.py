"""What the first bytes of a photo say, and the memory that decoding it will take."""

from __future__ import annotations

from dataclasses import dataclass

from haversack.engine.codecs.orientation import SWAPS_SIDES, UPRIGHT

# Bytes of memory a pixel while decoding, the result's 3 included. Each is the largest measured
# for its format and mode by benchmarks/decode_memory.py (12 MP, 2 vCPU, 2026-11-21), rounded up.
_PIXEL_BYTES = {
    ("PNG", "L"): 4.2,
    ("PNG", "P"): 4.2,
    ("PNG", "L16"): 5.2,
    ("PNG", ""): 7.2,
    ("GIF", ""): 4.2,
    ("BMP", "P"): 6.2,  # 4 measured; Pillow holds a run-length photo twice more
    ("BMP", "L"): 4.2,
    ("BMP", ""): 7.2,
    ("TIFF", ""): 7.2,
    ("WEBP", ""): 17,
    ("AVIF", "RGB"): 10,
    ("AVIF", ""): 14,
    ("HEIF", ""): 17,  # not measured: no opener here; as dear as the dearest
}
_FIXED_BYTES = 3 << 20


@dataclass(frozen=True, kw_only=True)
class PhotoHeader:
    """What a photo's first bytes say about it.

    Attributes:
        format: "JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF" or "HEIF".
        stored_width, stored_height: in pixels, as in the file.
        mode: colour in Pillow's words: "L", "RGB", "CMYK", ...
        bits: of one sample.
        orientation: EXIF, 1 to 8.
        progressive: a JPEG in several scans, whose coefficients are all held until the last.
        coefficients: of such a JPEG, per pixel (each 2 bytes); else 0.
        scratch_bytes: that decoding needs besides the pixels, such as one TIFF tile.
    """

    format: str
    stored_width: int
    stored_height: int
    mode: str = "RGB"
    bits: int = 8
    orientation: int = UPRIGHT
    progressive: bool = False
    coefficients: float = 0.0
    scratch_bytes: int = 0

    @property
    def width(self) -> int:
        """Pixels of the upright photo from left to right."""
        return self.stored_height if self.orientation in SWAPS_SIDES else self.stored_width

    @property
    def height(self) -> int:
        """Pixels of the upright photo from top to bottom."""
        return self.stored_width if self.orientation in SWAPS_SIDES else self.stored_height

    def estimate_bytes(self, shrink: int = 1) -> int:
        """Peak memory in bytes of decoding at 1/`shrink` (1, 2, 4, 8), the result included."""
        pixels = self.stored_width * self.stored_height
        if self.format == "JPEG":
            # CMYK is decoded in four channels before it becomes three.
            each = 7.5 if self.mode == "CMYK" else 3.0
            # Pillow's formats are written upright at once; libjpeg's pixels are turned by a copy.
            each += 3.0 * (self.orientation != UPRIGHT)
            total = pixels * (each / shrink**2 + 2 * self.coefficients)
        else:
            mode = f"{self.mode}16" if self.bits == 16 and self.mode == "L" else self.mode
            each = _PIXEL_BYTES.get((self.format, mode), _PIXEL_BYTES.get((self.format, ""), 17))
            total = pixels * each
        return int(total) + self.scratch_bytes + _FIXED_BYTES
