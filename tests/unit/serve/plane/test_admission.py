"""A seat is given back, and what is said where there is none is true."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haversack.errors import HaversackError, Kind, RetryLaterError
from haversack.serve.models.gate import Deadline
from haversack.serve.plane.admission import Seats, check_fits, too_late


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_seat_that_is_free_is_taken_and_given_back() -> None:
    seats = Seats(2)
    with seats.seat(), seats.seat():
        assert seats.taken == 2
        with pytest.raises(RetryLaterError) as caught, seats.seat():
            pass
    assert (seats.taken, seats.served, seats.refused) == (0, 2, 1)
    assert caught.value.kind is Kind.OVERLOADED
    assert "the limit is 2" in caught.value.message
    assert "--queue" in caught.value.hint


def test_a_seat_is_given_back_when_its_request_fails() -> None:
    seats = Seats(1)
    with pytest.raises(ValueError, match="bad"), seats.seat():
        raise ValueError("bad")
    with seats.seat():
        assert seats.taken == 1


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e6), max_size=50))
def test_retry_after_is_a_whole_number_of_seconds_from_1_to_300(stays: list[float]) -> None:
    clock = Clock()
    seats = Seats(4, clock)
    for stay in stays:
        with seats.seat():
            clock.now += stay
        assert type(seats.retry_after_seconds()) is int
        assert 1 <= seats.retry_after_seconds() <= 300


def test_retry_after_follows_how_long_requests_stay() -> None:
    clock = Clock()
    seats = Seats(4, clock)
    for _ in range(300):
        with seats.seat():
            clock.now += 20
    assert seats.retry_after_seconds() == 10


def test_too_late_says_whose_patience_ended() -> None:
    own = too_late(Deadline(at=0, by_caller=True), "memory", 3)
    assert (own.code, own.kind) == ("deadline-passed", Kind.DEADLINE)
    ours = too_late(Deadline(at=0), "memory", 3)
    assert isinstance(ours, RetryLaterError)
    assert ours.retry_after_seconds == 3
    assert "memory" in ours.message


def test_what_could_never_be_admitted_is_refused_at_once() -> None:
    check_fits(10, 10, "this")
    with pytest.raises(HaversackError) as caught:
        check_fits(11, 10, "this")
    assert caught.value.code == "body-too-large"
    assert "--decode-limit" in caught.value.hint
