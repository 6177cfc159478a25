"""Work is admitted before it is begun: a seat, bytes of memory, a turn at a model.

Everything here belongs to one event loop. Who waits is served in order, and not beyond a deadline.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from haversack.asgi.errors import RetryLaterError
from haversack.engine.budget import MemoryBudget
from haversack.errors import HaversackError, Kind
from haversack.units import format_bytes

_LONGEST_RETRY_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """When a request is to be given up.

    Attributes:
        at: on the loop's clock, in seconds.
        by_caller: whether the caller named it, or the server's own patience did.
    """

    at: float
    by_caller: bool = False


class Seats:
    """One seat for each request in the server, up to a limit: each caller who waits has one.

    A caller who is cancelled waits no longer and keeps no seat. What a thread still uses for him is
    counted where it is limited: as turns and memory.

    Attributes:
        taken: now.
        served: requests that had one and left.
        refused: those that found none free.
        seconds_each: a running mean of how long one stayed.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = time.perf_counter) -> None:
        self._limit = limit
        self._clock = clock
        self.taken = self.served = self.refused = 0
        self.seconds_each = 0.05

    def check_free(self) -> None:
        """Raises RetryLaterError where no seat is free."""
        if self.taken >= self._limit:
            self.refused += 1
            raise RetryLaterError(
                f"{self.taken} requests are being answered already; the limit is {self._limit}",
                retry_after_seconds=self.retry_after_seconds(),
                hint="Send fewer at once, or start the server with a larger --queue.",
            )

    @contextmanager
    def seat(self) -> Iterator[None]:
        """A seat for the length of a block. Raises RetryLaterError where none is free."""
        self.check_free()
        self.taken += 1
        began = self._clock()
        try:
            yield
        finally:
            self.taken -= 1
            self.served += 1
            self.seconds_each += 0.05 * (self._clock() - began - self.seconds_each)

    def retry_after_seconds(self) -> int:
        """When about half of those inside will have left: each stays about as long as one did."""
        return max(1, min(math.ceil(self.seconds_each / 2), _LONGEST_RETRY_SECONDS))


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


def too_late(deadline: Deadline, waited_for: str, retry_after_seconds: int) -> HaversackError:
    """What to say when a deadline passed: 504 for the caller's own, else 429."""
    if deadline.by_caller:
        return HaversackError(
            "deadline-passed",
            f"the request's own deadline passed while it waited for {waited_for}",
            hint="Give it more time, or send fewer at once.",
            kind=Kind.UNAVAILABLE,
        )
    return RetryLaterError(
        f"the request waited too long for {waited_for}",
        retry_after_seconds=retry_after_seconds,
        hint="Send fewer at once, or start the server with a longer --wait.",
    )


def check_fits(need_bytes: int, limit_bytes: int, what: str) -> None:
    """Refuse what could never be admitted. Raises HaversackError `body-too-large`."""
    if need_bytes > limit_bytes:
        raise HaversackError(
            "body-too-large",
            f"{what} would take about {format_bytes(need_bytes)} of memory; the limit is "
            f"{format_bytes(limit_bytes)}",
            hint="Send less at once, send tensors in binary form, or start the server with a "
            "larger --decode-limit.",
        )
