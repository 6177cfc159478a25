"""The few EXIF values that say when, where and with what lens a photo was taken.

Source: Exif 2.32, 4.6 (tags), 4.6.2 (types).
"""

from __future__ import annotations

import datetime
import math
import struct
from dataclasses import dataclass

from haversack.engine.codecs.orientation import UPRIGHT
from haversack.engine.codecs.pieces import Encoded

_FORMS = {1: "B", 3: "H", 4: "L", 9: "l"}
_PAIRS = {5: "L", 10: "l"}
_WIDTHS = {"B": 1, "H": 2, "L": 4, "l": 4}
_TEXT = 2
_MOST_ENTRIES, _MOST_VALUES, _MOST_TEXT = 512, 8, 64
_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
_MM_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}

Value = str | tuple[float, ...]
Tags = dict[int, Value]


@dataclass(frozen=True, kw_only=True)
class ExifValues:
    """What EXIF says; None, 0 or "" where it does not.

    Attributes:
        orientation: 1 to 8.
        taken_at: local time of the camera, ISO 8601 to the second.
        lon, lat: degrees WGS84; None also for the 0, 0 of a receiver without a fix.
        altitude_m: above the sea.
        focal_mm, focal_35mm: true, and of a lens with the same view on 35-mm film.
        pixels_per_mm: on the sensor, of the photo as it was taken.
        width, height: of the photo as it was taken, in pixels.
        make, model: of the camera.
    """

    orientation: int = UPRIGHT
    taken_at: str = ""
    lon: float | None = None
    lat: float | None = None
    altitude_m: float | None = None
    focal_mm: float = 0.0
    focal_35mm: float = 0.0
    pixels_per_mm: float = 0.0
    width: float = 0.0
    height: float = 0.0
    make: str = ""
    model: str = ""


def read_exif(block: Encoded) -> ExifValues:
    """The values in a TIFF structure; what is absent or damaged keeps its default."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(block[:4]))
    if order is None or len(block) < 8:
        return ExifValues()
    main = _directory(block, order, struct.unpack_from(f"{order}L", block, 4)[0])
    photo = _directory(block, order, _pointer(main, _EXIF_IFD))
    gps = _directory(block, order, _pointer(main, _GPS_IFD))
    lon, lat = _position(gps)
    orientation = int(_first(main, 0x0112))
    return ExifValues(
        orientation=orientation if 1 <= orientation <= 8 else UPRIGHT,
        taken_at=_moment(photo.get(0x9003)) or _moment(main.get(0x0132)),
        lon=lon,
        lat=lat,
        altitude_m=_altitude(gps),
        focal_mm=_first(photo, 0x920A),
        focal_35mm=_first(photo, 0xA405),
        pixels_per_mm=_first(photo, 0xA20E) / _MM_PER_UNIT.get(int(_first(photo, 0xA210, 2)), 25.4),
        width=_first(photo, 0xA002),
        height=_first(photo, 0xA003),
        make=_text(main, 0x010F),
        model=_text(main, 0x0110),
    )


def degrees_or_none(lon: float, lat: float) -> tuple[float, float] | tuple[None, None]:
    """The position, or (None, None) where it lies outside the world or is the 0, 0 of no fix."""
    inside = -180 <= lon <= 180 and -90 <= lat <= 90
    return (lon, lat) if inside and (lon, lat) != (0, 0) else (None, None)


def _directory(block: Encoded, order: str, offset: int) -> Tags:
    """Tags of the directory at `offset`; those before the first damaged entry, if there is one."""
    found: Tags = {}
    try:
        if offset < 8:
            return found
        (count,) = struct.unpack_from(f"{order}H", block, offset)
        for index in range(min(count, _MOST_ENTRIES)):
            at = offset + 2 + 12 * index
            tag, kind, length = struct.unpack_from(f"{order}HHL", block, at)
            value = _value(block, order, (kind, length, at + 8))
            if value is not None:
                found.setdefault(tag, value)
    except struct.error:
        return found
    return found


def _value(block: Encoded, order: str, entry: tuple[int, int, int]) -> Value | None:
    kind, length, place = entry
    if kind == _TEXT:
        (start,) = struct.unpack_from(f"{order}L", block, place) if length > 4 else (place,)
        raw = bytes(block[start : start + min(length, _MOST_TEXT)]).partition(b"\0")[0]
        return raw.decode("ascii", "replace").strip()
    form = _PAIRS.get(kind) or _FORMS.get(kind)
    if form is None:
        return None
    parts = min(length, _MOST_VALUES) * (2 if kind in _PAIRS else 1)
    start = place
    if length * _WIDTHS[form] * (2 if kind in _PAIRS else 1) > 4:
        (start,) = struct.unpack_from(f"{order}L", block, place)
    if start + parts * _WIDTHS[form] > len(block):
        return None
    numbers = struct.unpack_from(f"{order}{parts}{form}", block, start)
    if kind not in _PAIRS:
        return tuple(float(number) for number in numbers)
    pairs = zip(numbers[::2], numbers[1::2], strict=True)
    return tuple(above / below if below else math.nan for above, below in pairs)


def _first(tags: Tags, tag: int, default: float = 0.0) -> float:
    """A tag's first number where it is finite and not negative."""
    value = tags.get(tag)
    if not isinstance(value, tuple) or not value or not math.isfinite(value[0]):
        return default
    return max(0.0, value[0])


def _pointer(tags: Tags, tag: int) -> int:
    return int(_first(tags, tag))


def _text(tags: Tags, tag: int) -> str:
    value = tags.get(tag)
    return value if isinstance(value, str) else ""


def _moment(value: Value | None) -> str:
    if not isinstance(value, str):
        return ""
    try:
        return datetime.datetime.strptime(value, "%Y:%m:%d %H:%M:%S").isoformat()
    except ValueError:
        return ""


def _position(gps: Tags) -> tuple[float, float] | tuple[None, None]:
    lat, lon = _angle(gps.get(2), gps.get(1), "S"), _angle(gps.get(4), gps.get(3), "W")
    return (None, None) if lat is None or lon is None else degrees_or_none(lon, lat)


def _angle(parts: Value | None, side: Value | None, negative: str) -> float | None:
    """Degrees of up to three parts; minutes and seconds may be left out."""
    if not isinstance(parts, tuple) or not parts:
        return None
    # Some cameras write 0/0 for seconds that they fold into the minutes.
    smaller = [part if math.isfinite(part) else 0.0 for part in parts[1:3]]
    angle = parts[0] + sum(part / unit for part, unit in zip(smaller, (60, 3600), strict=False))
    if not math.isfinite(angle):
        return None
    return -angle if isinstance(side, str) and side.upper().startswith(negative) else angle


def _altitude(gps: Tags) -> float | None:
    value = gps.get(6)
    if not isinstance(value, tuple) or not value or not math.isfinite(value[0]):
        return None
    return -value[0] if _first(gps, 5) == 1 else value[0]
