"""Rings of longitudes and latitudes as GeoJSON polygons.

Source: RFC 7946, 3.1.6 (the right-hand rule) and 3.1.9 (cutting at the antimeridian).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

PLACES = 7
"""Decimals: a centimetre, finer than any position here."""

Corner = tuple[float, float]


def polygon(corners: Sequence[Corner]) -> dict[str, Any]:
    """A Polygon, or a MultiPolygon of two where it crosses the antimeridian.

    Args:
        corners: longitude and latitude of a convex ring in either direction, not closed.
    """
    first = corners[0][0]
    # On one sheet: each corner within half a turn of the first.
    near = [((lon - first + 180) % 360 - 180 + first, lat) for lon, lat in corners]
    sheets = [(-360.0, (180.0, 540.0)), (0.0, (-180.0, 180.0)), (360.0, (-540.0, -180.0))]
    rings = [[(lon + turn, lat) for lon, lat in _between(near, *limits)] for turn, limits in sheets]
    closed = [[_closed(ring)] for ring in rings if len(ring) > 2]
    if len(closed) == 1:
        return {"type": "Polygon", "coordinates": closed[0]}
    return {"type": "MultiPolygon", "coordinates": closed}


def point(lon: float, lat: float) -> dict[str, Any]:
    """A Point."""
    return {"type": "Point", "coordinates": [round(lon, PLACES), round(lat, PLACES)]}


def _between(ring: list[Corner], low: float, high: float) -> list[Corner]:
    """The part of a convex ring with low <= longitude <= high (Sutherland and Hodgman, 1974)."""
    kept = _beyond(ring, low, 1.0)
    return _beyond(kept, high, -1.0)


def _beyond(ring: list[Corner], limit: float, side: float) -> list[Corner]:
    kept: list[Corner] = []
    for one, other in zip(ring, ring[1:] + ring[:1], strict=True):
        inside = [side * (corner[0] - limit) >= 0 for corner in (one, other)]
        if inside[0]:
            kept.append(one)
        if inside[0] != inside[1]:
            share = (limit - one[0]) / (other[0] - one[0])
            kept.append((limit, one[1] + share * (other[1] - one[1])))
    return kept


def _closed(ring: list[Corner]) -> list[list[float]]:
    """Counter-clockwise, rounded, the first corner again at the end."""
    turns = zip(ring, ring[1:] + ring[:1], strict=True)
    twice_area = sum(one[0] * other[1] - other[0] * one[1] for one, other in turns)
    ordered = ring if twice_area > 0 else ring[::-1]
    rounded = [[round(lon, PLACES), round(lat, PLACES)] for lon, lat in ordered]
    return [*rounded, rounded[0]]
