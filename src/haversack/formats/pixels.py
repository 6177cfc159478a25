"""The pixels of a run's photos, read again for an export that draws or cuts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from haversack.engine.codecs.lenient import decode_partly
from haversack.engine.photo import decode, read_header
from haversack.engine.results import PhotoResult
from haversack.errors import PhotoError
from haversack.formats.names import utf8
from haversack.formats.photos import SurveyRun
from haversack.geo.windows import read_window

LIMIT_BYTES = 1 << 30
"""Of memory that decoding one photo may take."""
WINDOWS_FROM_BYTES = 192 << 20
"""TIFFs with more bytes of pixels are cut in windows, as the run has read them."""
_NAMED = 1000

Pixels: TypeAlias = NDArray[np.uint8]
Area: TypeAlias = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels of the upright photo, inside it."""
Cut: TypeAlias = Callable[[Area], Pixels | None]
"""Gives RGB uint8[h,w,3] of an area, or None where that cannot be read."""


@dataclass(kw_only=True)
class PixelReader:
    """Reads photos one at a time and remembers those that it could not.

    A photo may be gone, changed or too large by the time it is exported: that costs its crops,
    never the export.

    Attributes:
        run: whose photos they are.
        limit_bytes: of memory that decoding one photo may take.
        unreadable: how many could not be read.
        named: (path, reason) of the first of them.
    """

    run: SurveyRun
    limit_bytes: int = LIMIT_BYTES
    unreadable: int = 0
    named: list[tuple[str, str]] = field(default_factory=list)

    def read(self, photo: PhotoResult) -> Pixels | None:
        """RGB uint8[height,width,3] of the upright photo, or None."""
        try:
            data = (self.run.root / photo.image).read_bytes()
            pixels = self._decode(data, photo)
        except OSError as fault:
            self._lose(photo, fault.strerror or str(fault))
            return None
        except (PhotoError, ValueError) as fault:
            self._lose(photo, str(fault))
            return None
        if pixels.shape[:2] != (photo.height, photo.width):
            size = f"{pixels.shape[1]} x {pixels.shape[0]}"
            self._lose(photo, f"it is {size} now, and was {photo.width} x {photo.height}")
            return None
        return pixels

    def cutter(self, photo: PhotoResult) -> Cut | None:
        """What cuts areas out of the photo, or None; it holds the photo until it is dropped."""
        is_tiff = photo.image.lower().endswith((".tif", ".tiff"))
        if is_tiff and 3 * photo.width * photo.height >= WINDOWS_FROM_BYTES:
            return partial(self._window, photo)
        pixels = self.read(photo)
        return None if pixels is None else partial(_part, pixels)

    def note(self) -> dict[str, object]:
        """What was not read, for an export's note."""
        names = [{"photo": utf8(path), "reason": utf8(reason)} for path, reason in self.named]
        return {"unreadable": self.unreadable, "unreadable_photos": names}

    def _decode(self, data: bytes, photo: PhotoResult) -> Pixels:
        header = read_header(data)
        try:
            return decode(data, header, limit_bytes=self.limit_bytes).pixels
        except PhotoError as fault:
            partly = None
            if photo.status == "partial" and fault.code == "image-truncated":
                partly = decode_partly(data, header)
            if partly is None:
                raise
            return partly.pixels

    def _window(self, photo: PhotoResult, area: Area) -> Pixels | None:
        path: Path = self.run.root / photo.image
        try:
            return read_window(path, area)
        except (PhotoError, ValueError, OSError) as fault:
            if not self.named or self.named[-1][0] != photo.image:
                self._lose(photo, str(fault))
            return None

    def _lose(self, photo: PhotoResult, reason: str) -> None:
        self.unreadable += 1
        if len(self.named) < _NAMED:
            self.named.append((photo.image, reason.partition("\n")[0]))


def _part(pixels: Pixels, area: Area) -> Pixels:
    left, top, right, bottom = area
    return np.ascontiguousarray(pixels[top:bottom, left:right])
