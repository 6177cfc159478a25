"""The pose and lens of a camera at one photo, read from the photo's own headers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

import msgspec

from haversack.engine.codecs.header import PhotoHeader
from haversack.engine.codecs.magic import header_or_none
from haversack.engine.codecs.orientation import UPRIGHT
from haversack.engine.codecs.pieces import Encoded
from haversack.geo.blocks import read_blocks
from haversack.geo.exif import ExifValues, degrees_or_none, read_exif
from haversack.geo.xmp import first_of, read_xmp

FILM_MM = 43.27
"""Diagonal of 35-mm film, 36 x 24 mm. Source: CIPA DCG-001, 35-mm equivalent by the diagonal."""
_WIDEST_SENSOR = 3 / 2
_COMMON_SENSOR = 4 / 3


@dataclass(frozen=True, kw_only=True)
class Camera:
    """What is known of a camera when it took a photo; None, 0 or "" where it is not.

    Attributes:
        taken_at: local time of the camera, ISO 8601.
        lon, lat: degrees WGS84.
        altitude_m: above the sea, as the camera says.
        height_m: above the ground where the flight began.
        yaw_deg: clockwise from north.
        pitch_deg, roll_deg: of the camera; see `mount`.
        mount: what pitch 0 and roll 0 mean: "forward", the camera looks at the horizon and -90 is
            straight down (DJI); "down", it looks straight down with the top of the photo ahead
            (senseFly, Parrot).
        focal_px: in pixels of the photo as stored.
        make, model: of the camera.
        orientation: EXIF, 1 to 8: how the photo as stored is turned upright.
    """

    taken_at: str = ""
    lon: float | None = None
    lat: float | None = None
    altitude_m: float | None = None
    height_m: float | None = None
    yaw_deg: float | None = None
    pitch_deg: float | None = None
    roll_deg: float | None = None
    mount: Literal["forward", "down"] = "forward"
    focal_px: float = 0.0
    make: str = ""
    model: str = ""
    orientation: int = UPRIGHT

    def to_json(self) -> str:
        """What is known as a JSON object, or "" where nothing is."""
        default = asdict(Camera())
        known = {name: value for name, value in asdict(self).items() if value != default[name]}
        return msgspec.json.encode(known).decode() if known else ""

    @staticmethod
    def from_json(text: str) -> Camera:
        """The camera that `to_json` wrote; one with nothing known where it cannot be read."""
        try:
            return msgspec.json.decode(text, type=Camera) if text else Camera()
        except msgspec.MsgspecError:
            return Camera()


def read_camera(data: Encoded, header: PhotoHeader | None = None) -> Camera:
    """What a photo's EXIF and XMP say of its camera; nothing is decoded, and nothing is raised.

    Args:
        data: a JPEG, PNG, WebP or TIFF. Only its headers are read, so the first part of a file
            will do where they lie in front, as in every JPEG. A mapped file will do too.
        header: of the same data, where it is known already.
    """
    blocks = read_blocks(data)
    exif, xmp = read_exif(blocks.exif), read_xmp(blocks.xmp)
    lon, lat = _position(exif, xmp)
    senses_down = "Camera:Pitch" in xmp and "drone-dji:GimbalPitchDegree" not in xmp
    angles = ("Camera:Yaw", "Camera:Pitch", "Camera:Roll")
    yaw, pitch, roll = (xmp.get(key) for key in angles)
    if not senses_down:
        yaw = first_of(xmp, "drone-dji:GimbalYawDegree", "drone-dji:FlightYawDegree")
        pitch = xmp.get("drone-dji:GimbalPitchDegree")
        roll = xmp.get("drone-dji:GimbalRollDegree")
    return Camera(
        taken_at=exif.taken_at,
        lon=lon,
        lat=lat,
        altitude_m=first_of(xmp, "drone-dji:AbsoluteAltitude") or exif.altitude_m,
        height_m=first_of(xmp, "drone-dji:RelativeAltitude", "Camera:AboveGroundAltitude"),
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
        mount="down" if senses_down else "forward",
        focal_px=round(_focal_px(header or header_or_none(data), exif, xmp), 3),
        make=exif.make,
        model=exif.model,
        orientation=exif.orientation,
    )


def _position(
    exif: ExifValues, xmp: Mapping[str, float]
) -> tuple[float, float] | tuple[None, None]:
    """XMP's position, which has more digits, else EXIF's."""
    lon = first_of(xmp, "drone-dji:GpsLongitude", "drone-dji:GpsLongtitude")
    lat = first_of(xmp, "drone-dji:GpsLatitude")
    if lon is not None and lat is not None:
        place = degrees_or_none(lon, lat)
        if place != (None, None):
            return place
    return (exif.lon, exif.lat) if exif.lon is not None and exif.lat is not None else (None, None)


def _focal_px(header: PhotoHeader | None, exif: ExifValues, xmp: Mapping[str, float]) -> float:
    """Focal length in pixels: calibrated, else by the sensor's resolution, else by 35-mm film.

    0 where nothing says, or where the photo is a cutting: its middle is no longer the lens's.
    """
    if header is None:
        return 0.0
    size = header.stored_width, header.stored_height
    centre = [first_of(xmp, f"drone-dji:CalibratedOpticalCenter{axis}") or 0.0 for axis in "XY"]
    taken = (2 * centre[0], 2 * centre[1]) if min(centre) > 0 else (exif.width, exif.height)
    scale = _scale_since(taken, size)
    calibrated = first_of(xmp, "drone-dji:CalibratedFocalLength") or 0.0
    if calibrated > 0:
        return calibrated * scale
    if exif.focal_mm > 0 and exif.pixels_per_mm > 0:
        return exif.focal_mm * exif.pixels_per_mm * scale
    return exif.focal_35mm / FILM_MM * _frame_diagonal_px(*size) if scale else 0.0


def _scale_since(taken: tuple[float, float], size: tuple[int, int]) -> float:
    """How much a photo was made smaller since it was taken; 0 for a cutting, 1 where not known."""
    if min(taken) <= 0:
        return 1.0
    across, down = size[0] / taken[0], size[1] / taken[1]
    # A calibrated centre may lie some percent off the middle.
    if abs(across / down - 1) > 0.1:
        return 0.0
    return across if abs(across - 1) > 0.1 else 1.0


def _frame_diagonal_px(width: int, height: int) -> float:
    """Of the whole sensor: a 16:9 photo is cut from one of 4:3, as wide as the photo."""
    longer, shorter = max(width, height), min(width, height)
    cut = longer > 1.02 * _WIDEST_SENSOR * shorter
    return math.hypot(longer, longer / _COMMON_SENSOR if cut else shorter)
