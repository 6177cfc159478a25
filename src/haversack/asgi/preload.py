"""What an answer would load at its first use, loaded before anybody asks."""

from __future__ import annotations

import mimetypes

import anyio
import anyio.to_thread


def preload() -> None:
    """Load what Starlette streams and sends files by: anyio's back end, the table of media types.

    Run it on a thread: the first answer of that kind would read a dozen modules from the disk on
    the event loop, 92 ms of its CPU (2 vCPU, 2026-11-27).
    """
    mimetypes.init()
    anyio.run(_use)


async def _use() -> None:
    await anyio.to_thread.run_sync(int)
    async with await anyio.open_file(__file__, "rb"), anyio.create_task_group():
        pass
