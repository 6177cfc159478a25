"""The header of each photo that came: read once, and by a worker where the photo is large."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from haversack.engine.photo import PhotoHeader
from haversack.errors import PhotoError
from haversack.serve.plane.encoded_photo import EncodedPhoto, header_if_free, header_of
from haversack.serve.plane.request_lifetime import RequestLifetime

HERE_BYTES = 64 << 10
"""Of a body: what is larger is nothing for the event loop. 64 KiB are walked in 5 ms at worst."""

Reserve = Callable[[int], AbstractAsyncContextManager[Any]]
"""So many bytes of memory for the length of a block."""


class Headers:
    """Reads headers for one event loop; `workers` walk what would block it."""

    def __init__(self, workers: Executor) -> None:
        self._workers = workers

    async def read(
        self, photo: EncodedPhoto, lifetime: RequestLifetime, reserve: Reserve
    ) -> PhotoHeader:
        """What the photo's first bytes say.

        Where that takes memory, it is given back before any is reserved for decoding, so nobody
        waits for memory while holding some.

        Raises:
            PhotoError: it cannot be read. Whatever `reserve` raises.
        """
        lifetime.reads(photo)
        read_free = partial(header_if_free, photo)
        is_small = photo.size_bytes <= HERE_BYTES
        told = read_free() if is_small else await lifetime.run(self._workers, read_free)
        if isinstance(told, PhotoHeader):
            return told
        async with reserve(told):
            return await lifetime.run(self._workers, partial(header_of, photo))

    async def read_all(
        self, photos: Sequence[EncodedPhoto], lifetime: RequestLifetime, reserve: Reserve
    ) -> list[PhotoHeader | PhotoError]:
        """For each photo its header, or why it has none."""
        reading = [self.read(photo, lifetime, reserve) for photo in photos]
        # All have ended when this goes on, so that none holds memory any more.
        found: list[PhotoHeader | PhotoError] = []
        for header in await asyncio.gather(*reading, return_exceptions=True):
            if not isinstance(header, PhotoHeader | PhotoError):
                raise header
            found.append(header)
        return found
