"""Sessions and calls share the room for packs; the largest call always fits."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from haversack.serve.models.residency import Residency
from haversack.serve.models.sizes import PackBytes


def size(session: int, call: int, opening: int = 0) -> PackBytes:
    return PackBytes(session_bytes=session, call_bytes=call, opening_bytes=opening)


def test_calls_of_all_models_get_what_sessions_leave() -> None:
    residency = Residency(100, turns=2)
    residency.enter("a", size(30, 10))
    assert residency.workspace.whole_bytes == 20
    residency.enter("b", size(30, 20))
    assert residency.workspace.whole_bytes == 40  # 60 are wanted
    residency.leave("a")
    assert residency.workspace.whole_bytes == 40
    assert residency.sessions_bytes == 30


def test_calls_get_room_for_a_batch_where_there_is_some() -> None:
    residency = Residency(200, turns=2)
    residency.enter("a", PackBytes(session_bytes=30, call_bytes=10, row_bytes=5))
    assert residency.workspace.whole_bytes == 2 * (10 + 7 * 5)
    assert residency.fits(size(150, 10))
    residency.enter("b", size(150, 10))
    assert residency.workspace.whole_bytes == 20


def test_what_fits_is_reckoned_with_one_call_of_the_largest_and_with_opening() -> None:
    residency = Residency(100)
    residency.enter("a", size(50, 10))
    assert residency.fits(size(40, 10))
    assert not residency.fits(size(41, 10))
    assert not residency.fits(size(40, 10, opening=11))
    assert residency.fits(size(90, 10), without=["a"])


def test_one_that_turned_out_larger_is_told_and_its_call_still_runs() -> None:
    residency = Residency(100)
    residency.enter("a", size(90, 30))
    assert residency.excess_bytes == 20
    assert residency.workspace.take(30)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8))
def test_those_that_fit_never_exceed_the_room(packs: list[tuple[int, int]]) -> None:
    residency = Residency(100, turns=2)
    for number, (session, call) in enumerate(packs):
        if residency.fits(size(session, call)):
            residency.enter(number, size(session, call))
        assert residency.sessions_bytes + residency.workspace.whole_bytes <= 100
        assert residency.excess_bytes == 0
