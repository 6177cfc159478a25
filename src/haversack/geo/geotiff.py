"""Pixels of a GeoTIFF as degrees, by its own transform and coordinate system.

Source: OGC 19-008r4 (GeoTIFF 1.1). Read by rasterio (GDAL, PROJ), the optional extra `geo`.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from haversack.errors import HaversackError, Kind
from haversack.geo.ground import Fixes, Floats, Unplaced
from haversack.geo.late_rasterio import rasterio_with
from haversack.geo.wgs84 import metres_per_degree

_GEO_KEYS, _PLACED_BY = 34735, (33550, 34264)
_DIRECTORY_BYTES = 1 << 16


def is_geotiff(path: Path) -> bool:
    """Whether a file is a TIFF that says where it lies: geo keys, and a scale or a transform.

    Raises:
        OSError: the file cannot be read.
    """
    tags = _tags(path)
    return _GEO_KEYS in tags and any(tag in tags for tag in _PLACED_BY)


def place_geotiff(path: Path) -> MapPhoto | Unplaced:
    """The file's pixels as places, or why they are none. Only its header is read.

    Raises:
        HaversackError: `extra-missing` where rasterio is not installed.
    """
    try:
        # Asked first, as GDAL warns on a TIFF without coordinates, and threads share warnings.
        if not is_geotiff(path):
            return Unplaced(reason="no coordinates in the file")
        with _rasterio().open(path) as source:
            if not source.crs:
                return Unplaced(reason="no coordinate system in the file")
            placed = MapPhoto(
                affine=tuple(source.transform)[:6],
                crs=source.crs.to_wkt(),
                width=source.width,
                height=source.height,
            )
    except OSError as error:
        return Unplaced(reason=f"its header cannot be read: {error}")
    return _placed_on_earth(placed)


def _placed_on_earth(photo: MapPhoto) -> MapPhoto | Unplaced:
    """The photo, if its coordinates become degrees: those of a building site's own grid do not."""
    try:
        photo.centre()
    except Exception as error:  # PROJ's faults have no public base in rasterio
        sentence = str(error).partition("{")[0].strip().removesuffix(" from '")
        return Unplaced(reason=f"its coordinates cannot become degrees: {sentence}")
    return photo


@dataclass(frozen=True, kw_only=True)
class MapPhoto:
    """A GeoTIFF: every pixel has a place.

    Attributes:
        affine: a, b, c, d, e, f: x = a * column + b * row + c, y = d * column + e * row + f.
        crs: of x and y, as WKT.
        width, height: in pixels.
    """

    affine: tuple[float, ...]
    crs: str
    width: int
    height: int

    def locate(self, points: Floats) -> Fixes:
        """Where points lie. The error is NaN: a mosaic does not say how well it was placed."""
        lon, lat = self._degrees(points)
        right = self._degrees(points + np.array([1.0, 0.0]))
        below = self._degrees(points + np.array([0.0, 1.0]))
        sides = [_metres((lon, lat), other) for other in (right, below)]
        return Fixes(
            lon=lon,
            lat=lat,
            error_m=np.full(len(points), np.nan),
            gsd_m=(sides[0] + sides[1]) / 2,
        )

    def centre(self) -> tuple[float, float]:
        """Longitude and latitude of the middle; NaN where its coordinates have no place."""
        lon, lat = self._degrees(np.array([[self.width / 2, self.height / 2]]))
        return float(lon[0]), float(lat[0])

    def _degrees(self, points: Floats) -> tuple[Floats, Floats]:
        a, b, c, d, e, f = self.affine
        xs = a * points[:, 0] + b * points[:, 1] + c
        ys = d * points[:, 0] + e * points[:, 1] + f
        if not len(points):
            return xs, ys
        warp = rasterio_with("warp").warp
        # rasterio gives longitude first, whatever order the authority states.
        moved = warp.transform(self.crs, "EPSG:4326", xs.tolist(), ys.tolist())
        lon, lat = np.array(moved[0]), np.array(moved[1])
        lost = ~(np.isfinite(lon) & np.isfinite(lat)) | (np.abs(lat) > 90)
        return np.where(lost, np.nan, (lon + 180) % 360 - 180), np.where(lost, np.nan, lat)


def _tags(path: Path) -> set[int]:
    """The tags of a TIFF's first directory, wherever in the file it lies; none of other files."""
    with path.open("rb") as file:
        start = file.read(16)
        order = {b"II": "<", b"MM": ">"}.get(start[:2])
        if order is None or len(start) < 16:
            return set()
        big = struct.unpack_from(f"{order}H", start, 2)[0] == 43
        (place,) = struct.unpack_from(f"{order}Q" if big else f"{order}L", start, 8 if big else 4)
        file.seek(min(place, 1 << 62))
        entries = file.read(_DIRECTORY_BYTES)
    field, step, first = ("Q", 20, 8) if big else ("H", 12, 2)
    if len(entries) < first:
        return set()
    (count,) = struct.unpack_from(f"{order}{field}", entries)
    places = range(first, min(first + step * min(count, 4096), len(entries) - 1), step)
    return {struct.unpack_from(f"{order}H", entries, place)[0] for place in places}


def _metres(one: tuple[Floats, Floats], other: tuple[Floats, Floats]) -> Floats:
    known = one[1][np.isfinite(one[1])]
    across, along = metres_per_degree(float(known.mean()) if len(known) else 0.0)
    turned = (other[0] - one[0] + 180) % 360 - 180
    gap: Floats = np.hypot(turned * across, (other[1] - one[1]) * along)
    return gap


def _rasterio() -> Any:
    try:
        return rasterio_with()
    except ImportError as fault:
        raise HaversackError(
            "extra-missing",
            f"coordinates of GeoTIFFs need what is not installed: {fault}",
            hint="Install it with: pip install 'haversack[geo]'",
            kind=Kind.UNAVAILABLE,
        ) from fault
