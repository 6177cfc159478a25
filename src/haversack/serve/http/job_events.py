"""A job's changes as server-sent events: only a view of its row, so a reader may come again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import msgspec
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from haversack.errors import HaversackError, RetryLaterError
from haversack.jobs.describe import describe
from haversack.jobs.job import Job
from haversack.jobs.services import JobServices

_MOST_STREAMS = 256
_CHECK_SECONDS = 0.25
_SIGN_OF_LIFE_SECONDS = 15.0
_COME_AGAIN_SECONDS = 5
_encoder = msgspec.json.Encoder()


class EventStreams:
    """All of a server's streams, so that they have a limit. Belongs to one event loop.

    A stream is counted from before its first byte until the caller is gone or it has ended.

    The id of an event is the row's revision: who comes again with Last-Event-ID misses nothing
    that still holds, and sees nothing twice.
    """

    def __init__(self, is_ending: Callable[[], bool]) -> None:
        self._is_ending = is_ending
        self._open = 0

    def of(self, services: JobServices, job_id: str, last: int) -> Response:
        """Changes after revision `last`, until the job has ended or the server is to end.

        Answering with it raises RetryLaterError where there are too many streams already.
        """
        return _Counted(self._place, self._stream(services, job_id, last))

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._open >= _MOST_STREAMS:
            raise RetryLaterError(
                f"{self._open} streams of events are open; the limit is {_MOST_STREAMS}",
                retry_after_seconds=_COME_AGAIN_SECONDS,
                hint="GET the job itself now and then.",
            )
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    async def _stream(self, services: JobServices, job_id: str, last: int) -> AsyncIterator[bytes]:
        try:
            yield b"retry: 1000\n\n"
            told = time.monotonic()
            while not self._is_ending():
                job = await asyncio.to_thread(services.store.find, job_id)
                if job.revision > last:
                    last, told = job.revision, time.monotonic()
                    yield await asyncio.to_thread(_event, services, job)
                if job.state.is_terminal:
                    return
                if time.monotonic() - told > _SIGN_OF_LIFE_SECONDS:
                    told = time.monotonic()
                    yield b": waiting\n\n"
                await asyncio.sleep(_CHECK_SECONDS)
        except HaversackError:
            # The database is away: the reader comes again, and then hears of it.
            return


class _Counted(StreamingResponse):
    """Events that are sent while a place is held, whether or not any of them is ever read."""

    def __init__(
        self, place: Callable[[], AbstractContextManager[None]], events: AsyncIterator[bytes]
    ) -> None:
        headers = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
        super().__init__(events, headers=headers, media_type="text/event-stream")
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._place():
            await super().__call__(scope, receive, send)


def _event(services: JobServices, job: Job) -> bytes:
    place = None if job.state.is_terminal else services.store.queue_position(job)
    data = _encoder.encode(describe(job, services.kinds, place))
    return b"id: %d\nevent: job\ndata: %s\n\n" % (job.revision, data)
