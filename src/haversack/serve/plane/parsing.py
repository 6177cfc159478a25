"""JSON of requests, parsed inside the memory there is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from haversack.serve.plane.admission import check_fits
from haversack.serve.plane.headers import HERE_BYTES
from haversack.serve.plane.request_lifetime import RequestLifetime
from haversack.serve.plane.visits import Visits

T = TypeVar("T")

# A list of small numbers takes a reference of 8 bytes for each, and most an object of 24 too.
_BYTES_PER_JSON_BYTE = 16


class JsonReader:
    """Parses for one event loop: large JSON by a worker, with memory reserved."""

    def __init__(self, visits: Visits) -> None:
        self._visits = visits

    @asynccontextmanager
    async def parsed(
        self,
        work: Callable[[], T],
        json_bytes: int,
        lifetime: RequestLifetime,
        *,
        is_light: bool = True,
    ) -> AsyncIterator[T]:
        """What that much JSON says, for the length of a block; a body may hold more behind it.

        Large JSON is parsed by a worker, and memory is reserved: as long as it is parsed for what
        that takes, and in the block for what is left. The latter is a budget of its own, so who
        holds it may wait for the other.

        Args:
            is_light: whether what is behind small JSON is so little, or looked at so quickly, that
                no worker is needed.
        """
        worker = self._visits.workers.inferring
        if json_bytes <= HERE_BYTES:
            yield work() if is_light else await lifetime.run(worker, work)
            return
        memory, json, held = self._visits.memory, self._visits.json, self._visits.held
        need = json_bytes * _BYTES_PER_JSON_BYTE
        check_fits(need, memory.limit, f"{json_bytes:,} bytes of JSON")
        async with held(json, min(json_bytes, json.limit), lifetime, "memory"):
            async with held(memory, need, lifetime, "memory"):
                found = await lifetime.run(worker, work)
            yield found
