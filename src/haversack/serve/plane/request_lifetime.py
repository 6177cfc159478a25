"""One request in the server: how long it may wait yet, and the threads that work for it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from haversack.serve.models.gate import Deadline

T = TypeVar("T")


class Retainable(Protocol):
    """What threads read, and what its owner closes when he has his answer."""

    def retain(self) -> Callable[[], None]:
        """Keep it open, also where its owner closes it, until what this returns is called."""
        ...


class RequestLifetime:
    """One request in the server, from its begin to its answer.

    Promises: all its waits together last no longer than the server's patience, and none goes on
    beyond the caller's own deadline, which counts from the begin. Where the caller is cancelled,
    work that no thread has begun is dropped; a thread cannot be stopped, so what is given back by
    `afterwards` stays taken, and what is told to `reads` stays open, until the last thread that
    works for this request has ended. Nobody waits for that. Belongs to one event loop.

    Args:
        patience_seconds: that it may wait, all waits together.
    """

    __slots__ = (
        "_after",
        "_began",
        "_left",
        "_loop",
        "_own",
        "_patience",
        "_read",
        "_waits",
        "_waits_since",
    )

    def __init__(self, patience_seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._began = self._loop.time()
        self._patience = patience_seconds
        self._waits = 0
        self._waits_since = 0.0
        self._own: float | None = None
        self._left = 0
        self._after: list[Callable[[], None]] = []
        self._read: list[Retainable] = []

    def limit(self, seconds: float) -> None:
        """The caller gives it up so many seconds after its begin."""
        self._own = self._began + seconds

    @contextmanager
    def waiting(self) -> Iterator[Deadline]:
        """A wait for the length of a block, and when it must end; several at once count as one."""
        if not self._waits:
            self._waits_since = self._loop.time()
        self._waits += 1
        own, patience_ends = self._own, self._waits_since + self._patience
        try:
            if own is not None and own < patience_ends:
                yield Deadline(at=own, by_caller=True)
            else:
                yield Deadline(at=patience_ends)
        finally:
            self._waits -= 1
            if not self._waits:
                self._patience -= self._loop.time() - self._waits_since

    def reads(self, thing: Retainable) -> None:
        """Threads of this request read `thing`."""
        self._read.append(thing)

    async def run(self, executor: Executor, work: Callable[[], T]) -> T:
        """Run `work` on a thread; see the promises for one that nobody waits for any more."""
        thread_work = _ThreadWork(work)
        thread = executor.submit(thread_work)
        try:
            return await asyncio.wrap_future(thread)
        except BaseException:
            if thread.cancel():
                thread_work.drop()
            elif not thread.done():
                self._leave_behind(thread)
            raise

    def afterwards(self, give_back: Callable[[], None]) -> None:
        """Call `give_back` when no thread works for this request: now, as a rule."""
        if self._left:
            self._after.append(give_back)
        else:
            give_back()

    def _leave_behind(self, thread: Future[T]) -> None:
        self._left += 1
        self._after += [thing.retain() for thing in self._read]
        self._read.clear()
        thread.add_done_callback(self._tell_ended)

    def _tell_ended(self, thread: Future[T]) -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and everything with it
            self._loop.call_soon_threadsafe(self._ended)

    def _ended(self) -> None:
        self._left -= 1
        if not self._left:
            after, self._after = self._after, []
            for give_back in after:
                give_back()


class _ThreadWork(Generic[T]):
    """Work for a thread. Once dropped it holds nothing, though it stands in a pool's line yet."""

    __slots__ = ("_work",)

    def __init__(self, work: Callable[[], T]) -> None:
        self._work: Callable[[], T] | None = work

    def __call__(self) -> T:
        assert self._work is not None
        return self._work()

    def drop(self) -> None:
        self._work = None
