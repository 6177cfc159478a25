"""Requests in no protocol's words: a photo or tensors in, results or tensors out.

Source of the shape: MLServer's `DataPlane`, one protocol-free core behind every transport.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Generic, TypeVar

from haversack.engine.photo import PhotoHeader
from haversack.engine.predictor import Fitted
from haversack.engine.results import Outcome, PackIdentity, PhotoResult
from haversack.engine.session import Array
from haversack.engine.tensors import check, to_session
from haversack.errors import EngineError, HaversackError, PhotoError
from haversack.serve.models.catalogue import Catalogue
from haversack.serve.models.gate import Gate, Held
from haversack.serve.models.model import ServedModel
from haversack.serve.models.statistics import Stages
from haversack.serve.options import ServeOptions
from haversack.serve.plane.admission import Seats, check_fits, too_late
from haversack.serve.plane.arrivals import Arrivals
from haversack.serve.plane.encoded_photo import (
    EncodedPhoto,
    Read,
    after_bytes,
    decode_and_fit,
    need_bytes,
    need_if_read,
    read_one,
)
from haversack.serve.plane.headers import HERE_BYTES, Headers
from haversack.serve.plane.request_lifetime import RequestLifetime
from haversack.serve.plane.shortage import is_short_of_memory, memory_short

T = TypeVar("T")
Render = Callable[[PhotoResult, ServedModel], T]
"""Makes the answer of a photo's results, while the memory for it is reserved."""

# A list of small numbers takes a reference of 8 bytes for each, and most an object of 24 too.
_BYTES_PER_JSON_BYTE = 16
# Parsed JSON is kept as bytes or numbers, about as large as its text: a sixteenth of parsing it.
_JSON_PART = 8
_LONG_WAIT_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class BatchItem(Generic[T]):
    """One of several photos, and what makes its answer."""

    photo: EncodedPhoto
    render: Render[T]


_Known = tuple[BatchItem[T], PhotoHeader | PhotoError]
"""One of several photos, and what its first bytes say, or why they say nothing."""


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
class _Visit:
    """One request inside the server."""

    model: ServedModel
    target: Target
    lifetime: RequestLifetime
    stages: Stages = field(default_factory=Stages)


class _UnreadError(Exception):
    """Not one of several photos could be read."""

    def __init__(self, errors: Sequence[HaversackError]) -> None:
        super().__init__(f"{len(errors)} photos could not be read")
        self.errors = errors


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


