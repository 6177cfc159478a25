"""A server's life: what goes on beside its requests, how it comes up, and how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

from starlette.applications import Starlette

from haversack.app.standing import going_on, watched_threads
from haversack.app.wiring import ServerParts, job_workers, sharing
from haversack.asgi.preload import preload
from haversack.engine.allocator import trim
from haversack.errors import HaversackError, Kind
from haversack.jobs.worker import Worker
from haversack.log import first_line
from haversack.serve.http.job_context import Phase
from haversack.serve.models.catalogue import Catalogue
from haversack.serve.models.model import ServedModel
from haversack.serve.models.start import check_loaded

_log = logging.getLogger("haversack.app")
_TRIM_SECONDS = 1.0
_SHARE_SECONDS = 2.0
_THREADS = ("job-worker", "job-keeper", "job-tidier", "webhooks")
OnReady = Callable[[Sequence[ServedModel]], None]
"""Called once, with what is loaded, when the first request can be answered."""


class Lifecycle:
    """Tasks and threads of one server, from its begin to its end.

    Attributes:
        fault: that ends it, or ended it; None for none.
        on_fault: called when there is one, on whatever thread.
    """

    def __init__(self, parts: ServerParts, on_ready: OnReady) -> None:
        self._wired = parts
        self._context = parts.context
        self._on_ready = on_ready
        self.fault: Exception | None = None
        self.on_fault: Callable[[], object] = lambda: None

    @contextlib.asynccontextmanager
    async def life(self, app: Starlette | None = None) -> AsyncIterator[None]:
        """The server lives for the length of a block. Its port is open while packs load, so that
        probes are answered.
        """
        parts, services = self._wired, self._wired.jobs
        workers = job_workers(parts, asyncio.get_running_loop())
        works = [self._load(workers), going_on("giving memory back", self._keep_trim)]
        update = sharing(parts)
        if update is not None:
            works.append(going_on("sharing packs", partial(self._share, update)))
        tasks = [asyncio.create_task(one) for one in works]
        if parts.notifier is not None:
            parts.notifier.start()
        try:
            with watched_threads(_THREADS, self._thread_died):
                yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(asyncio.to_thread(worker.stop) for worker in workers))
            if parts.notifier is not None:
                await asyncio.to_thread(parts.notifier.stop)
            services.store.close()
            if self._context.sign_in is not None:
                self._context.sign_in.close()
            for pool in parts.pools:
                pool.shutdown(wait=True)

    async def _load(self, workers: Sequence[Worker]) -> None:
        """Whatever goes wrong ends the server: it would be "loading" for ever."""
        try:
            await self._bring_up(workers)
        except Exception as fault:
            self._end(fault)

    def _thread_died(self, name: str) -> None:
        """Jobs would wait for ever: who started the server starts it again."""
        self._end(
            HaversackError(
                "server-fault",
                f"the thread {name} died, so the server ended",
                hint="The log says of what. Start it again: jobs go on where they were.",
                kind=Kind.INTERNAL,
            )
        )

    def _end(self, fault: Exception) -> None:
        """End the server; the first fault is the one that is told."""
        self.fault = self.fault or fault
        self.on_fault()

    async def _bring_up(self, workers: Sequence[Worker]) -> None:
        catalogue = self._context.plane.catalogue
        await asyncio.to_thread(self._load_named, catalogue)
        for path in self._wired.options.wished:
            try:
                await asyncio.to_thread(catalogue.offer, path)
            except (HaversackError, OSError) as error:
                _log.warning("%s is not served: %s", path, first_line(error))
        if self._wired.has_door:
            await asyncio.to_thread(_preload)
        if self._context.phase is Phase.LOADING:
            self._context.phase = Phase.READY
            for worker in workers:
                worker.start()
            self._on_ready(catalogue.models())

    def _load_named(self, catalogue: Catalogue) -> None:
        """Packs that stay in memory; errors as `Catalogue.add` and `check_loaded`."""
        start = self._wired.start
        for path in self._wired.options.packs:
            catalogue.add(start.opened.get(path, path), keep_others=True, pin=True)
        check_loaded(start, catalogue)

    async def _share(self, update: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(_SHARE_SECONDS)
            if self._context.phase is Phase.READY:
                try:
                    await asyncio.to_thread(update)
                except HaversackError as error:
                    _log.debug("packs are not shared now: %s", error.message)

    async def _keep_trim(self) -> None:
        """Give freed memory back to the system while there is work, and once after it."""
        visits = 0
        while True:
            await asyncio.sleep(_TRIM_SECONDS)
            plane = self._context.plane
            if plane.visits != visits or plane.seats.taken or plane.memory.used:
                visits = plane.visits
                await asyncio.to_thread(trim)


def _preload() -> None:
    """As `preload`; a system whose table of media types cannot be read is served all the same."""
    try:
        preload()
    except Exception:
        _log.exception("what answers load at their first use could not be loaded beforehand")
