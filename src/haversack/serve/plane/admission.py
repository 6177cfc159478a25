"""Work is admitted before it is begun: the seat it needs, and what is said where it is not.

Everything here belongs to one event loop.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from haversack.errors import HaversackError, Kind, RetryLaterError
from haversack.serve.models.gate import Deadline
from haversack.units import format_bytes

_LONGEST_RETRY_SECONDS = 300


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


def too_late(deadline: Deadline, waited_for: str, retry_after_seconds: int) -> HaversackError:
    """What to say when a deadline passed: 504 for the caller's own, else 429."""
    if deadline.by_caller:
        return HaversackError(
            "deadline-passed",
            f"the request's own deadline passed while it waited for {waited_for}",
            hint="Give it more time, or send fewer at once.",
            kind=Kind.DEADLINE,
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
            kind=Kind.TOO_LARGE,
        )