class DataPlane:
    """Takes every request through the server: memory, decoding, turn, model.

    Promises: a request holds the model it began with until it is answered, whatever is loaded or
    unloaded meanwhile. A caller who is cancelled is so at once; turn, memory and model are held
    until no thread works for him any more (see `RequestLifetime`). What a caller sent wrongly is
    raised as HaversackError of kind INVALID. Belongs to one event loop; `workers` do what would
    block it.

    Attributes:
        visits: so far, of requests, jobs and tiles of surveys.
    """

    def __init__(self, catalogue: Catalogue, workers: Workers, options: ServeOptions) -> None:
        self.catalogue = catalogue
        self.options = options
        self.seats = Seats(options.queue)
        self.memory = Gate(options.decode_limit_bytes)
        self.json = Gate(max(options.decode_limit_bytes // _JSON_PART, 1))
        self.workspace = Gate(catalogue.loaded_models.policy.residency.workspace)
        self.visits = 0
        self._workers = workers
        self._headers = Headers(workers.decoding)
        self._coming = Arrivals(catalogue)

    @property
    def activity(self) -> object:
        """Something that changes while requests are answered, or somebody's thread still works."""
        return self.visits, self.seats.taken, object() if self.workspace.used else None

    def lifetime(self) -> RequestLifetime:
        """Of a request that begins now; one that asks several things has one for all of them."""
        return RequestLifetime(self.options.wait_seconds)

    async def predict(
        self,
        target: Target,
        photo: EncodedPhoto,
        render: Render[T],
        lifetime: RequestLifetime | None = None,
    ) -> T:
        """What is in one encoded photo, as `render` puts it.

        Args:
            lifetime: None where this is all that is asked.

        Raises:
            PhotoError: it cannot be read. HaversackError.
        """
        async with (
            self._visit(target, lifetime or self.lifetime()) as visit,
            self._reserved(visit, photo) as (held, header),
        ):
            fitted = await self._fitted(visit, photo, header)
            held.shrink(after_bytes(visit.model, fitted.width * fitted.height))
            infer = partial(visit.model.predictor.infer, [fitted])
            (outcome,) = await self._turn(visit, infer)
            stages = visit.stages
            result = _result(visit, fitted, outcome, (stages.compute_input, stages.compute_infer))
            return await self._answer(visit, result, render)

    async def predict_together(
        self, target: Target, asked: Sequence[BatchItem[T]]
    ) -> list[T | HaversackError]:
        """What is in each of several encoded photos, in their order, by as few calls as fit.

        A photo that cannot be read has its error in its place, and no part in the call. The
        answers are those of `predict`; `model_seconds` is each one's share of its call.

        Raises:
            HaversackError: where a call failed for all who took part.
        """
        found: list[T | HaversackError] = []
        headers: list[PhotoHeader | PhotoError] = []
        lifetime = self.lifetime()
        while len(found) < len(asked):
            try:
                async with self._visit(target, lifetime) as visit:
                    headers = headers or await self._headers.read_all(
                        [one.photo for one in asked], lifetime, partial(self._memory, visit)
                    )
                    rest = list(zip(asked, headers, strict=True))[len(found) :]
                    needs = [need_if_read(visit.model, one.photo, header) for one, header in rest]
                    count = self._fitting(visit.model, needs)
                    async with self._memory(visit, sum(needs[:count])) as held:
                        predicted = await self._predicted(visit, rest[:count], held)
                    found += predicted
            except _UnreadError as unread:
                found += unread.errors
        return found

    def _fitting(self, model: ServedModel, needs: Sequence[int]) -> int:
        """How many of these go into one call: half of the memory for photos is left to others."""
        for count in range(len(needs), 1, -1):
            call = model.call_bytes(count)
            if sum(needs[:count]) <= self.memory.limit // 2 and call <= self.workspace.limit:
                return count
        return 1

    async def _predicted(
        self, visit: _Visit, asked: Sequence[_Known[T]], held: Held
    ) -> list[T | HaversackError]:
        """The answers of one call. Raises _UnreadError where there is nothing to call it with."""
        read = await self._read(visit, asked)
        fitted = [one.fitted for one in read if isinstance(one, Read)]
        held.shrink(sum(after_bytes(visit.model, one.width * one.height) for one in fitted))
        visit.stages.batch = len(fitted)
        infer = partial(visit.model.predictor.infer, fitted)
        outcomes = iter(await self._turn(visit, infer, rows=len(fitted)))
        share = visit.stages.compute_infer / len(fitted)
        answers: list[T | HaversackError] = []
        for reading, (wish, _) in zip(read, asked, strict=True):
            if isinstance(reading, HaversackError):
                visit.model.statistics.failed(visit.stages.compute_input)
                answers.append(reading)
                continue
            result = _result(visit, reading.fitted, next(outcomes), (reading.seconds, share))
            answers.append(await self._answer(visit, result, wish.render))
        return answers

    async def _read(
        self, visit: _Visit, photos: Sequence[_Known[T]]
    ) -> list[Read | HaversackError]:
        """Every photo in the network's frame, or why it cannot be read."""
        began = time.perf_counter()
        readings = [
            visit.lifetime.run(
                self._workers.decoding, partial(read_one, visit.model, asked.photo, header)
            )
            for asked, header in photos
        ]
        # All have ended when this goes on, but for those that nobody waits for any more.
        done = await asyncio.gather(*readings, return_exceptions=True)
        visit.stages.compute_input = time.perf_counter() - began
        found: list[Read | HaversackError] = []
        for one in done:
            if not isinstance(one, Read | PhotoError):
                raise one
            found.append(one)
        errors = [one for one in found if isinstance(one, HaversackError)]
        if len(errors) == len(found):
            raise _UnreadError(errors)
        return found

    async def predict_pixels(
        self, target: Target, pixels: Array, render: Render[T], lifetime: RequestLifetime
    ) -> T:
        """What is in uint8[H,W,3] pixels, as `render` puts it."""
        async with self._visit(target, lifetime) as visit:
            predict = partial(visit.model.predictor.predict_pixels, pixels)
            need = pixels.nbytes + after_bytes(visit.model, pixels.shape[0] * pixels.shape[1])

            async with self._memory(visit, need):
                result = await self._turn(visit, predict)
                return await self._answer(visit, result, render)

    async def infer_fitted(self, target: Target, photos: Sequence[Fitted]) -> Sequence[Outcome]:
        """What a model says of photos that are in its frame already, such as a survey's tiles.

        Their memory is their sender's; counts of requests do not know of them.
        """
        lifetime = self.lifetime()
        async with self.present(target, lifetime) as model:
            visit = _Visit(model=model, target=target, lifetime=lifetime)
            return await self._turn(visit, partial(model.predictor.infer, photos))

    async def bring(self, target: Target) -> None:
        """Have a pack in memory that is on offer; errors as `present`."""
        async with self.present(target, self.lifetime()):
            pass

    async def infer(
        self, target: Target, inputs: dict[str, Array], lifetime: RequestLifetime
    ) -> tuple[dict[str, Array], PackIdentity]:
        """A tensor pack's named outputs, and which version gave them.

        Raises:
            TensorError: the inputs are not the signature's. HaversackError: `inputs-refused`
                where the graph itself refuses their values.
        """
        async with self._visit(target, lifetime) as visit:
            model = visit.model
            check(model.manifest.signature, inputs)
            visit.stages.batch = _rows(inputs) if model.predictor.batches else 1
            if not model.runs_inline(inputs):
                need = model.tensor_bytes(inputs, visit.stages.batch)
                check_fits(need, self.memory.limit, f"{visit.stages.batch:,} rows")
                async with self._memory(visit, need):
                    work = partial(_run, model, inputs)
                    return await self._turn(visit, work), model.identity
            began = time.perf_counter()
            outputs = _run(model, inputs)
            visit.stages.compute_infer = time.perf_counter() - began
            return outputs, model.identity

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
        if json_bytes <= HERE_BYTES:
            yield work() if is_light else await lifetime.run(self._workers.inferring, work)
            return
        need = json_bytes * _BYTES_PER_JSON_BYTE
        check_fits(need, self.memory.limit, f"{json_bytes:,} bytes of JSON")
        async with self._held(self.json, min(json_bytes, self.json.limit), lifetime, "memory"):
            async with self._held(self.memory, need, lifetime, "memory"):
                found = await lifetime.run(self._workers.inferring, work)
            yield found

    @asynccontextmanager
    async def present(
        self, target: Target, lifetime: RequestLifetime
    ) -> AsyncIterator[ServedModel]:
        """The model for the length of a block; one that is on offer is loaded first.

        Raises:
            HaversackError: `pack-not-loaded`; what loading raises.
        """
        model = await self._coming.model(target, lifetime, self.seats)
        self.visits += 1
        try:
            yield model
        finally:
            lifetime.afterwards(partial(self.catalogue.release, model))

    @asynccontextmanager
    async def reserved(self, need_bytes: int) -> AsyncIterator[None]:
        """Memory for the length of a block, for work of other rooms, as far as there is so much.

        Raises:
            RetryLaterError: none was free in time.
        """
        need = min(need_bytes, self.memory.limit)
        async with self._held(self.memory, need, self.lifetime(), "memory"):
            yield

    @asynccontextmanager
    async def _visit(self, target: Target, lifetime: RequestLifetime) -> AsyncIterator[_Visit]:
        """The model for the length of a block, and its counts whatever happens in it."""
        async with self.present(target, lifetime) as model:
            visit = _Visit(model=model, target=target, lifetime=lifetime)
            began = time.perf_counter()
            try:
                yield visit
            except BaseException as fault:
                model.statistics.failed(time.perf_counter() - began)
                if is_short_of_memory(fault):
                    raise memory_short(fault, self.seats.retry_after_seconds()) from fault
                raise
            model.statistics.succeeded(visit.stages, time.perf_counter() - began)

    async def _fitted(self, visit: _Visit, photo: EncodedPhoto, header: PhotoHeader) -> Fitted:
        """The photo in the network's frame."""
        began = time.perf_counter()
        decode = partial(decode_and_fit, visit.model, photo, header)
        fitted = await visit.lifetime.run(self._workers.decoding, decode)
        visit.stages.compute_input = time.perf_counter() - began
        return fitted

    @asynccontextmanager
    async def _reserved(
        self, visit: _Visit, photo: EncodedPhoto
    ) -> AsyncIterator[tuple[Held, PhotoHeader]]:
        """Memory for the larger of decoding and what follows, and the header that told so; nothing
        more is taken later, so who holds it never waits for others who do.
        """
        header = await self._headers.read(photo, visit.lifetime, partial(self._memory, visit))
        async with self._memory(visit, need_bytes(visit.model, photo, header)) as held:
            yield held, header

    @asynccontextmanager
    async def _memory(self, visit: _Visit, need: int) -> AsyncIterator[Held]:
        began, most = time.perf_counter(), min(need, self.memory.limit)
        async with self._held(self.memory, most, visit.lifetime, "memory") as held:
            visit.stages.queue += time.perf_counter() - began
            yield held

    async def _turn(self, visit: _Visit, work: Callable[[], T], rows: int = 1) -> T:
        """Run `work` when it is this request's turn at the model."""
        began = time.perf_counter()
        model, name = visit.model, visit.model.identity.name
        async with self._held(model.turn, 1, visit.lifetime, f"its turn at {name}"):
            waited = time.perf_counter() - began
            visit.stages.queue += waited
            if waited > _LONG_WAIT_SECONDS:
                await _check_listening(visit.target)
            call = min(model.call_bytes(rows), self.workspace.limit)
            async with self._held(self.workspace, call, visit.lifetime, "memory"):
                began = time.perf_counter()
                done = await visit.lifetime.run(self._workers.inferring, work)
                visit.stages.compute_infer = time.perf_counter() - began
                return done

    async def _answer(self, visit: _Visit, result: PhotoResult, render: Render[T]) -> T:
        """What `render` makes of the results. A map as large as the photo takes a while."""
        model = visit.model
        began = time.perf_counter()
        if model.identity.task != "label-map":
            answer = render(result, model)
        else:
            made = partial(render, result, model)
            answer = await visit.lifetime.run(self._workers.inferring, made)
        visit.stages.compute_output += time.perf_counter() - began
        return answer

    @asynccontextmanager
    async def _held(
        self, gate: Gate, amount: int, lifetime: RequestLifetime, what: str
    ) -> AsyncIterator[Held]:
        with lifetime.waiting() as deadline:
            try:
                held = await gate.enter(amount, deadline)
            except TimeoutError as late:
                raise too_late(deadline, what, self.seats.retry_after_seconds()) from late
        try:
            yield held
        finally:
            lifetime.afterwards(partial(held.shrink, 0))


def _result(
    visit: _Visit, fitted: Fitted, outcome: Outcome, seconds: tuple[float, float]
) -> PhotoResult:
    """An outcome with its photo's facts; `seconds` in the decoder and in the model."""
    return PhotoResult(
        image="",
        width=fitted.width,
        height=fitted.height,
        pack=visit.model.identity,
        outcome=outcome,
        timing={"decode_seconds": seconds[0], "model_seconds": seconds[1]},
    )


def _run(model: ServedModel, inputs: dict[str, Array]) -> dict[str, Array]:
    try:
        return model.predictor.run({name: to_session(array) for name, array in inputs.items()})
    except EngineError as error:
        if is_short_of_memory(error):
            raise
        # Names, datatypes and shapes were right: it is the values that the graph cannot take.
        raise HaversackError("inputs-refused", error.message, hint=error.hint) from error


async def _check_listening(target: Target) -> None:
    """Nobody waits for the answer of a caller who left: drop it before the model runs."""
    if target.is_gone is not None and await target.is_gone():
        raise HaversackError("caller-gone", "the caller hung up before its turn came")


def _rows(inputs: dict[str, Array]) -> int:
    return max((array.shape[0] for array in inputs.values() if array.ndim), default=1)
