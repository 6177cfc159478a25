"""Requests inside the server: each has its model, its memory and its turn for as long as it needs.

Everything here belongs to one event loop.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from haversack.engine.devices import CPU
from haversack.errors import HaversackError, Kind
from haversack.serve.models.catalogue import Catalogue
from haversack.serve.models.gate import Gate, Held
from haversack.serve.models.model import ServedModel
from haversack.serve.models.statistics import Stages
from haversack.serve.options import ServeOptions
from haversack.serve.plane.admission import Seats, too_late
from haversack.serve.plane.arrivals import Arrivals
from haversack.serve.plane.request_lifetime import RequestLifetime
from haversack.serve.plane.shortage import is_short_of_memory, memory_short
from haversack.units import format_bytes

T = TypeVar("T")

# Parsed JSON is kept as bytes or numbers, about as large as its text: a sixteenth of parsing it.
_JSON_PART = 8
_LONG_WAIT_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class Target:
    """The model that a request asks for.

    Attributes:
        name: of the model.
        version: None for the current one.
        is_gone: tells whether the caller has hung up meanwhile.
    """

    name: str
    version: str | None = None
    is_gone: Callable[[], Awaitable[bool]] | None = None


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Threads for what would block the event loop.

    Attributes:
        decoding: as many as CPUs: more of them would keep the models, which are the narrow place,
            from their share.
        inferring: for the models, whose turns limit how many of them work, and for large JSON.
    """

    decoding: Executor
    inferring: Executor


@dataclass(frozen=True, kw_only=True)
class Visit:
    """One request inside the server.

    Attributes:
        model: that it holds.
        target: what it asked for.
        lifetime: how long it may wait yet.
        stages: how long it took so far.
    """

    model: ServedModel
    target: Target
    lifetime: RequestLifetime
    stages: Stages = field(default_factory=Stages)


