"""How quickly bodies come, and how many slow ones a caller may have on their way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from starlette.types import Scope

from haversack.asgi.identity import caller_of
from haversack.errors import HaversackError, RetryLaterError
from haversack.units import format_bytes

_LEAST_WAIT_SECONDS = 0.01


@dataclass(frozen=True, kw_only=True)
class BodyRateLimits:
    """How slowly bodies may come. Only time in which the server waits for the sender counts.

    Attributes:
        patience_seconds: the longest that nothing may come.
        least_bytes_per_second: after that time, on average.
        window_seconds: a body is slow while in the last so many seconds ...
        slow_bytes_per_second: ... less came than this.
        slow_each: slow bodies of one caller at once: docs/explanation/decisions/0019.
        slow_at_once: slow bodies of all callers together.
        at_once: bodies on their way that are not slow, of all callers together.
        retry_seconds: when who has too many may come again.
    """

    patience_seconds: float = 30.0
    least_bytes_per_second: int = 1024
    window_seconds: float = 5.0
    slow_bytes_per_second: int = 4096
    slow_each: int = 8
    slow_at_once: int = 1024
    at_once: int = 1024
    retry_seconds: int = 10


class Incoming:
    """The bodies on their way. Used from the event loop only."""

    def __init__(self, limits: BodyRateLimits | None = None, *, trust_proxy: bool = False) -> None:
        self.limits = limits or BodyRateLimits()
        self._trust_proxy = trust_proxy
        self._quick = 0
        self._slow = Counter[str]()

    def begin(self, scope: Scope) -> BodyRate:
        """One more, of a request; whoever gets it ends it. Raises RetryLaterError `too-busy`."""
        if self._quick >= self.limits.at_once:
            raise RetryLaterError(
                f"{self._quick:,} bodies are on their way already; the limit is "
                f"{self.limits.at_once:,}",
                retry_after_seconds=self.limits.retry_seconds,
                hint="Send fewer at once, or start the server with a larger --queue.",
            )
        self._quick += 1
        return BodyRate(self, partial(caller_of, scope, trust_proxy=self._trust_proxy))

    def slow_down(self, caller: str) -> None:
        """One of the quick is slow now. Raises RetryLaterError `bodies-too-slow`."""
        limits = self.limits
        if self._slow[caller] >= limits.slow_each:
            raise _too_many_slow(self._slow[caller], "the same caller", limits)
        if self._slow.total() >= limits.slow_at_once:
            raise _too_many_slow(self._slow.total(), "all callers together", limits)
        self._slow[caller] += 1
        self._quick -= 1

    def speed_up(self, caller: str) -> None:
        """One of the slow is quick now."""
        self._slow[caller] -= 1
        if not self._slow[caller]:
            del self._slow[caller]
        self._quick += 1

    def end(self) -> None:
        """One of the quick is whole, or given up."""
        self._quick -= 1


class BodyRate:
    """How quickly one body comes."""

    def __init__(self, incoming: Incoming, caller: Callable[[], str]) -> None:
        self._incoming = incoming
        self._limits = incoming.limits
        self._caller = caller
        self._slow_caller: str | None = None
        self._waited = self._idle = self._in_window = 0.0
        self._received = self._received_in_window = 0

    def wait_seconds(self) -> float:
        """How long to wait for more before telling that nothing came."""
        limits = self._limits
        left = min(limits.window_seconds - self._in_window, limits.patience_seconds - self._idle)
        return max(left, _LEAST_WAIT_SECONDS)

    def tell(self, waited_seconds: float, size_bytes: int) -> None:
        """So much came of an unfinished body after so long a wait; maybe nothing.

        Raises:
            HaversackError: `body-too-slow`, `bodies-too-slow`.
        """
        limits = self._limits
        self._waited += waited_seconds
        self._received += size_bytes
        self._idle = 0.0 if size_bytes else self._idle + waited_seconds
        if self._idle >= limits.patience_seconds:
            raise _too_slow(
                f"nothing more of the body came for {limits.patience_seconds:g} seconds"
            )
        least = self._waited * limits.least_bytes_per_second
        if self._waited > limits.patience_seconds and self._received < least:
            raise _too_slow(
                f"{self._received:,} bytes of the body came in {self._waited:.0f} seconds"
            )
        self._in_window += waited_seconds
        self._received_in_window += size_bytes
        if self._in_window >= limits.window_seconds:
            self._judge(self._received_in_window < self._in_window * limits.slow_bytes_per_second)
            self._in_window, self._received_in_window = 0.0, 0

    def end(self) -> None:
        """The body is whole, or given up."""
        self._judge(False)
        self._incoming.end()

    def _judge(self, is_slow: bool) -> None:
        if is_slow and self._slow_caller is None:
            caller = self._caller()
            self._incoming.slow_down(caller)
            self._slow_caller = caller
        elif not is_slow and self._slow_caller is not None:
            self._incoming.speed_up(self._slow_caller)
            self._slow_caller = None


def _too_many_slow(count: int, whose: str, limits: BodyRateLimits) -> RetryLaterError:
    return RetryLaterError(
        f"{count:,} bodies of {whose} are on their way already at less than "
        f"{format_bytes(limits.slow_bytes_per_second)} a second each, and no more may be",
        retry_after_seconds=limits.retry_seconds,
        hint="Send fewer at once, or over a quicker connection.",
        code="bodies-too-slow",
    )


def _too_slow(sentence: str) -> HaversackError:
    return HaversackError(
        "body-too-slow", sentence, hint="Send it again, over a quicker connection."
    )
