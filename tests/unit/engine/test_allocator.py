from __future__ import annotations

import sys

import pytest

from haversack.engine.allocator import Trimmer, settle, trim


def test_the_heap_is_given_back_once_a_second_and_not_oftener() -> None:
    now = [10.0]
    trimmer = Trimmer(clock=lambda: now[0], every_seconds=1.0)
    ticks = []
    for now[0] in (10.0, 10.9, 11.0, 11.5, 12.1):
        ticks.append(trimmer.tick())
    assert ticks == [False, False, True, False, True]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have another libc")
def test_glibc_can_be_told() -> None:
    assert settle()
    assert isinstance(trim(), bool)
