"""Pixels of a drone's photo on flat ground: a pinhole camera, turned by its gimbal.

Source: Hartley and Zisserman, "Multiple View Geometry" (2004), 6.1; angles as in aviation, yaw
then pitch then roll (Tait-Bryan z-y'-x''), in a frame of north, east and down.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from haversack.engine.codecs.orientation import SWAPS_SIDES
from haversack.geo.camera import Camera
from haversack.geo.wgs84 import offset

HEIGHT_SHARE = 0.05
PITCH_DEG, YAW_DEG = 1.0, 3.0
GPS_M = 3.0
"""What the error radius allows for: barometric height, gimbal angles, a receiver without RTK."""
LEAST_DEPRESSION_DEG = 15.0
"""Nearer to the horizon, a degree of pitch moves a point by a third of its distance and more."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Fixes:
    """Where points of a photo lie; NaN where they have no position.

    Attributes:
        lon, lat: float64[N], degrees WGS84.
        error_m: float64[N], radius; NaN also where nothing is known of it.
        gsd_m: float64[N], metres of ground to a pixel, across the line of sight.
    """

    lon: Floats
    lat: Floats
    error_m: Floats
    gsd_m: Floats


@dataclass(frozen=True, kw_only=True)
class Unplaced:
    """A photo whose points have no position.

    Attributes:
        reason: why, such as "no gimbal pitch".
    """

    reason: str


class PlacedPhoto(Protocol):
    """A photo whose pixels have positions. Calls are independent: any thread may make them."""

    def locate(self, points: Floats) -> Fixes:
        """Where the points float64[N,2] (x, y in pixels of the upright photo) lie."""


NO_FIX = f"the line of sight is within {LEAST_DEPRESSION_DEG:g} degrees of the horizon"
"""Why a single point of a placed photo may have no position."""


def place_photo(camera: Camera, *, width: int, height: int) -> PlacedPhoto | Unplaced:
    """The photo on flat ground, or why that cannot be said.

    Args:
        camera: as `read_camera` gives it.
        width, height: of the upright photo in pixels.
    """
    missing = _missing(camera, width, height)
    if missing or camera.lon is None or camera.lat is None:
        return Unplaced(reason=missing)
    if _depression_deg(camera) < LEAST_DEPRESSION_DEG:
        return Unplaced(
            reason=f"the camera looks within {LEAST_DEPRESSION_DEG:g} degrees of the horizon"
        )
    above = (camera.lon, camera.lat)
    return _DronePhoto(camera=camera, above=above, width=width, height=height)


def _missing(camera: Camera, width: int, height: int) -> str:
    if camera.lon is None or camera.lat is None:
        return "no GPS position"
    if camera.height_m is None:
        return "no height above the ground"
    if camera.height_m <= 0:
        return f"a height above the ground of {camera.height_m:g} m"
    if camera.pitch_deg is None:
        return "no gimbal pitch"
    if camera.yaw_deg is None:
        return "no gimbal or flight yaw"
    if camera.focal_px <= 0:
        return "no focal length"
    return "" if width > 0 and height > 0 else "no size in pixels"


def _depression_deg(camera: Camera) -> float:
    """Degrees of the optical axis below the horizon; 90 is straight down."""
    axis = _rays(camera, np.zeros((1, 2)))[0]
    return float(np.degrees(np.arcsin(axis[2] / np.linalg.norm(axis))))


@dataclass(frozen=True, kw_only=True)
class _DronePhoto:
    camera: Camera
    above: tuple[float, float]
    width: int
    height: int

    def locate(self, points: Floats) -> Fixes:
        """Where lines of sight meet the ground; see `Fixes`."""
        camera = self.camera
        offsets = _stored_offsets(points, camera.orientation, self.width, self.height)
        rays = _rays(camera, offsets)
        lowest = np.linalg.norm(rays, axis=1) * np.sin(np.radians(LEAST_DEPRESSION_DEG))
        rays[rays[:, 2] < lowest] = np.nan
        here = _meet(camera, rays)
        variance = np.full(len(offsets), GPS_M**2)
        for pair in _doubts(camera):
            moved = [_distance(here, _meet(one, _rays(one, offsets))) for one in pair]
            variance += np.maximum(*moved) ** 2
        lon, lat = offset(*self.above, east_m=here[:, 1], north_m=here[:, 0])
        gsd = (camera.height_m or 0.0) / rays[:, 2]
        return Fixes(lon=lon, lat=lat, error_m=np.sqrt(variance), gsd_m=gsd)


def _doubts(camera: Camera) -> list[tuple[Camera, Camera]]:
    """The camera with each of its measures a little too small, and too large."""
    height, pitch, yaw = camera.height_m or 0.0, camera.pitch_deg or 0.0, camera.yaw_deg or 0.0
    both = (-1, 1)
    heights = [replace(camera, height_m=height * (1 + sign * HEIGHT_SHARE)) for sign in both]
    pitches = [replace(camera, pitch_deg=pitch + sign * PITCH_DEG) for sign in both]
    yaws = [replace(camera, yaw_deg=yaw + sign * YAW_DEG) for sign in both]
    return [(low, high) for low, high in (heights, pitches, yaws)]


def _stored_offsets(points: Floats, orientation: int, width: int, height: int) -> Floats:
    """Upright x, y as offsets from the middle of the photo as the sensor saw it: float64[N,2]."""
    x, y = points[:, 0] - width / 2, points[:, 1] - height / 2
    # `upright_view` swaps the sides first and then flips; this goes the other way round.
    if orientation in (2, 3, 6, 7):
        x = -x
    if orientation in (3, 4, 7, 8):
        y = -y
    return np.stack([y, x] if orientation in SWAPS_SIDES else [x, y], axis=1)


def _rays(camera: Camera, offsets: Floats) -> Floats:
    """Lines of sight in north, east, down, as long as the focal length along the axis.

    Args:
        offsets: float64[N,2], right and down from the middle of the sensor, in pixels.
    """
    ahead = np.full(len(offsets), camera.focal_px)
    right, down = offsets[:, 0], offsets[:, 1]
    forward = [ahead, right, down] if camera.mount == "forward" else [-down, right, ahead]
    rays: Floats = np.stack(forward, axis=1) @ _rotation(camera).T
    return rays


def _rotation(camera: Camera) -> Floats:
    angles = (camera.yaw_deg or 0.0, camera.pitch_deg or 0.0, camera.roll_deg or 0.0)
    (cy, sy), (cp, sp), (cr, sr) = ((np.cos(a), np.sin(a)) for a in np.radians(angles))
    yaw = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    pitch = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    roll = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    turned: Floats = yaw @ pitch @ roll
    return turned


def _meet(camera: Camera, rays: Floats) -> Floats:
    """Metres north and east of the camera where rays reach the ground: float64[N,2]."""
    with np.errstate(divide="ignore", invalid="ignore"):
        met: Floats = rays[:, :2] * ((camera.height_m or 0.0) / rays[:, 2])[:, None]
    return met


def _distance(first: Floats, second: Floats) -> Floats:
    gap: Floats = np.hypot(*(first - second).T)
    return gap
