"""Photos to results, inside the memory there is: one, several by one call, or pixels."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from haversack.engine.fitted import Fitted
from haversack.engine.photo import PhotoHeader
from haversack.engine.results import PhotoResult
from haversack.engine.session import Array
from haversack.engine.tasks.task import TaskOutcome
from haversack.errors import HaversackError, PhotoError
from haversack.serve.models.gate import Held
from haversack.serve.models.model import ServedModel
from haversack.serve.plane.encoded_photo import (
    EncodedPhoto,
    Read,
    after_bytes,
    decode_and_fit,
    need_bytes,
    need_if_read,
    read_one,
)
from haversack.serve.plane.headers import Headers
from haversack.serve.plane.request_lifetime import RequestLifetime
from haversack.serve.plane.visits import Target, Visit, Visits

T = TypeVar("T")
Render = Callable[[PhotoResult, ServedModel], T]
"""Makes the answer of a photo's results, while the memory for it is reserved."""


@dataclass(frozen=True, kw_only=True)
class BatchItem(Generic[T]):
    """One of several photos, and what makes its answer."""

    photo: EncodedPhoto
    render: Render[T]


_Known = tuple[BatchItem[T], PhotoHeader | PhotoError]
"""One of several photos, and what its first bytes say, or why they say nothing."""


class _UnreadError(Exception):
    """Not one of several photos could be read."""

    def __init__(self, errors: Sequence[HaversackError]) -> None:
        super().__init__(f"{len(errors)} photos could not be read")
        self.errors = errors


class PhotoPlane:
    """Takes photos through the server: memory, decoding, turn, model. Belongs to one event loop."""

    def __init__(self, visits: Visits) -> None:
        self._visits = visits
        self._workers = visits.workers
        self._headers = Headers(visits.workers.decoding)

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
            self._visits.visit(target, lifetime or self._visits.lifetime()) as visit,
            self._reserved(visit, photo) as (held, header),
        ):
            fitted = await self._fitted(visit, photo, header)
            held.shrink(after_bytes(visit.model, fitted.width * fitted.height))
            infer = partial(visit.model.predictor.infer, [fitted])
            (outcome,) = await self._visits.turn(visit, infer)
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
        lifetime = self._visits.lifetime()
        while len(found) < len(asked):
            try:
                async with self._visits.visit(target, lifetime) as visit:
                    reserve = partial(self._visits.memory_for, visit)
                    headers = headers or await self._headers.read_all(
                        [one.photo for one in asked], lifetime, reserve
                    )
                    rest = list(zip(asked, headers, strict=True))[len(found) :]
                    needs = [need_if_read(visit.model, one.photo, header) for one, header in rest]
                    count = self._fitting(visit.model, needs)
                    async with reserve(sum(needs[:count])) as held:
                        predicted = await self._predicted(visit, rest[:count], held)
                    found += predicted
            except _UnreadError as unread:
                found += unread.errors
        return found

    def _fitting(self, model: ServedModel, needs: Sequence[int]) -> int:
        """How many of these go into one call: half of the memory for photos is left to others."""
        memory = self._visits.memory.limit // 2
        for count in range(len(needs), 1, -1):
            if sum(needs[:count]) <= memory and self._visits.fits_in_one_call(model, count):
                return count
        return 1

    async def _predicted(
        self, visit: Visit, asked: Sequence[_Known[T]], held: Held
    ) -> list[T | HaversackError]:
        """The answers of one call. Raises _UnreadError where there is nothing to call it with."""
        read = await self._read(visit, asked)
        fitted = [one.fitted for one in read if isinstance(one, Read)]
        held.shrink(sum(after_bytes(visit.model, one.width * one.height) for one in fitted))
        visit.stages.batch = len(fitted)
        infer = partial(visit.model.predictor.infer, fitted)
        outcomes = iter(await self._visits.turn(visit, infer, rows=len(fitted)))
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

    async def _read(self, visit: Visit, photos: Sequence[_Known[T]]) -> list[Read | HaversackError]:
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
        async with self._visits.visit(target, lifetime) as visit:
            predict = partial(visit.model.predictor.predict_pixels, pixels)
            need = pixels.nbytes + after_bytes(visit.model, pixels.shape[0] * pixels.shape[1])

            async with self._visits.memory_for(visit, need):
                result = await self._visits.turn(visit, predict)
                return await self._answer(visit, result, render)

    async def infer_fitted(self, target: Target, photos: Sequence[Fitted]) -> Sequence[TaskOutcome]:
        """What a model says of photos that are in its frame already, such as a survey's tiles.

        Their memory is their sender's; counts of requests do not know of them.
        """
        lifetime = self._visits.lifetime()
        async with self._visits.present(target, lifetime) as model:
            visit = Visit(model=model, target=target, lifetime=lifetime)
            one, all_ = (model.call_bytes(count, model.device) for count in (1, len(photos)))
            infer = partial(model.predictor.infer, photos)
            return await self._visits.turn(visit, infer, more_on_device=all_ - one)

    async def _fitted(self, visit: Visit, photo: EncodedPhoto, header: PhotoHeader) -> Fitted:
        """The photo in the network's frame."""
        began = time.perf_counter()
        decode = partial(decode_and_fit, visit.model, photo, header)
        fitted = await visit.lifetime.run(self._workers.decoding, decode)
        visit.stages.compute_input = time.perf_counter() - began
        return fitted

    @asynccontextmanager
    async def _reserved(
        self, visit: Visit, photo: EncodedPhoto
    ) -> AsyncIterator[tuple[Held, PhotoHeader]]:
        """Memory for the larger of decoding and what follows, and the header that told so; nothing
        more is taken later, so who holds it never waits for others who do.
        """
        reserve = partial(self._visits.memory_for, visit)
        header = await self._headers.read(photo, visit.lifetime, reserve)
        async with reserve(need_bytes(visit.model, photo, header)) as held:
            yield held, header

    async def _answer(self, visit: Visit, result: PhotoResult, render: Render[T]) -> T:
        """What `render` makes of the results. An image as large as the photo takes a while."""
        model = visit.model
        began = time.perf_counter()
        if not model.predictor.task.renders_slowly:
            answer = render(result, model)
        else:
            made = partial(render, result, model)
            answer = await visit.lifetime.run(self._workers.inferring, made)
        visit.stages.compute_output += time.perf_counter() - began
        return answer


def _result(
    visit: Visit, fitted: Fitted, outcome: TaskOutcome, seconds: tuple[float, float]
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
