"""From the table of kinds to the workers that do their jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haversack.app.kinds import ENTRIES, KindEntry
from haversack.jobs.services import JobServices
from haversack.jobs.worker import Worker, WorkerOptions
from haversack.serve.models.offers import Offers
from haversack.serve.plane.dataplane import DataPlane
from haversack.serve.work.lending import PackLender


@dataclass(frozen=True, kw_only=True)
class HandlerResources:
    """What a handler is made of; each takes of it what it needs.

    Attributes:
        services: where jobs are kept.
        plane: it answers.
        loop: to which the data plane belongs.
        lender: of packs and memory, to what looks at many photos.
        packs: on offer.
        folder: of this kind alone, where what a kill leaves may stay.
        work: imports the module that the table names beside the handler.
    """

    services: JobServices
    plane: DataPlane
    loop: asyncio.AbstractEventLoop
    lender: PackLender
    packs: Offers
    folder: Path
    work: Callable[[], Any]


@dataclass(frozen=True, kw_only=True)
class JobWorkers:
    """Makes workers.

    Attributes:
        services, plane: of the process.
        state: folder for what they leave.
        entries: the table.
    """

    services: JobServices
    plane: DataPlane
    state: Path
    entries: Sequence[KindEntry] = ENTRIES

    def made(self, loop: asyncio.AbstractEventLoop) -> list[Worker]:
        """One a lane, in the table's order, so that a night's survey holds up no photo."""
        lanes = dict.fromkeys(entry.kind.lane for entry in self.entries)
        workers = []
        for lane in lanes:
            handlers = [
                entry.made(self._resources(entry, loop))
                for entry in self.entries
                if entry.kind.lane == lane
            ]
            options = WorkerOptions(
                drain_seconds=lane.drain_seconds, heed_seconds=lane.heed_seconds
            )
            workers.append(Worker(self.services, handlers, options))
        return workers

    def _resources(self, entry: KindEntry, loop: asyncio.AbstractEventLoop) -> HandlerResources:
        return HandlerResources(
            services=self.services,
            plane=self.plane,
            loop=loop,
            lender=PackLender(self.plane, loop),
            packs=self.plane.catalogue.offers,
            folder=self.state / f"{entry.kind.name}s",
            work=entry.load,
        )
