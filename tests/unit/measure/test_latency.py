"""Repeats are bounded by a time and by a count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate, chain, repeat

from haversack.measure.latency import median_seconds


def clock(steps: Iterator[float]) -> Callable[[], float]:
    rising = accumulate(steps)
    return lambda: next(rising)


def test_at_least_three_runs_whatever_they_take() -> None:
    calls: list[int] = []
    assert median_seconds(lambda: calls.append(1), 0.0, clock(repeat(100.0))) == 100.0
    assert len(calls) == 3


def test_no_more_than_two_hundred_runs() -> None:
    calls: list[int] = []
    median_seconds(lambda: calls.append(1), 1e9, clock(repeat(1e-6)))
    assert len(calls) == 200


def test_it_is_the_median_and_not_the_mean() -> None:
    # Between readings: begun, then start and end of each run.
    steps = chain([0.0], *([0.0, took] for took in (1.0, 1.0, 50.0)), repeat(0.0))
    assert median_seconds(lambda: None, 3.0, clock(steps)) == 1.0
