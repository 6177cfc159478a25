"""Memory is the least of what the group and the machine allow, and never overdrawn."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haversack.errors import HaversackError
from haversack.survey.memory import BytePurse, available_bytes, photo_budget

MEMINFO = "MemTotal: 8000 kB\nMemAvailable:    4000 kB\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 4000 << 10),
        ({"memory.max": "max\n"}, 4000 << 10),
        ({"memory.max": "1000000\n"}, 1_000_000),
        ({"memory/memory.limit_in_bytes": "2000000\n"}, 2_000_000),
        ({"memory/memory.limit_in_bytes": "9223372036854771712\n"}, 4000 << 10),
    ],
)
def test_the_smaller_limit_counts(tmp_path: Path, files: dict[str, str], expected: int) -> None:
    meminfo = tmp_path / "meminfo"
    meminfo.write_text(MEMINFO)
    for name, text in files.items():
        (tmp_path / "cg" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "cg" / name).write_text(text)
    assert available_bytes(tmp_path / "cg", meminfo) == expected


def test_half_is_for_photos_unless_asked_otherwise() -> None:
    assert photo_budget(None, 1 << 30) == 512 << 20
    assert photo_budget(100 << 20, 1 << 30) == 100 << 20


@pytest.mark.parametrize("asked", [1 << 20, 2 << 30])
def test_a_budget_that_cannot_be_held_is_refused(asked: int) -> None:
    with pytest.raises(HaversackError) as caught:
        photo_budget(asked, 1 << 30)
    assert caught.value.code == "memory-unfit"


@given(st.lists(st.integers(0, 60), max_size=40))
def test_the_purse_never_gives_more_than_it_holds(wishes: list[int]) -> None:
    purse = BytePurse(100)
    for wish in wishes:
        before = purse.out_bytes
        assert purse.take(wish) is (before + wish <= 100)
        assert purse.out_bytes <= 100


def test_what_threads_take_and_give_back_adds_up() -> None:
    purse = BytePurse(50)

    def work() -> None:
        for _ in range(2000):
            if purse.take(7):
                purse.give(7)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert purse.out_bytes == 0
