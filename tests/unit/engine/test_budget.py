"""What is taken never exceeds the whole, whoever takes it."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from haversack.engine.budget import MemoryBudget


def test_what_is_not_there_is_not_given() -> None:
    budget = MemoryBudget(10)
    assert budget.take(6)
    assert not budget.take(5)
    assert budget.take(4)
    assert budget.taken_bytes == 10
    budget.give(10)
    assert (budget.taken_bytes, budget.most_bytes) == (0, 10)


def test_a_listener_can_take_what_it_is_told_of() -> None:
    budget, got = MemoryBudget(10), []
    assert budget.take(10)
    budget.when_given(lambda: got.append(budget.take(7)))
    budget.give(7)
    budget.resize(20)
    assert got == [True, True]


def test_a_whole_made_smaller_waits_for_what_is_out() -> None:
    budget = MemoryBudget(10)
    assert budget.take(8)
    assert not budget.resize(5)
    assert not budget.take(1)
    later = threading.Timer(0.01, budget.give, [4])
    later.start()
    assert budget.resize(5, timeout_seconds=20)
    later.join()
    assert budget.take(1)


@given(st.lists(st.integers(1, 9), max_size=40), st.integers(1, 20))
def test_threads_together_never_hold_more_than_the_whole(counts: list[int], whole: int) -> None:
    budget, held, most, lock = MemoryBudget(whole), [0], [0], threading.Lock()

    def hold(count: int) -> None:
        if not budget.take(count):
            return
        with lock:
            held[0] += count
            most[0] = max(most[0], held[0])
        with lock:
            held[0] -= count
        budget.give(count)

    threads = [threading.Thread(target=hold, args=[count]) for count in counts[:8]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] <= whole
    assert budget.taken_bytes == 0
