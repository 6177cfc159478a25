"""What a run says while it works."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from haversack.survey.run.progress import LiveScreen, PlainScreen, Rate, RunProgress

STANDING = RunProgress(
    photos=1000,
    photos_done=250,
    found=1234,
    failures=2,
    tiles_per_second=81.25,
    seconds_left=3725.0,
    in_flight=2,
    device="CPU",
    stopping=False,
)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def plain(quiet: bool = False) -> tuple[PlainScreen, io.StringIO, Clock]:
    text, clock = io.StringIO(), Clock()
    return PlainScreen(Console(file=text, width=200), quiet=quiet, clock=clock), text, clock


def test_plain_lines_come_at_once_and_then_now_and_then() -> None:
    screen, text, clock = plain()
    for second in range(0, 31):
        clock.now = float(second)
        screen.show(STANDING)
    lines = text.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[0] == (
        "250 of 1,000 photos, 81.2 tiles/s, 1,234 found so far, 2 failures, "
        "about 1 h 02 min left, CPU"
    )


def test_nothing_is_said_before_anything_is_known() -> None:
    screen, text, _ = plain()
    screen.show(replace(STANDING, tiles_per_second=0.0))
    assert text.getvalue() == ""


def test_quiet_leaves_remarks_only() -> None:
    screen, text, _ = plain(quiet=True)
    screen.show(STANDING)
    screen.note("failed: a.jpg")
    assert text.getvalue() == "failed: a.jpg\n"


def test_a_terminal_shows_every_figure() -> None:
    text = io.StringIO()
    screen = LiveScreen(Console(file=text, width=100, force_terminal=True))
    screen.show(replace(STANDING, stopping=True))
    screen.close()
    for word in ("25%", "250 of 1,000", "81.2", "1,234", "1 h 02 min", "CPU", "in flight"):
        assert word in text.getvalue()


def test_the_rate_is_of_the_last_quarter_of_a_minute() -> None:
    clock = Clock()
    rate = Rate(clock)
    for second in range(1, 61):
        clock.now = float(second)
        # 10 tiles/s for half a minute, then 30.
        told = rate.per_second(10 * second if second <= 30 else 300 + 30 * (second - 30))
    assert 29 < told < 31
