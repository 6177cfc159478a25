"""One file -> upright pixels, how far they are real, and what the camera says."""

from __future__ import annotations

import os
import time
from pathlib import Path

from haversack.engine.codecs.header import PhotoHeader
from haversack.engine.codecs.lenient import PartlyDecoded, decode_partly
from haversack.engine.photo import decode, header_or_none, read_header
from haversack.engine.results import GeoTag
from haversack.errors import HaversackError, Kind, PhotoError
from haversack.geo.camera import read_camera
from haversack.survey.flow.grid import GridTable
from haversack.survey.flow.open_photo import OpenPhoto
from haversack.survey.flow.photo_job import PhotoJob, Piece, Reader
from haversack.survey.flow.windows import centre_of, open_windowed
from haversack.units import format_bytes

# A JPEG's EXIF, preview and colour profile lie before its size; 256 KiB hold all but freaks.
_HEAD_BYTES = 256 << 10
# A truncated PNG is unpacked and packed once more.
_SPARE = 1.1


class WholePhoto:
    """A photo read in one piece. See `photo_job.Reader` for what it promises.

    Raises:
        PhotoError: as `photo.read_header`; `image-too-large` above the limit.
        OSError: the file cannot be read.
    """

    def __init__(self, path: Path, size_bytes: int, grid: GridTable, limit_bytes: int) -> None:
        header = _header(path)
        self.cost_bytes = int(header.estimate_bytes() * _SPARE) + size_bytes
        if self.cost_bytes > limit_bytes:
            raise too_large(header, self.cost_bytes, limit_bytes)
        self._path, self._grid, self._limit_bytes = path, grid, limit_bytes
        self._is_read = False

    @property
    def has_more(self) -> bool:
        """Until it was read."""
        return not self._is_read

    def read(self, job: PhotoJob) -> Piece:
        """Every pixel, strictly; where the end of the file is missing, what there is."""
        data = self._path.read_bytes()
        started = time.thread_time()
        # The first 256 KiB may not say how it is turned: a PNG's EXIF may stand behind its pixels.
        header = header_or_none(data)
        job.geotag = self._geotag(data, header)
        try:
            pixels = decode(data, header, limit_bytes=self._limit_bytes).pixels
            job.valid = (0, 0, pixels.shape[1], pixels.shape[0])
        except PhotoError as strict:
            part = _partly(data, header, strict)
            if part is None:
                raise
            pixels, job.valid, job.valid_rows, job.fault = (
                part.pixels,
                part.valid,
                part.valid_rows,
                strict,
            )
        grid = job.lay_grid(pixels.shape[1], pixels.shape[0], self._grid)
        whole = [grid.overview] if self._grid.overview and grid.count > 1 else []
        self._is_read = True
        job.seconds_decode = time.thread_time() - started
        # What decoding needed beyond the pixels is free again.
        self.cost_bytes = pixels.nbytes
        return Piece(job, pixels, 0, 0, job.real([*grid, *whole]))

    def close(self) -> None:
        """Nothing is held open."""

    def _geotag(self, data: bytes, header: PhotoHeader | None) -> GeoTag:
        geotag = _geotag(data, header)
        is_tiff = data[:2] in (b"II", b"MM")
        return centre_of(self._path) if is_tiff and geotag.lon is None else geotag


def _header(path: Path) -> PhotoHeader:
    """From the file's first 256 KiB where they suffice, else from all of it."""
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
        try:
            return read_header(head)
        except PhotoError:
            if len(head) < _HEAD_BYTES:
                raise
            return read_header(head + stream.read())


def too_large(header: PhotoHeader, cost_bytes: int, limit_bytes: int) -> PhotoError:
    """The refusal of a photo that would not fit beside nothing."""
    return PhotoError(
        "image-too-large",
        f"reading this {header.format} of {header.width} x {header.height} pixels would take "
        f"about {format_bytes(cost_bytes)}; photos in flight may take {format_bytes(limit_bytes)}",
        hint="Give more with --memory. A large TIFF is read in windows with haversack[geo].",
        kind=Kind.TOO_LARGE,
    )


def _partly(data: bytes, header: PhotoHeader | None, strict: PhotoError) -> PartlyDecoded | None:
    if header is None or strict.code != "image-truncated":
        return None
    return decode_partly(data, header)


def open_reader(path: Path, photo: OpenPhoto, grid: GridTable, limit_bytes: int) -> Reader:
    """What reads a photo: huge TIFFs in windows, all else in one piece.

    Raises:
        HaversackError: `photo-changed` where the file is not as it was listed; see `WholePhoto`
            and `windows.WindowedPhoto`.
        OSError: the file cannot be read.
    """
    now = os.stat(path)
    if (now.st_size, now.st_mtime_ns) != (photo.size_bytes, photo.mtime_ns):
        raise HaversackError(
            "photo-changed",
            f"the file changed since it was listed: {photo.size_bytes:,} bytes then, "
            f"{now.st_size:,} now",
            hint="Give the same command again once it is copied.",
        )
    windowed = open_windowed(path, grid)
    if windowed is None:
        return WholePhoto(path, photo.size_bytes, grid, limit_bytes)
    if windowed.cost_bytes > limit_bytes:
        windowed.close()
        raise too_large(_header(path), windowed.cost_bytes, limit_bytes)
    return windowed


def _geotag(data: bytes, header: PhotoHeader | None) -> GeoTag:
    """What the camera says; a broken EXIF block is no reason to lose a photo."""
    try:
        camera = read_camera(data, header)
        return GeoTag(
            taken_at=camera.taken_at, lon=camera.lon, lat=camera.lat, camera=camera.to_json()
        )
    except Exception:  # whatever a damaged byte leads to, the photo itself may be whole
        return GeoTag()
