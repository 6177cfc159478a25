"""What drones write about a photo's pose into its XMP packet.

The packet is searched for the few keys that matter and never parsed as XML: a hostile file has no
entities to expand here, and a damaged one still gives what can be read.
Source: DJI's `drone-dji` keys as its cameras write them, with the misspelling of GpsLongitude by
firmware of 2018 to 2020; Pix4D, "Specification of XMP tags" (`Camera` keys, which senseFly,
Parrot, MicaSense and Sentera follow).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

_KEY = r"(drone-dji|Camera):([A-Za-z]{1,40})"
_VALUE = r"([+\-0-9.,eE/ ]{1,64})"
_ATTRIBUTE = re.compile(rf"{_KEY}\s{{0,9}}=\s{{0,9}}[\"']{_VALUE}[\"']".encode())
_ELEMENT = re.compile(rf"<{_KEY}>\s{{0,9}}{_VALUE}\s{{0,9}}</".encode())


def read_xmp(packet: bytes) -> dict[str, float]:
    """Numbers by key, such as "drone-dji:GimbalPitchDegree"; the first of a key counts.

    Only finite numbers; a fraction ("27/10") is divided.
    """
    found: dict[str, float] = {}
    for pattern in (_ATTRIBUTE, _ELEMENT):
        for match in pattern.finditer(packet):
            prefix, key, text = match.groups()
            number = _number(text.decode("ascii"))
            if number is not None:
                found.setdefault(f"{prefix.decode('ascii')}:{key.decode('ascii')}", number)
    return found


def first_of(values: Mapping[str, float], *keys: str) -> float | None:
    """The value of the first key that is there."""
    return next((values[key] for key in keys if key in values), None)


def _number(text: str) -> float | None:
    above, slash, below = text.strip().partition("/")
    try:
        value = float(above) / (float(below) if slash else 1.0)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    return value if math.isfinite(value) else None
