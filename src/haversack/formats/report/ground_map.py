"""A map of the photos as SVG, with nothing under it but a scale and north.

Source: an equidistant cylindrical projection about the middle latitude (Snyder, 1987, 12), true
to a tenth of a percent over some tens of kilometres.
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from haversack.formats.report.findings import Findings
from haversack.formats.report.markup import number, text
from haversack.geo.wgs84 import metres_per_degree

MARKS = 1500
"""More photos than this are drawn as cells of a grid."""
WIDTH, LEAST_HEIGHT, MOST_HEIGHT = 720, 240, 720
_MARGIN, _FOOT = 26, 40
_LEAST_M = 30.0
_CELLS_ACROSS = 48

Floats = NDArray[np.float64]


def ground_map(found: Findings) -> str:
    """Photos with a position, larger where more was found; "" where none has one."""
    if not found.lons:
        return ""
    east, north = _metres(found)
    span_m = max(_LEAST_M, float(np.ptp(east)), float(np.ptp(north)) / 0.9)
    scale = (WIDTH - 2 * _MARGIN) / max(float(np.ptp(east)), _LEAST_M)
    scale = min(scale, (MOST_HEIGHT - _FOOT - 2 * _MARGIN) / max(float(np.ptp(north)), _LEAST_M))
    middle = [(float(values.min()) + float(values.max())) / 2 for values in (east, north)]
    tall = max(LEAST_HEIGHT, float(np.ptp(north)) * scale + 2 * _MARGIN + _FOOT)
    xs = WIDTH / 2 + (east - middle[0]) * scale
    ys = (tall - _FOOT) / 2 - (north - middle[1]) * scale
    counts = np.array(found.found_there, np.int64)
    marks = _cells(xs, ys, counts) if len(xs) > MARKS else _dots(xs, ys, counts, found.names_there)
    return (
        f'<svg class="chart map" viewBox="0 0 {WIDTH} {tall:.0f}" role="img" '
        f'aria-label="Map of photos"><rect class="ground" x="0.5" y="0.5" width="{WIDTH - 1}" '
        f'height="{tall - _FOOT - 1:.1f}"/>{marks}{_scale_bar(scale, tall, span_m)}'
        f"{_north(tall)}</svg>"
    )


def _metres(found: Findings) -> tuple[Floats, Floats]:
    """East and north of the first photo; east by the shorter way round the world."""
    lons, lats = np.array(found.lons), np.array(found.lats)
    across, along = metres_per_degree(float(np.median(lats)))
    turned = (lons - lons[0] + 180) % 360 - 180
    return turned * across, (lats - lats[0]) * along


def _radius(count: int, most: int, largest: float) -> float:
    return 2.2 if count == 0 else 3.2 + (largest - 3.2) * math.sqrt(count / most)


def _dots(xs: Floats, ys: Floats, counts: NDArray[np.int64], names: list[str]) -> str:
    most = max(1, int(counts.max()))
    parts = []
    # Photos with objects last and the fullest first of them, so that none hides another.
    for i in sorted(range(len(xs)), key=lambda i: (counts[i] > 0, -counts[i])):
        count = int(counts[i])
        kind = "hit" if count else "none"
        parts.append(
            f'<circle class="{kind}" cx="{xs[i]:.1f}" cy="{ys[i]:.1f}" '
            f'r="{_radius(count, most, 14):.1f}"><title>{text(names[i], 80)}: {number(count)}'
            "</title></circle>"
        )
    return "".join(parts)


def _cells(xs: Floats, ys: Floats, counts: NDArray[np.int64]) -> str:
    side = WIDTH / _CELLS_ACROSS
    photos: Counter[tuple[int, int]] = Counter()
    objects: Counter[tuple[int, int]] = Counter()
    columns, rows = (xs // side).astype(int).tolist(), (ys // side).astype(int).tolist()
    for column, row, count in zip(columns, rows, counts.tolist(), strict=True):
        photos[column, row] += 1
        objects[column, row] += count
    most = max(1, *objects.values())
    parts = []
    for column, row in sorted(photos):
        count = objects[column, row]
        kind = "hit" if count else "none"
        x, y = (column + 0.5) * side, (row + 0.5) * side
        parts.append(
            f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" '
            f'r="{_radius(count, most, side * 0.62):.1f}"><title>{number(photos[column, row])} '
            f"photos: {number(count)}</title></circle>"
        )
    return "".join(parts)


def _scale_bar(scale: float, tall: float, span_m: float) -> str:
    """A round length of about a quarter of the map."""
    wanted = span_m / 4
    unit = 10 ** math.floor(math.log10(wanted))
    length = max(step * unit for step in (1, 2, 5) if step * unit <= wanted)
    named = f"{length / 1000:g} km" if length >= 1000 else f"{length:g} m"
    y, end = tall - 14, _MARGIN + length * scale
    return (
        f'<path class="rule" d="M{_MARGIN} {y - 5:.1f}v5H{end:.1f}v-5"/>'
        f'<text class="tick" x="{end + 8:.1f}" y="{y + 1:.1f}">{named}</text>'
    )


def _north(tall: float) -> str:
    x, y = WIDTH - _MARGIN, tall - 8
    return (
        f'<path class="north" d="M{x} {y - 24:.1f}l6 16-6-4-6 4z"/>'
        f'<text class="tick" x="{x - 12}" y="{y - 2:.1f}" text-anchor="end">north</text>'
    )
