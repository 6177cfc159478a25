"""A queue before a budget: of bytes of memory, or of turns at a model.

Everything here belongs to one event loop. Who waits is served in order, and not beyond a deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import deque
from dataclasses import dataclass

from haversack.engine.budget import MemoryBudget


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """When a request is to be given up.

    Attributes:
        at: on the loop's clock, in seconds.
        by_caller: whether the caller named it, or the server's own patience did.
    """

    at: float
    by_caller: bool = False


class Held:
    """What a gate gave one request of its budget. It belongs to the work that is done under it.

    Attributes:
        amount: still held.
    """

    def __init__(self, budget: MemoryBudget, amount: int) -> None:
        self._budget = budget
        self.amount = amount

    def shrink(self, amount: int) -> None:
        """Keep `amount` of it, or what there is where that is less; give back the rest."""
        if amount < self.amount:
            spare, self.amount = self.amount - amount, amount
            self._budget.give(spare)


class Gate:
    """A budget with a queue before it: of bytes of memory, or of calls of a model.

    The budget counts and threads may take from it too; who waits on the event loop is in the queue.
    """

    def __init__(self, limit: int | MemoryBudget) -> None:
        self.budget = MemoryBudget(limit) if isinstance(limit, int) else limit
        self._line: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = 0
        self.budget.when_given(self._told)

    @property
    def limit(self) -> int:
        """The most that is let in."""
        return self.budget.whole_bytes

    @property
    def used(self) -> int:
        """Of it, now."""
        return self.budget.taken_bytes

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._line)

    async def enter(self, amount: int, deadline: Deadline) -> Held:
        """`amount`, when it is free; whoever gets it gives it back by `Held.shrink(0)`.

        Nothing is free at once, whoever waits for more.

        Raises:
            TimeoutError: it was not free before the deadline.
        """
        if amount and (self._line or not self._take(amount)):
            await self._wait(amount, deadline)
        return Held(self.budget, amount)

    async def _wait(self, amount: int, deadline: Deadline) -> None:
        turn = asyncio.get_running_loop().create_future()
        entry = (amount, turn)
        self._loop, self._thread = asyncio.get_running_loop(), threading.get_ident()
        self._line.append(entry)
        # Another thread may have given back since this one was refused.
        self._let_in()
        try:
            async with asyncio.timeout_at(deadline.at):
                await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                # Let in and called off in the same moment.
                self._give(amount)
            else:
                if entry in self._line:
                    self._line.remove(entry)
                self._let_in()
            raise

    def _take(self, amount: int) -> bool:
        return self.budget.take(amount, or_alone=True)

    def _give(self, amount: int) -> None:
        self.budget.give(amount)

    def _told(self) -> None:
        """There may be room, says whoever gave back, on whatever thread."""
        if not self._line or self._loop is None:
            return
        if threading.get_ident() == self._thread:
            self._let_in()
        else:
            with contextlib.suppress(RuntimeError):  # the loop has ended, and so has the line
                self._loop.call_soon_threadsafe(self._let_in)

    def _let_in(self) -> None:
        """Everyone at the front of the line for whom there is room."""
        while self._line:
            amount, turn = self._line[0]
            if turn.cancelled():
                # Called off, and has not run since: it must neither be let in nor hold up others.
                self._line.popleft()
            elif self._take(amount):
                self._line.popleft()
                turn.set_result(None)
            else:
                return
