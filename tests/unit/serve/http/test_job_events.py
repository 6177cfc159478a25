"""No more streams of events are open than the limit says, however they come and go."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from haversack.errors import RetryLaterError
from haversack.jobs.services import JobServices
from haversack.serve.http.job_events import EventStreams

SCOPE = {"type": "http", "asgi": {"spec_version": "2.4"}}
NO_SERVICES = cast("JobServices", None)


async def never() -> Any:
    """A caller who says nothing more."""
    await asyncio.Event().wait()


def test_streams_that_are_asked_for_at_once_stay_within_the_limit() -> None:
    async def work() -> None:
        sending = asyncio.Event()

        async def slow(message: Any) -> None:
            await sending.wait()

        streams = EventStreams(lambda: True)
        answers = [streams.of(NO_SERVICES, "a", 0) for _ in range(556)]
        tasks = [asyncio.ensure_future(one(SCOPE, never, slow)) for one in answers]
        await asyncio.sleep(0)
        refused = [task for task in tasks if task.done()]
        assert len(refused) == 300
        assert all(isinstance(task.exception(), RetryLaterError) for task in refused)
        for task in tasks[:10]:
            task.cancel()
        await asyncio.gather(*tasks[:10], return_exceptions=True)
        more = [
            asyncio.ensure_future(streams.of(NO_SERVICES, "a", 0)(SCOPE, never, slow)) for _ in "ab"
        ]
        await asyncio.sleep(0)
        assert not any(task.done() for task in more)
        sending.set()
        await asyncio.gather(*tasks, *more, return_exceptions=True)
        assert [task.exception() for task in more] == [None, None]

    asyncio.run(work())


def test_a_stream_whose_caller_left_before_its_first_byte_is_counted_no_more() -> None:
    async def work() -> None:
        async def gone(message: Any) -> None:
            raise OSError("the caller hung up")

        streams = EventStreams(lambda: True)
        for _ in range(600):
            told = await asyncio.gather(
                streams.of(NO_SERVICES, "a", 0)(SCOPE, never, gone), return_exceptions=True
            )
            assert not isinstance(told[0], RetryLaterError)

    asyncio.run(work())
