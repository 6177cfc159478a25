"""Bytes and seconds, as people write them and read them."""

from __future__ import annotations

import re

from haversack.errors import HaversackError

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([KMGT])(i?B?)?|B)?", re.IGNORECASE)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])", re.IGNORECASE)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_POWER = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def parse_bytes(text: str) -> int:
    """Bytes from "512M", "2G", "1.5GiB", "800" or "64 KiB"; every unit is a power of 1024.

    Raises:
        HaversackError: `size-unreadable`, where the text is none of these.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise HaversackError(
            "size-unreadable",
            f"a size was expected, received {text!r}",
            hint="Write a number with K, M, G or T, for example 512M or 1.5GiB.",
        )
    return int(float(match[1]) * 1024 ** _POWER[(match[2] or "").upper()])


def parse_seconds(text: str) -> float:
    """Seconds from "30s", "5m", "12h", "7d" or "1.5h".

    Raises:
        HaversackError: `duration-unreadable`, where the text is none of these.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise HaversackError(
            "duration-unreadable",
            f"a duration was expected, received {text!r}",
            hint="Write a number with s, m, h or d, for example 30s, 12h or 7d.",
        )
    return float(match[1]) * _SECONDS[match[2].lower()]


def format_bytes(count: float) -> str:
    """Bytes with three significant figures at most: 268435456 -> "256 MiB"."""
    unit = "B"
    for larger in ("KiB", "MiB", "GiB", "TiB"):
        if abs(count) < 1024:
            break
        count, unit = count / 1024, larger
    return f"{count:.0f} {unit}" if abs(count) >= 100 or unit == "B" else f"{count:.3g} {unit}"


def format_seconds(seconds: float) -> str:
    """Seconds as a person says them: "8.4 ms", "1.3 s", "2 min 05 s", "3 h 10 min"."""
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"
