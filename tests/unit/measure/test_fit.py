"""The formula is an upper line through what was measured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haversack.measure.fit import fit_formula
from haversack.measure.plan import Measured, Opened

OPENED = [Opened(runtime_bytes=50, session_bytes=10), Opened(runtime_bytes=55, session_bytes=9)]


def case(peak_bytes: int, *, batch: int = 1, megapixels: float = 0.0) -> Measured:
    return Measured(
        megapixels=megapixels, batch=batch, threads=1, seconds=0.1, peak_bytes=peak_bytes
    )


def test_the_largest_of_several_processes_counts() -> None:
    formula = fit_formula(OPENED, [case(100), case(120)])
    assert (formula.runtime_bytes, formula.session_bytes, formula.call_bytes) == (55, 10, 120)


def test_a_further_row_costs_the_steepest_growth() -> None:
    formula = fit_formula(OPENED, [case(100), case(130, batch=2), case(160, batch=4)])
    assert formula.row_bytes == 30
    assert formula.call_of(1) == 100
    assert formula.call_of(4) == 190


def test_a_photo_costs_by_its_pixels_and_small_ones_do_not_count() -> None:
    photos = [case(4_000_000, megapixels=0.3), case(36_000_000, megapixels=12)]
    assert fit_formula(OPENED, [case(100), *photos]).photo_pixel_bytes == pytest.approx(3.0)


@given(st.lists(st.tuples(st.integers(1, 64), st.integers(0, 1 << 30)), min_size=1))
def test_no_case_lies_above_the_formula(points: list[tuple[int, int]]) -> None:
    cases = [case(peak, batch=batch) for batch, peak in [(1, 1000), *points]]
    formula = fit_formula(OPENED, cases)
    for one in cases:
        assert one.peak_bytes <= formula.call_of(one.batch) + one.batch
