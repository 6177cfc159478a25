from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haversack.errors import HaversackError
from haversack.units import format_bytes, format_seconds, parse_bytes


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("0", 0),
        ("800", 800),
        ("800B", 800),
        ("64 KiB", 65536),
        ("512M", 512 * 1024**2),
        ("512mb", 512 * 1024**2),
        ("1.5GiB", 3 * 1024**3 // 2),
        (" 2T ", 2 * 1024**4),
    ],
)
def test_sizes_are_powers_of_1024(text: str, count: int) -> None:
    assert parse_bytes(text) == count


@pytest.mark.parametrize("text", ["", "-1", "1.2.3M", "12Q", "M", "1e3", "12 MM", "nan"])
def test_what_is_no_size_is_refused_with_what_was_received(text: str) -> None:
    with pytest.raises(HaversackError) as caught:
        parse_bytes(text)
    assert caught.value.code == "size-unreadable"
    assert repr(text) in caught.value.message


@given(st.integers(min_value=0, max_value=2**50))
def test_a_printed_size_is_read_back_within_its_three_figures(count: int) -> None:
    assert parse_bytes(format_bytes(count)) == pytest.approx(count, rel=0.006, abs=0.5)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0084, "8.4 ms"),
        (1.3, "1.3 s"),
        (125, "2 min 05 s"),
        (59.999, "60 s"),
        (11400, "3 h 10 min"),
    ],
)
def test_seconds_read_as_a_person_says_them(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text
