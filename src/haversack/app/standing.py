"""Work that goes on as long as a server does: none of it may end unnoticed."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager

_log = logging.getLogger("haversack.serve")
PAUSE_SECONDS = 30.0
"""Between a failure and the next try: what fails each time fills no log."""


async def going_on(
    name: str, work: Callable[[], Awaitable[None]], pause_seconds: float = PAUSE_SECONDS
) -> None:
    """Do `work` until it returns; where it fails, say so with the traceback and begin it again."""
    while True:
        try:
            await work()
        except Exception:
            _log.exception("%s failed; it begins again in %g s", name, pause_seconds)
            await asyncio.sleep(pause_seconds)
        else:
            return


@contextmanager
def watched_threads(names: Collection[str], died: Callable[[str], None]) -> Iterator[None]:
    """For the length of a block: `died` is told on the spot, by the name, where one of these
    threads ends by an error. The log has the traceback. Other threads end as they did before.
    """
    before = threading.excepthook

    def hook(told: threading.ExceptHookArgs) -> None:
        name = told.thread.name if told.thread is not None else ""
        if name not in names or told.exc_value is None:
            before(told)
            return
        _log.critical("the thread %s died", name, exc_info=told.exc_value)
        died(name)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = before
