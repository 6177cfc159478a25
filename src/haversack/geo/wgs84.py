"""Metres and degrees near a point of the ellipsoid.

Source: NIMA TR8350.2 (WGS84), and the radii of curvature of an ellipsoid (Snyder, "Map
Projections: A Working Manual", 1987, 4-18 to 4-21).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EQUATOR_M = 6378137.0
ECCENTRICITY_SQUARED = 0.00669437999014

Degrees = NDArray[np.float64]
Metres = NDArray[np.float64]


def metres_per_degree(lat: float) -> tuple[float, float]:
    """(of longitude, of latitude) at a latitude in degrees; longitude's is 0 at the poles."""
    squash = 1 - ECCENTRICITY_SQUARED * np.sin(np.radians(lat)) ** 2
    across = EQUATOR_M / np.sqrt(squash) * np.cos(np.radians(lat))
    along = EQUATOR_M * (1 - ECCENTRICITY_SQUARED) / squash**1.5
    return float(max(across, 0.0) * np.pi / 180), float(along * np.pi / 180)


def offset(lon: float, lat: float, *, east_m: Metres, north_m: Metres) -> tuple[Degrees, Degrees]:
    """Longitudes (within -180 to 180) and latitudes of points within some kilometres of one."""
    across, along = metres_per_degree(lat)
    lons = lon + east_m / max(across, 1e-6)
    return (lons + 180) % 360 - 180, np.clip(lat + north_m / along, -90, 90)
