"""A worker's thread waits for the event loop, and lets go when nobody wants the job any more."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as LaterError
from typing import Any, TypeVar

from haversack.asgi.errors import RetryLaterError
from haversack.errors import HaversackError, Kind

T = TypeVar("T")
_LOOK_UP_SECONDS = 0.1
_BUSY_SECONDS = 0.5


def until_done(
    loop: asyncio.AbstractEventLoop,
    begin: Callable[[], Coroutine[Any, Any, T]],
    unwanted: threading.Event,
) -> T:
    """What `begin` gives on the loop. Begun again while the house is busy, as a patient caller
    would.

    Raises:
        HaversackError: `job-broken-off` once `unwanted` is set; what the coroutine raises.
    """
    while True:
        try:
            return _wait(asyncio.run_coroutine_threadsafe(begin(), loop), unwanted)
        except RetryLaterError:
            if unwanted.wait(_BUSY_SECONDS):
                raise


def _wait(future: Future[T], unwanted: threading.Event) -> T:
    """Until it is done, or nobody wants it any more."""
    while True:
        try:
            return future.result(_LOOK_UP_SECONDS)
        except LaterError:
            if future.done():
                raise
            if unwanted.is_set():
                future.cancel()
        except CancelledError as fault:
            raise HaversackError(
                "job-broken-off",
                "the job was broken off",
                hint="It was cancelled, or its worker ended.",
                kind=Kind.UNAVAILABLE,
            ) from fault
