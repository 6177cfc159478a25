"""What is measured depends on what the pack takes."""

from __future__ import annotations

from haversack.measure.plan import ProfileOptions, cases_of, threads_of

FULL, QUICK = ProfileOptions(), ProfileOptions(quick=True)


def test_a_pack_of_single_photos_is_measured_without_batches() -> None:
    cases = cases_of(FULL, photos=True, batches=False)
    assert [case.batch for case in cases if not case.megapixels] == [1]
    assert [case.megapixels for case in cases if case.megapixels] == [0.3, 1.2, 12.0, 24.0]


def test_a_pack_of_tensors_is_measured_without_photos() -> None:
    cases = cases_of(FULL, photos=False, batches=True)
    assert {case.megapixels for case in cases} == {0.0}
    assert [case.batch for case in cases] == [1, 2, 4, 8]


def test_memory_rises_from_case_to_case() -> None:
    for options in (FULL, QUICK):
        cases = cases_of(options, photos=True, batches=True)
        keys = [(case.megapixels > 0, case.megapixels, case.batch) for case in cases]
        assert keys == sorted(keys)


def test_the_servers_threads_are_measured_first_and_none_twice() -> None:
    assert threads_of(FULL, 8) == (4, 1, 8)
    assert threads_of(FULL, 2) == (1, 2)
    assert threads_of(FULL, 1) == (1,)
    assert threads_of(QUICK, 8) == (4,)
