"""From a job's thread into the data plane's event loop, for as long as the job is wanted."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as LaterError
from typing import Any, TypeVar

from haversack.errors import HaversackError, Kind, RetryLaterError

T = TypeVar("T")
_LOOK_UP_SECONDS = 0.1
_BUSY_SECONDS = 0.5


def until_free(
    loop: asyncio.AbstractEventLoop,
    unwanted: threading.Event,
    work: Callable[[], Coroutine[Any, Any, T]],
) -> T:
    """What `work` gives, begun again while the server is busy: that is no fault of the job.

    Raises:
        HaversackError: `job-broken-off` where nobody wants it any more; what `work` raises.
    """
    while True:
        try:
            return wanted(loop, [unwanted], work())
        except RetryLaterError:
            if unwanted.wait(_BUSY_SECONDS):
                raise


def wanted(
    loop: asyncio.AbstractEventLoop,
    unwanted: Sequence[threading.Event],
    work: Coroutine[Any, Any, T],
) -> T:
    """What `work` gives, on the loop, until every one of `unwanted` is set.

    Raises:
        HaversackError: `job-broken-off`; what `work` raises.
    """
    future = asyncio.run_coroutine_threadsafe(work, loop)
    while True:
        try:
            return future.result(_LOOK_UP_SECONDS)
        except LaterError:
            if future.done():
                raise
            if all(event.is_set() for event in unwanted):
                future.cancel()
        except CancelledError as fault:
            raise HaversackError(
                "job-broken-off",
                "the job was broken off",
                hint="It was cancelled, or its worker ended.",
                kind=Kind.UNAVAILABLE,
            ) from fault
