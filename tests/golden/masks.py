"""What may differ between two answers that are equal: times, versions, digests, the machine."""

from __future__ import annotations

import re
from pathlib import Path

from haversack.version import __version__

_CHECKOUT = Path(__file__).parents[2]
_RULES = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (r"20[2-9]\d-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?", "TIME"),
        (r"\d\d \w+ \d{4}, \d\d:\d\d UTC", "TIME"),
        (r"\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]+ GMT\b", "TIME"),
        (r"\b[0-9a-f]{64}\b", "DIGEST"),
        (r"\b[0-9a-f]{32}\b", "ID"),
        (r"\b[0-9a-f]{12}\.\.\.", "DIGEST..."),
        (r"\b127\.0\.0\.1:\d+", "SERVER"),
        (r'("[a-z_]*seconds[a-z_]*": ?)[\d.e-]+', r"\1SECONDS"),
        (r'("eta_seconds": ?)null', r"\1SECONDS"),
        (r"\b\d+(\.\d+)? (seconds|ms|s)\b", "SECONDS"),
        (r", [\d.]+ tiles/s", ", N tiles/s"),
        (r'("machine": ?)"[^"]+"', r'\1"MACHINE"'),
        (r'("versions": ?)"[^"]+"', r'\1"VERSIONS"'),
        (r"\b[\d.]+ times its pixels", "N times its pixels"),
        (r'("(?:start|size)": ?)\d+', r"\1BYTES"),
        (r'(\{"name":"[a-z-]+\.[a-z]+","bytes":)\d+', r"\1BYTES"),
        (r"(?m)[ \t]+$", ""),  # a table is as wide as its longest path
        (r'("request_id": ?)"[^"]+"', r'\1"ID"'),
    )
)


def masked(text: str, *folders: Path) -> str:
    """The text, with words in the place of what differs; of these folders too."""
    for number, folder in enumerate(folders):
        text = text.replace(str(folder), "/FOLDER" if number == 0 else f"/FOLDER-{number}")
    text = text.replace(str(_CHECKOUT), "/CHECKOUT")
    for pattern, instead in _RULES:
        text = pattern.sub(instead, text)
    return text.replace(f"haversack {__version__}", "haversack VERSION")


_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")


def differences(expected: str, got: str) -> list[str]:
    """Lines that differ; numbers with a point may do so by what another CPU's sums do.

    A score is rounded to four places and a box to two: one unit of the last place is let be.
    """
    told = []
    ours, theirs = expected.splitlines(), got.splitlines()
    for number, (before, now) in enumerate(zip(ours, theirs, strict=False), 1):
        if before != now and not _alike(before, now):
            told.append(
                f"line {number}\n  before: {_part(before, now)}\n  now:    {_part(now, before)}"
            )
    if len(ours) != len(theirs):
        told.append(f"{len(theirs)} lines, before {len(ours)}")
    return told


def _alike(before: str, now: str) -> bool:
    if _NUMBER.sub("#", before) != _NUMBER.sub("#", now):
        return False
    return all(
        _near(a, b) for a, b in zip(_NUMBER.findall(before), _NUMBER.findall(now), strict=True)
    )


def _near(before: str, now: str) -> bool:
    if before == now:
        return True
    if "." not in before + now:
        return False
    let_be = 0.0101 if abs(float(before)) > 1 else 0.000101
    return abs(float(before) - float(now)) <= let_be


def _part(line: str, other: str) -> str:
    """From a little before the first letter that differs."""
    same = next((i for i, (a, b) in enumerate(zip(line, other, strict=False)) if a != b), 0)
    return line[max(0, same - 60) : same + 140]
