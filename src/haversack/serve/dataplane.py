"""Requests in no protocol's words: a picture or tensors in, results or tensors out.

Source of the shape: MLServer's `DataPlane`, one protocol-free core behind every transport.
"""

from __future__ import annotations

import asyncio
import mmap
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar

from haversack.engine.image import ImageHeader, read_header, shrink_factor
from haversack.engine.predictor import Fitted
from haversack.engine.results import ImageResult, PackIdentity
from haversack.engine.session import Array
from haversack.engine.tensors import check, to_session
from haversack.errors import EngineError, HaversackError, Kind
from haversack.serve.admission import Deadline, Gate, Seats, check_fits, too_late
from haversack.serve.catalogue import Catalogue
from haversack.serve.model import ServedModel
from haversack.serve.options import ServeOptions
from haversack.serve.statistics import Stages

T = TypeVar("T")
Render = Callable[[ImageResult, ServedModel], T]
"""Makes the answer of a picture's results, while the memory for it is reserved."""

# A list of small numbers takes a reference of 8 bytes for each, and most an object of 24 too.
_BYTES_PER_JSON_BYTE = 16
_HERE_BYTES = 64 << 10
_LONG_WAIT_SECONDS = 0.05


class Picture(Protocol):
    """An encoded picture, in memory or on disk."""

    @property
    def size_bytes(self) -> int:
        """Of the encoded bytes."""
        ...

    def view(self) -> bytes | mmap.mmap:
        """All of them, without a copy."""
        ...

    def read(self) -> bytes:
        """All of them, in memory."""
        ...


class PictureBytes:
    """A `Picture` that is in memory already."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def size_bytes(self) -> int:
        """Of the encoded bytes."""
        return len(self._data)

    def view(self) -> bytes:
        """All of them."""
        return self._data

    def read(self) -> bytes:
        """All of them."""
        return self._data


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a request is for.

    Attributes:
        name: of the model.
        version: None for the current one.
        timeout_seconds: the caller's own deadline, or None.
        is_gone: tells whether the caller has hung up meanwhile.
    """

    name: str
    version: str | None = None
    timeout_seconds: float | None = None
    is_gone: Callable[[], Awaitable[bool]] | None = None


