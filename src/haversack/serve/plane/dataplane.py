"""Requests in no protocol's words: a photo or tensors in, results or tensors out.

Source of the shape: MLServer's `DataPlane`, one protocol-free core behind every transport.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from haversack.serve.models.catalogue import Catalogue
from haversack.serve.options import ServeOptions
from haversack.serve.plane.parsing import JsonReader
from haversack.serve.plane.photos import PhotoPlane
from haversack.serve.plane.tensors import TensorPlane
from haversack.serve.plane.visits import Target, Visits, Workers


class DataPlane:
    """Takes every request through the server: memory, decoding, turn, model.

    Promises: a request holds the model it began with until it is answered, whatever is loaded or
    unloaded meanwhile. A caller who is cancelled is so at once; turn, memory and model are held
    until no thread works for him any more (see `RequestLifetime`). What a caller sent wrongly is
    raised as HaversackError of the kind that says so: INVALID, TOO_LARGE, UNSUPPORTED. Belongs to
    one event loop; `workers` do what would block it.

    Attributes:
        photos: for what is in photos.
        tensors: for what a model makes of tensors.
        parsing: for JSON that either came in.
        catalogue, options, seats, memory, json, workspace, devices: see `Visits`.
        lifetime: of a request that begins now; one that asks several things has one for all of
            them.
        present: see `Visits.present`.
    """

    def __init__(self, catalogue: Catalogue, workers: Workers, options: ServeOptions) -> None:
        visits = self._visits = Visits(catalogue, workers, options)
        self.catalogue, self.options = catalogue, options
        self.seats, self.memory = visits.seats, visits.memory
        self.json, self.workspace, self.devices = visits.json, visits.workspace, visits.devices
        self.lifetime, self.present = visits.lifetime, visits.present
        self.photos = PhotoPlane(visits)
        self.tensors = TensorPlane(visits)
        self.parsing = JsonReader(visits)

    @property
    def visits(self) -> int:
        """So far, of requests, jobs and tiles of surveys."""
        return self._visits.count

    @property
    def activity(self) -> object:
        """Something that changes while requests are answered, or somebody's thread still works."""
        return self.visits, self.seats.taken, object() if self.workspace.used else None

    async def bring(self, target: Target) -> None:
        """Have a pack in memory that is on offer; errors as `present`."""
        async with self.present(target, self.lifetime()):
            pass

    @asynccontextmanager
    async def reserved(self, need_bytes: int) -> AsyncIterator[None]:
        """Memory for the length of a block, for work of other rooms, as far as there is so much.

        Raises:
            RetryLaterError: none was free in time.
        """
        need = min(need_bytes, self.memory.limit)
        async with self._visits.held(self.memory, need, self.lifetime(), "memory"):
            yield
