"""What a person sees while a survey runs: a live panel on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table

from haversack.units import format_seconds

_LINE_EVERY_SECONDS = 15.0
_RATE_OVER_SECONDS = 15.0


@dataclass(frozen=True, kw_only=True)
class RunProgress:
    """How far a run is.

    Attributes:
        photos, photos_done: all of the run, and those with an outcome, of every go at it.
        found, failures: objects and photos.
        tiles_per_second: of the last 15 s.
        seconds_left: estimated from the bytes of the files; None at first.
        in_flight: photos.
        device: where the pack runs, in words.
        stopping: whether no other photo is begun.
    """

    photos: int
    photos_done: int
    found: int
    failures: int
    tiles_per_second: float
    seconds_left: float | None
    in_flight: int
    device: str
    stopping: bool


class Screen(Protocol):
    """Where a run tells how it goes. One thread."""

    def note(self, text: str) -> None:
        """One line that stays."""
        ...

    def show(self, standing: RunProgress) -> None:
        """How far it is; called several times a second."""
        ...

    def close(self) -> None:
        """Nothing more comes."""
        ...


class PlainScreen:
    """Lines for a file or a pipe: one at once, then one every 15 s. Quiet ones only note."""

    def __init__(
        self, out: Console, *, quiet: bool, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._out, self._quiet, self._clock = out, quiet, clock
        self._last: float | None = None

    def note(self, text: str) -> None:
        """See `Screen`."""
        self._out.print(text)

    def show(self, standing: RunProgress) -> None:
        """See `Screen`."""
        now = self._clock()
        due = self._last is None or now - self._last >= _LINE_EVERY_SECONDS
        if self._quiet or not due or not standing.tiles_per_second:
            return
        self._last = now
        self._out.print(", ".join(f"{value} {name}".strip() for name, value in _facts(standing)))

    def close(self) -> None:
        """See `Screen`."""


class LiveScreen:
    """A bar and the figures, drawn anew four times a second."""

    def __init__(self, out: Console) -> None:
        self._out = out
        self._live: Live | None = None

    def note(self, text: str) -> None:
        """See `Screen`."""
        self._out.print(text)

    def show(self, standing: RunProgress) -> None:
        """See `Screen`."""
        if self._live is None:
            self._live = Live(console=self._out, refresh_per_second=4, transient=True)
            self._live.start()
        self._live.update(_panel(standing))

    def close(self) -> None:
        """See `Screen`."""
        if self._live is not None:
            self._live.stop()
            self._live = None


class Rate:
    """Tiles a second over the last quarter of a minute, from a rising count."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._seen: deque[tuple[float, int]] = deque([(clock(), 0)])

    def per_second(self, count: int) -> float:
        """The rate, now that the count is `count`."""
        now = self._clock()
        if now - self._seen[-1][0] >= 0.2:
            self._seen.append((now, count))
        while len(self._seen) > 2 and now - self._seen[0][0] > _RATE_OVER_SECONDS:
            self._seen.popleft()
        since, then = self._seen[0]
        return (count - then) / (now - since) if now > since else 0.0


def _facts(standing: RunProgress) -> list[tuple[str, str]]:
    left = standing.seconds_left
    facts = [
        ("photos", f"{standing.photos_done:,} of {standing.photos:,}"),
        ("tiles/s", f"{standing.tiles_per_second:.3g}"),
        ("found so far", f"{standing.found:,}"),
        ("failures", f"{standing.failures:,}"),
        ("left", "?" if left is None else f"about {format_seconds(left)}"),
        ("", standing.device),
    ]
    if standing.stopping:
        facts.append(("photos in flight, stopping", str(standing.in_flight)))
    return facts


def _panel(standing: RunProgress) -> Table:
    panel = Table.grid(padding=(0, 2))
    bar = ProgressBar(total=max(1, standing.photos), completed=standing.photos_done, width=30)
    share = standing.photos_done / max(1, standing.photos)
    panel.add_row(bar, f"{share:.0%}")
    for name, value in _facts(standing):
        panel.add_row(name or "device", value)
    return panel