class Visits:
    """Gives requests what they need, in order, and counts them.

    Attributes:
        catalogue: of the models.
        workers: for what would block the event loop.
        options: the limits.
        seats: one for each request.
        memory: for photos, tensors, and JSON while it is parsed.
        json: for what parsed JSON leaves; see `JsonReader`.
        workspace: for calls of models.
        devices: the same on each device with memory of its own, by its name.
        count: of requests, jobs and tiles of surveys, so far.
    """

    def __init__(self, catalogue: Catalogue, workers: Workers, options: ServeOptions) -> None:
        self.catalogue = catalogue
        self.workers = workers
        self.options = options
        self.seats = Seats(options.queue)
        self.memory = Gate(options.decode_limit_bytes)
        self.json = Gate(max(options.decode_limit_bytes // _JSON_PART, 1))
        residency = catalogue.loaded_models.policy.residency
        self.workspace = Gate(residency.workspace)
        self.devices = {device: Gate(one) for device, one in residency.workspaces.items()}
        self.count = 0
        self._coming = Arrivals(catalogue)

    def lifetime(self) -> RequestLifetime:
        """Of a request that begins now."""
        return RequestLifetime(self.options.wait_seconds)

    @asynccontextmanager
    async def present(
        self, target: Target, lifetime: RequestLifetime
    ) -> AsyncIterator[ServedModel]:
        """The model for the length of a block; one that is on offer is loaded first.

        Raises:
            HaversackError: `pack-not-loaded`; what loading raises.
        """
        model = await self._coming.model(target, lifetime, self.seats)
        self.count += 1
        try:
            yield model
        finally:
            lifetime.afterwards(partial(self.catalogue.release, model))

    @asynccontextmanager
    async def visit(self, target: Target, lifetime: RequestLifetime) -> AsyncIterator[Visit]:
        """The model for the length of a block, and its counts whatever happens in it."""
        async with self.present(target, lifetime) as model:
            visit = Visit(model=model, target=target, lifetime=lifetime)
            began = time.perf_counter()
            try:
                yield visit
            except BaseException as fault:
                model.statistics.failed(time.perf_counter() - began)
                if is_short_of_memory(fault):
                    raise memory_short(fault, self.seats.retry_after_seconds()) from fault
                raise
            model.statistics.succeeded(visit.stages, time.perf_counter() - began)

    @asynccontextmanager
    async def memory_for(self, visit: Visit, need_bytes: int) -> AsyncIterator[Held]:
        """Memory for the length of a block, as far as there is so much. RetryLaterError."""
        began, most = time.perf_counter(), min(need_bytes, self.memory.limit)
        async with self.held(self.memory, most, visit.lifetime, "memory") as held:
            visit.stages.queue += time.perf_counter() - began
            yield held

    async def turn(
        self, visit: Visit, work: Callable[[], T], rows: int = 1, *, more_on_device: int = 0
    ) -> T:
        """Run `work` when it is this request's turn at the model.

        Args:
            rows: of the call.
            more_on_device: bytes that it takes there beyond a call for so many rows.

        Raises:
            HaversackError: `caller-gone` where nobody waits for it any more; `body-too-large`
                where its model's device could never hold the call; what `work` raises.
        """
        on_device = visit.model.device in self.devices
        if on_device:
            self._check_device(visit, rows, more_on_device)
        began = time.perf_counter()
        model, name = visit.model, visit.model.identity.name
        async with self.held(model.turn, 1, visit.lifetime, f"its turn at {name}"):
            waited = time.perf_counter() - began
            visit.stages.queue += waited
            if waited > _LONG_WAIT_SECONDS:
                await _check_listening(visit.target)
            call = min(model.call_bytes(rows), self.workspace.limit)
            async with self.held(self.workspace, call, visit.lifetime, "memory"):
                if not on_device:
                    return await self._infer(visit, work)
                # Once more: a pack that came meanwhile may have left less.
                gate, call = self._check_device(visit, rows, more_on_device)
                what = f"memory of {model.device}"
                async with self.held(gate, call, visit.lifetime, what):
                    return await self._infer(visit, work)

    async def _infer(self, visit: Visit, work: Callable[[], T]) -> T:
        began = time.perf_counter()
        done = await visit.lifetime.run(self.workers.inferring, work)
        visit.stages.compute_infer = time.perf_counter() - began
        return done

    def fits_in_one_call(self, model: ServedModel, rows: int) -> bool:
        """Whether a call for so many photos or rows fits into the workspaces."""
        gates = {CPU: self.workspace, **self.devices}
        return all(model.call_bytes(rows, device) <= gate.limit for device, gate in gates.items())

    def _check_device(self, visit: Visit, rows: int, more: int) -> tuple[Gate, int]:
        """The memory of its model's device, and what a call takes of it.

        Raises:
            HaversackError: `body-too-large`, where sessions leave less.
        """
        device = visit.model.device
        gate, call = self.devices[device], visit.model.call_bytes(rows, device) + more
        if call > gate.limit:
            raise HaversackError(
                "body-too-large",
                f"this call would take about {format_bytes(call)} of the memory of {device}; "
                f"{format_bytes(gate.limit)} are there for calls",
                hint="Send fewer rows at once, or start the server with more --device-memory.",
                kind=Kind.TOO_LARGE,
            )
        return gate, call

    @asynccontextmanager
    async def held(
        self, gate: Gate, amount: int, lifetime: RequestLifetime, what: str
    ) -> AsyncIterator[Held]:
        """So much of a gate for the length of a block, or for as long as a thread needs it.

        Raises:
            HaversackError: as `too_late`, which says of `what`.
        """
        with lifetime.waiting() as deadline:
            try:
                held = await gate.enter(amount, deadline)
            except TimeoutError as late:
                raise too_late(deadline, what, self.seats.retry_after_seconds()) from late
        try:
            yield held
        finally:
            lifetime.afterwards(partial(held.shrink, 0))


async def _check_listening(target: Target) -> None:
    """Nobody waits for the answer of a caller who left: drop it before the model runs."""
    if target.is_gone is not None and await target.is_gone():
        raise HaversackError("caller-gone", "the caller hung up before its turn came")
