"""A batch is worth it by its measured curve, or it is not made."""

from __future__ import annotations

import datetime

from hypothesis import given
from hypothesis import strategies as st

from haversack.packfile.profile import Case, Machine, MemoryFormula, Profile
from haversack.serve.models.batches import paying_batch

MUCH = 1 << 40


def profile(seconds: dict[int, float], *, threads: int = 1, row_bytes: int = 0) -> Profile:
    cases = [
        Case(megapixels=0, batch=batch, threads=threads, seconds=took, peak_bytes=0)
        for batch, took in seconds.items()
    ]
    # Decoding says nothing of the model.
    cases.append(Case(megapixels=1.2, batch=1, threads=threads, seconds=1e-6, peak_bytes=0))
    return Profile(
        format=1,
        name="herd",
        version="1",
        digest="0" * 64,
        created=datetime.datetime(2026, 11, 25, tzinfo=datetime.UTC),
        machine=Machine(cpus=2, machine="x", system="x", runtime="x"),
        memory=MemoryFormula(runtime_bytes=0, session_bytes=0, call_bytes=100, row_bytes=row_bytes),
        cases=tuple(cases),
    )


def test_the_batch_of_the_most_photos_a_second_is_taken() -> None:
    assert paying_batch(profile({1: 0.01, 2: 0.016, 4: 0.028, 8: 0.06}), 1, MUCH) == 4


def test_a_gain_below_a_tenth_is_none() -> None:
    assert paying_batch(profile({1: 0.0100, 4: 0.0367}), 1, MUCH) == 1
    assert paying_batch(profile({1: 0.0100, 4: 0.0360}), 1, MUCH) == 4


def test_the_curve_of_another_number_of_threads_says_nothing() -> None:
    assert paying_batch(profile({1: 0.01, 4: 0.01}, threads=2), 1, MUCH) == 1


def test_without_a_curve_there_is_no_batch() -> None:
    assert paying_batch(profile({}), 1, MUCH) == 1
    assert paying_batch(profile({8: 0.01}), 1, MUCH) == 1


def test_a_call_that_does_not_fit_the_workspace_is_not_made() -> None:
    curve = profile({1: 0.01, 2: 0.015, 4: 0.02, 8: 0.03}, row_bytes=100)
    assert paying_batch(curve, 1, 800) == 8
    assert paying_batch(curve, 1, 799) == 4
    assert paying_batch(curve, 1, 199) == 1


def test_a_call_that_others_would_wait_for_too_long_is_not_made() -> None:
    assert paying_batch(profile({1: 0.6, 2: 0.9, 4: 1.4}), 1, MUCH) == 2


@given(st.dictionaries(st.sampled_from([1, 2, 4, 8]), st.floats(0, 10)))
def test_what_is_chosen_was_measured_and_pays(seconds: dict[int, float]) -> None:
    batch = paying_batch(profile(seconds), 1, MUCH)
    assert batch == 1 or batch / seconds[batch] >= 1.1 / seconds[1]
