"""Nobody is let in beyond the limit, nobody overtakes, and nothing is lost when callers leave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haversack.serve.models.gate import Deadline, Gate

NEVER = Deadline(at=1e12)


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await work()

    asyncio.run(main())


@asynccontextmanager
async def hold(gate: Gate, amount: int, deadline: Deadline) -> AsyncIterator[None]:
    """`amount` for the length of a block."""
    held = await gate.enter(amount, deadline)
    try:
        yield
    finally:
        held.shrink(0)


async def ticks(count: int = 5) -> None:
    """Let every other task go on."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_who_waits_is_let_in_by_turn_also_where_a_smaller_one_would_fit() -> None:
    async def work() -> None:
        gate, order = Gate(10), []

        async def enter(name: str, amount: int) -> None:
            async with hold(gate, amount, NEVER):
                order.append(name)
                await ticks(2)

        async with hold(gate, 8, NEVER):
            tasks = [
                asyncio.create_task(enter(name, amount))
                for name, amount in (("large", 9), ("small", 1), ("tiny", 1))
            ]
            await ticks()
            assert (order, gate.waiting) == ([], 3)
        await asyncio.gather(*tasks)
        assert order == ["large", "small", "tiny"]
        assert (gate.used, gate.waiting) == (0, 0)

    run(work)


def test_who_needs_nothing_waits_for_nobody() -> None:
    async def main() -> None:
        gate = Gate(100)
        first = await gate.enter(90, NEVER)
        waiting = asyncio.create_task(gate.enter(50, NEVER))
        await asyncio.sleep(0)
        assert gate.waiting == 1
        (await asyncio.wait_for(gate.enter(0, NEVER), 1)).shrink(0)
        first.shrink(0)
        (await waiting).shrink(0)
        assert gate.used == 0

    asyncio.run(main())


def test_more_than_the_limit_is_let_in_alone() -> None:
    async def work() -> None:
        gate = Gate(10)
        async with hold(gate, 25, NEVER):
            waiting = asyncio.create_task(
                AsyncExitStack().enter_async_context(hold(gate, 1, NEVER))
            )
            await ticks()
            assert not waiting.done()
        await waiting
        assert gate.used == 1

    run(work)


def test_a_deadline_ends_the_waiting_and_makes_room_for_who_stands_behind() -> None:
    async def work() -> None:
        gate, now = Gate(10), asyncio.get_running_loop().time()
        async with hold(gate, 5, NEVER):
            with pytest.raises(TimeoutError):
                async with hold(gate, 10, Deadline(at=now - 1)):
                    raise AssertionError("it was let in")
            assert (gate.used, gate.waiting) == (5, 0)
            late = asyncio.create_task(hold_once(gate, 10, Deadline(at=now + 0.01)))
            await ticks()
            behind = asyncio.create_task(hold_once(gate, 5, NEVER))
            await ticks()
            with pytest.raises(TimeoutError):
                await late
            await behind
        assert (gate.used, gate.waiting) == (0, 0)

    run(work)


async def hold_once(gate: Gate, amount: int, deadline: Deadline) -> None:
    async with hold(gate, amount, deadline):
        await ticks(1)


def test_who_leaves_in_the_moment_of_being_let_in_keeps_nothing() -> None:
    async def work() -> None:
        gate = Gate(1)
        async with hold(gate, 1, NEVER):
            waiting = asyncio.create_task(hold_once(gate, 1, NEVER))
            behind = asyncio.create_task(hold_once(gate, 1, NEVER))
            await ticks()
        # Its turn has come, and it has not run since.
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await behind
        assert (gate.used, gate.waiting) == (0, 0)

    run(work)


CALLS = st.lists(
    st.tuples(
        st.integers(1, 12),  # amount
        st.integers(0, 4),  # ticks until it comes
        st.integers(0, 4),  # ticks that it stays
        st.one_of(st.none(), st.integers(0, 8)),  # ticks until it is called off
        st.sampled_from(["none", "passed", "near"]),  # deadline
    ),
    max_size=12,
)


@settings(max_examples=300, deadline=None)
@given(limit=st.integers(1, 10), calls=CALLS)
def test_whoever_comes_and_goes_the_limit_holds_and_nothing_leaks(
    limit: int, calls: list[tuple[int, int, int, int | None, str]]
) -> None:
    async def work() -> None:
        gate, inside = Gate(limit), []

        async def call(amount: int, before: int, stay: int, deadline: str) -> None:
            await ticks(before)
            now = asyncio.get_running_loop().time()
            at = {"none": 1e12, "passed": now - 1, "near": now + 0.0002}[deadline]
            async with hold(gate, amount, Deadline(at=at)):
                inside.append(amount)
                assert sum(inside) <= limit or len(inside) == 1
                # Who was let in and has not run since is counted too.
                assert sum(inside) <= gate.used
                try:
                    await ticks(stay)
                finally:
                    inside.remove(amount)

        async def caller(
            amount: int, before: int, stay: int, cancel: int | None, deadline: str
        ) -> None:
            task = asyncio.create_task(call(amount, before, stay, deadline))
            if cancel is not None:
                await ticks(cancel)
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if not task.cancelled() and (fault := task.exception()) is not None:
                assert isinstance(fault, TimeoutError), fault

        await asyncio.wait_for(asyncio.gather(*(caller(*one) for one in calls)), timeout=5)
        assert gate.waiting == 0
        assert gate.used == 0
        async with hold(gate, limit, NEVER):
            assert gate.used == limit

    run(work)
