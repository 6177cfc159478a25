"""Failed sign-ins, counted, so that passwords cannot be guessed one after another."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

from haversack.callers import network_of

_MOST_NAMES = 10_000  # remembered at once: about 2 MB


@dataclass(frozen=True, kw_only=True)
class AttemptLimits:
    """How many sign-ins may fail before the next one must wait.

    Attributes:
        per_user: of one user name within the window, from any address; unknown names count alike.
        per_address: from one address; more, because an office may share one.
        window_seconds: after which a failure is forgotten.
    """

    per_user: int = 10
    per_address: int = 30
    window_seconds: float = 900.0


class Attempts:
    """Failed sign-ins, in memory: a restart forgets them, and no guess costs a write to the disk.

    Used from one thread only.

    Args:
        clock: seconds, rising.
    """

    def __init__(self, clock: Callable[[], float], limits: AttemptLimits | None = None) -> None:
        self._clock = clock
        self._limits = limits or AttemptLimits()
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_seconds(self, user: str, address: str) -> float:
        """How long nobody may try for this user or from this address; 0.0 for not at all."""
        limits = self._limits
        by_user = self._wait(_user(user), limits.per_user)
        return max(by_user, self._wait(_place(address), limits.per_address))

    def failed(self, user: str, address: str) -> None:
        """Count one failure."""
        for name in (_user(user), _place(address)):
            self._failures.setdefault(name, deque()).append(self._clock())
            self._failures.move_to_end(name)
        while len(self._failures) > _MOST_NAMES:
            self._failures.popitem(last=False)

    def succeeded(self, user: str) -> None:
        """Forget a user's failures; those of the address stay, or one account would open it."""
        self._failures.pop(_user(user), None)

    def _wait(self, name: str, most: int) -> float:
        times = self._failures.get(name)
        if times is None:
            return 0.0
        now = self._clock()
        while times and times[0] <= now - self._limits.window_seconds:
            times.popleft()
        if not times:
            del self._failures[name]
        if len(times) < most:
            return 0.0
        # When so many are forgotten that one more may be made.
        return times[len(times) - most] + self._limits.window_seconds - now


def _user(name: str) -> str:
    return f"user {name[:100]}"


def _place(address: str) -> str:
    return f"at {network_of(address)[:100]}"