@dataclass(frozen=True, kw_only=True)
class _Visit:
    """One request inside the house."""

    model: ServedModel
    target: Target
    deadline: Deadline
    stages: Stages = field(default_factory=Stages)


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
    """Every request's way through the house: memory, decoding, turn, model.

    Promises: a request holds the model it began with until it is answered, whatever is loaded or
    unloaded meanwhile. What a caller sent wrongly is raised as HaversackError of kind INVALID.
    Belongs to one event loop; `workers` do what would block it.
    """

    def __init__(self, catalogue: Catalogue, workers: Workers, options: ServeOptions) -> None:
        self.catalogue = catalogue
        self.options = options
        self.seats = Seats(options.queue)
        self.memory = Gate(options.decode_limit_bytes)
        self._workers = workers

    async def see(self, target: Target, picture: Picture, render: Render[T]) -> T:
        """What is in one encoded picture, as `render` puts it.

        Raises:
            ImageError: it cannot be read. HaversackError.
        """
        with self._visit(target) as visit:
            fitted = await self._fitted(visit, picture)
            infer = partial(visit.model.predictor.infer, [fitted])

            async def results() -> ImageResult:
                (outcome,) = await self._turn(visit, infer)
                return ImageResult(
                    image="",
                    width=fitted.width,
                    height=fitted.height,
                    pack=visit.model.identity,
                    outcome=outcome,
                    timing={
                        "decode_seconds": visit.stages.compute_input,
                        "model_seconds": visit.stages.compute_infer,
                    },
                )

            return await self._answer(visit, results, render, fitted.width * fitted.height)

    async def see_pixels(self, target: Target, pixels: Array, render: Render[T]) -> T:
        """What is in uint8[H,W,3] pixels, as `render` puts it."""
        with self._visit(target) as visit:
            predict = partial(visit.model.predictor.predict_pixels, pixels)

            async def results() -> ImageResult:
                return await self._turn(visit, predict)

            return await self._answer(visit, results, render, pixels.shape[0] * pixels.shape[1])

    async def infer(
        self, target: Target, inputs: dict[str, Array]
    ) -> tuple[dict[str, Array], PackIdentity]:
        """A tensor pack's named outputs, and which version gave them.

        Raises:
            TensorError: the inputs are not the signature's. HaversackError: `inputs-refused`
                where the graph itself refuses their values.
        """
        with self._visit(target) as visit:
            model = visit.model
            check(model.manifest.signature, inputs)
            visit.stages.batch = _rows(inputs) if model.predictor.batches else 1
            if not model.runs_inline(inputs):
                return await self._turn(visit, partial(_run, model, inputs)), model.identity
            began = time.perf_counter()
            outputs = _run(model, inputs)
            visit.stages.compute_infer = time.perf_counter() - began
            return outputs, model.identity

    async def apart(self, work: Callable[[], T]) -> T:
        """Run what would block the event loop on a worker's thread."""
        return await _on(self._workers.inferring, work)

    async def parse(self, work: Callable[[], T], json_bytes: int) -> T:
        """Parse that much JSON: its memory is reserved, and large ones go to a worker."""
        if json_bytes <= _HERE_BYTES:
            return work()
        need = json_bytes * _BYTES_PER_JSON_BYTE
        check_fits(need, self.options.decode_limit_bytes, f"{json_bytes:,} bytes of JSON")
        async with self._held(self.memory, need, self._deadline(None), "memory"):
            return await self.apart(work)

    def _deadline(self, timeout_seconds: float | None) -> Deadline:
        """From now: the server's patience, or the caller's own where that is shorter."""
        now = asyncio.get_running_loop().time()
        if timeout_seconds is None or timeout_seconds >= self.options.wait_seconds:
            return Deadline(at=now + self.options.wait_seconds)
        return Deadline(at=now + timeout_seconds, by_caller=True)

    @contextmanager
    def _visit(self, target: Target) -> Iterator[_Visit]:
        """The model for the length of a block, and its counts whatever happens in it."""
        with self.catalogue.use(target.name, target.version) as model:
            deadline = self._deadline(target.timeout_seconds)
            visit = _Visit(model=model, target=target, deadline=deadline)
            began = time.perf_counter()
            try:
                yield visit
            except BaseException:
                model.statistics.failed(time.perf_counter() - began)
                raise
            model.statistics.succeeded(visit.stages, time.perf_counter() - began)

    async def _fitted(self, visit: _Visit, picture: Picture) -> Fitted:
        """The picture in the network's frame; its memory is reserved while it is decoded."""
        header = read_header(picture.view())  # type: ignore[arg-type]  # a mapping reads like bytes
        need = _decode_bytes(visit.model, header) + picture.size_bytes
        began = time.perf_counter()
        async with self._held(self.memory, min(need, self.memory.limit), visit.deadline, "memory"):
            visit.stages.queue += time.perf_counter() - began
            began = time.perf_counter()
            decode = partial(_decode_and_fit, visit.model, picture)
            fitted = await _on(self._workers.decoding, decode)
            visit.stages.compute_input = time.perf_counter() - began
            return fitted

    async def _turn(self, visit: _Visit, work: Callable[[], T]) -> T:
        """Run `work` when it is this request's turn at the model."""
        began = time.perf_counter()
        model, name = visit.model, visit.model.identity.name
        async with self._held(model.turn, 1, visit.deadline, f"its turn at {name}"):
            waited = time.perf_counter() - began
            visit.stages.queue += waited
            if waited > _LONG_WAIT_SECONDS:
                await _check_listening(visit.target)
            began = time.perf_counter()
            done = await self.apart(work)
            visit.stages.compute_infer = time.perf_counter() - began
            return done

    async def _answer(
        self,
        visit: _Visit,
        results: Callable[[], Awaitable[ImageResult]],
        render: Render[T],
        photo_pixels: int,
    ) -> T:
        """Results, and what `render` makes of them. A map as large as the photo needs memory."""
        model = visit.model
        if model.identity.task != "label-map":
            result = await results()
            began = time.perf_counter()
            answer = render(result, model)
        else:
            need = min(_MAP_BYTES * photo_pixels, self.memory.limit)
            async with self._held(self.memory, need, visit.deadline, "memory"):
                result = await results()
                began = time.perf_counter()
                answer = await self.apart(partial(render, result, model))
        visit.stages.compute_output = time.perf_counter() - began
        return answer

    @asynccontextmanager
    async def _held(
        self, gate: Gate, amount: int, deadline: Deadline, what: str
    ) -> AsyncIterator[None]:
        is_inside = False
        try:
            async with gate.hold(amount, deadline):
                is_inside = True
                yield
        except TimeoutError as late:
            if is_inside:
                raise
            raise too_late(deadline, what, self.seats.retry_after_seconds()) from late


async def _on(executor: Executor, work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(executor, work)


# The map, its PNG, and that in base64: each at most a byte a pixel, the last a third more.
_MAP_BYTES = 4


def _decode_bytes(model: ServedModel, header: ImageHeader) -> int:
    return header.estimate_bytes(shrink_factor(header, model.manifest.input))


def _decode_and_fit(model: ServedModel, picture: Picture) -> Fitted:
    return model.predictor.fit(model.predictor.decode(picture.read()))


def _run(model: ServedModel, inputs: dict[str, Array]) -> dict[str, Array]:
    try:
        return model.predictor.run({name: to_session(array) for name, array in inputs.items()})
    except EngineError as error:
        if "allocat" in error.message:
            raise HaversackError(
                "memory-short",
                f"there is no memory for this request: {error.message}",
                hint="Send fewer rows at once.",
                kind=Kind.OVERLOADED,
            ) from error
        # Names, datatypes and shapes were right: it is the values that the graph cannot take.
        raise HaversackError("inputs-refused", error.message, hint=error.hint) from error


async def _check_listening(target: Target) -> None:
    """Nobody waits for the answer of a caller who left: drop it before the model runs."""
    if target.is_gone is not None and await target.is_gone():
        raise HaversackError("caller-gone", "the caller hung up before its turn came")


def _rows(inputs: dict[str, Array]) -> int:
    return max((array.shape[0] for array in inputs.values() if array.ndim), default=1)
