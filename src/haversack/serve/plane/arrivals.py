"""Packs that are asked for and not in memory: loaded once, for everyone who waits."""

from __future__ import annotations

import asyncio
from typing import Protocol

from haversack.serve.models.catalogue import Catalogue
from haversack.serve.models.model import ServedModel
from haversack.serve.plane.admission import Seats, too_late
from haversack.serve.plane.request_lifetime import RequestLifetime


class Wanted(Protocol):
    """The model that a request asks for, by name and version."""

    @property
    def name(self) -> str:
        """Of the model."""
        ...

    @property
    def version(self) -> str | None:
        """None for the current one."""
        ...


class Arrivals:
    """Gives requests their model, loading it where needed. Belongs to one event loop."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._one_by_one = asyncio.Lock()
        self._coming: dict[tuple[str, str | None], asyncio.Task[None]] = {}

    async def model(self, wanted: Wanted, lifetime: RequestLifetime, seats: Seats) -> ServedModel:
        """The model, to be given back to the catalogue's `release`.

        Raises:
            HaversackError: `pack-not-loaded`; what loading raises; when it waited for too
                long.
        """
        while True:
            model = self._catalogue.lease(wanted.name, wanted.version)
            if model is not None:
                return model
            with lifetime.waiting() as deadline:
                try:
                    async with asyncio.timeout_at(deadline.at):
                        await asyncio.shield(self._bring(wanted.name, wanted.version))
                except TimeoutError as late:
                    what = f"{wanted.name} to be loaded"
                    raise too_late(deadline, what, seats.retry_after_seconds()) from late

    def _bring(self, name: str, version: str | None) -> asyncio.Task[None]:
        key = (name, version)
        task = self._coming.get(key)
        if task is None:
            task = self._coming[key] = asyncio.create_task(self._load(name, version))
            task.add_done_callback(lambda done: self._came(key, done))
        return task

    def _came(self, key: tuple[str, str | None], done: asyncio.Task[None]) -> None:
        del self._coming[key]
        if not done.cancelled():
            done.exception()  # asked for, so that nobody is told of it when all have left

    async def _load(self, name: str, version: str | None) -> None:
        # One thread at most waits for a load: there are few, and others need them.
        async with self._one_by_one:
            await asyncio.to_thread(self._catalogue.bring, name, version)
