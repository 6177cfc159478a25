"""The header of each picture that came: read once, and by a worker where the picture is large."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from haversack.engine.image import ImageHeader
from haversack.errors import ImageError
from haversack.serve.pictures import Picture, header_if_free, header_of
from haversack.serve.stay import Stay

HERE_BYTES = 64 << 10
"""Of a body: what is larger is nothing for the event loop. 64 KiB are walked in 5 ms at worst."""

Reserve = Callable[[int], AbstractAsyncContextManager[Any]]
"""So many bytes of memory for the length of a block."""


class Headers:
    """Reads headers for one event loop; `workers` walk what would block it."""

    def __init__(self, workers: Executor) -> None:
        self._workers = workers

    async def read(self, picture: Picture, stay: Stay, reserve: Reserve) -> ImageHeader:
        """What the picture's first bytes say.

        Where that takes memory, it is given back before any is reserved for decoding, so nobody
        waits for memory while holding some.

        Raises:
            ImageError: it cannot be read. Whatever `reserve` raises.
        """
        stay.reads(picture)
        look = partial(header_if_free, picture)
        is_small = picture.size_bytes <= HERE_BYTES
        told = look() if is_small else await stay.run(self._workers, look)
        if isinstance(told, ImageHeader):
            return told
        async with reserve(told):
            return await stay.run(self._workers, partial(header_of, picture))

    async def read_all(
        self, pictures: Sequence[Picture], stay: Stay, reserve: Reserve
    ) -> list[ImageHeader | ImageError]:
        """For each picture its header, or why it has none."""
        reading = [self.read(picture, stay, reserve) for picture in pictures]
        # All have ended when this goes on, so that none holds memory any more.
        found: list[ImageHeader | ImageError] = []
        for header in await asyncio.gather(*reading, return_exceptions=True):
            if not isinstance(header, ImageHeader | ImageError):
                raise header
            found.append(header)
        return found
