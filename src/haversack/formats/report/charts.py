"""The histogram of scores, as SVG that takes its colours from the page."""

from __future__ import annotations

from haversack.formats.report.findings import BINS
from haversack.formats.report.markup import number

WIDTH, HEIGHT = 720, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 20, 14, 34


def histogram(counts: list[int], threshold: float) -> str:
    """Objects by score, from the threshold to 1; "" where there are none.

    Args:
        counts: `BINS` of them, from 0 to 1.
    """
    if not sum(counts):
        return ""
    first = min(BINS - 5, int(threshold * BINS))
    shown = counts[first:]
    most = nice_above(max(shown))
    across, down = WIDTH - _LEFT - _RIGHT, HEIGHT - _TOP - _BOTTOM
    step = across / len(shown)
    bars = []
    for place, count in enumerate(shown):
        low = (first + place) / BINS
        tall = down * count / most
        bars.append(
            f'<rect class="bar" x="{_LEFT + place * step + 0.75:.1f}" y="{_TOP + down - tall:.1f}" '
            f'width="{step - 1.5:.1f}" height="{tall:.1f}"><title>{low:.2f} to '
            f"{low + 1 / BINS:.2f}: {number(count)}</title></rect>"
        )
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="Histogram of scores">{_grid(most, down)}{"".join(bars)}'
        f"{_axis(first, step, down)}</svg>"
    )


def nice_above(value: float) -> int:
    """The least of 1, 2, 4, 5, 10, 20, ... that is not below `value`."""
    unit = 1
    while True:
        for step in (1, 2, 4, 5):
            if step * unit >= value:
                return step * unit
        unit *= 10


def _grid(most: int, down: float) -> str:
    parts = []
    for share in (0, 0.5, 1):
        if (most * share) % 1:
            continue
        y = _TOP + down * (1 - share)
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="tick" x="{_LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">'
            f"{number(most * share)}</text>"
        )
    return "".join(parts)


def _axis(first: int, step: float, down: float) -> str:
    every = 5 if BINS - first > 12 else 2
    ticks = [place for place in range(first, BINS + 1) if place % every == 0]
    parts = [
        f'<text class="tick" x="{_LEFT + (place - first) * step:.1f}" y="{_TOP + down + 17}" '
        f'text-anchor="middle">{place / BINS:.2f}</text>'
        for place in ticks
    ]
    middle = _LEFT + (BINS - first) * step / 2
    parts.append(
        f'<text class="tick" x="{middle:.1f}" y="{HEIGHT - 3}" text-anchor="middle">score</text>'
    )
    return "".join(parts)
