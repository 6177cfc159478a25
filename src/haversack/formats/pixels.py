"""The pixels of a run's photos, read again for an export that draws or cuts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from haversack.engine.codecs.lenient import decode_partly
from haversack.engine.photo import decode, read_header
from haversack.engine.results import PhotoResult
from haversack.errors import PhotoError
from haversack.formats.names import utf8
from haversack.formats.photos import SurveyRun
from haversack.geo.windows import WINDOWS_FROM_BYTES, LargePhoto, open_large

LIMIT_BYTES = 1 << 30
"""Of memory that decoding one photo may take."""
_NAMED = 1000
# Of a whole TIFF read as one window: its planes, its alpha, and the pixels that are made of them.
_COPIES = 3

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
        windows_from_bytes: TIFFs with so many bytes of pixels are read as the survey read them.
        unreadable: how many could not be read.
        named: (path, reason) of the first of them.
    """

    run: SurveyRun
    limit_bytes: int = LIMIT_BYTES
    windows_from_bytes: int = WINDOWS_FROM_BYTES
    unreadable: int = 0
    named: list[tuple[str, str]] = field(default_factory=list)

    def read(self, photo: PhotoResult) -> Pixels | None:
        """RGB uint8[height,width,3] of the upright photo, or None."""
        try:
            pixels = self._pixels(photo)
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
        try:
            with self._in_windows(photo) as tiff:
                if tiff is not None:
                    return partial(self._window, photo)
        except OSError as fault:
            self._lose(photo, fault.strerror or str(fault))
            return None
        pixels = self.read(photo)
        return None if pixels is None else partial(_part, pixels)

    def note(self) -> dict[str, object]:
        """What was not read, for an export's note."""
        names = [{"photo": utf8(path), "reason": utf8(reason)} for path, reason in self.named]
        return {"unreadable": self.unreadable, "unreadable_photos": names}

    def _pixels(self, photo: PhotoResult) -> Pixels:
        with self._in_windows(photo) as tiff:
            if tiff is not None and _COPIES * 3 * tiff.width * tiff.height <= self.limit_bytes:
                return tiff.read((0, 0, tiff.width, tiff.height))
        return self._decode((self.run.root / photo.image).read_bytes(), photo)

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
        try:
            with self._in_windows(photo) as tiff:
                return None if tiff is None else tiff.read(area)
        except (PhotoError, ValueError, OSError) as fault:
            if not self.named or self.named[-1][0] != photo.image:
                self._lose(photo, str(fault))
            return None

    @contextmanager
    def _in_windows(self, photo: PhotoResult) -> Iterator[LargePhoto | None]:
        """The photo as a survey reads it in windows, or None where it is read whole."""
        tiff = None
        if 3 * photo.width * photo.height >= self.windows_from_bytes:
            # Bands that windows refuse were read whole, or nothing was found in them.
            with suppress(PhotoError):
                tiff = open_large(self.run.root / photo.image, from_bytes=self.windows_from_bytes)
        try:
            yield tiff
        finally:
            if tiff is not None:
                tiff.close()

    def _lose(self, photo: PhotoResult, reason: str) -> None:
        self.unreadable += 1
        if len(self.named) < _NAMED:
            self.named.append((photo.image, reason.partition("\n")[0]))


def _part(pixels: Pixels, area: Area) -> Pixels:
    left, top, right, bottom = area
    return np.ascontiguousarray(pixels[top:bottom, left:right])
