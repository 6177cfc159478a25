"""Jobs of kind predict: one kept photo through the same data plane as every request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Sequence
from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as LaterError
from typing import Any

from haversack.asgi.errors import RetryLaterError
from haversack.engine.results import ImageResult
from haversack.errors import HaversackError, Kind
from haversack.jobs.handler import Attempt, Outcome
from haversack.serve.dataplane import DataPlane, PictureBytes, Target
from haversack.serve.model import ServedModel
from haversack.serve.record import Shown, record

_LOOK_UP_SECONDS = 0.1
_BUSY_SECONDS = 0.5


class PredictHandler:
    """See `jobs.handler.Handler`. Waits while the data plane is busy: that is no fault of the job.

    `loop` is the one that the data plane belongs to; `run` is called from any other thread.
    """

    kind = "predict"

    def __init__(self, plane: DataPlane, loop: asyncio.AbstractEventLoop) -> None:
        self._plane = plane
        self._loop = loop

    def packs(self) -> Sequence[str]:
        """Every pack on offer that takes pictures, loaded or not, in each of its versions."""
        found = []
        for files in self._plane.catalogue.offers.all():
            manifest = files.manifest
            if manifest.input is not None:
                found += [manifest.name, f"{manifest.name}@{manifest.version}"]
        return found

    def run(self, attempt: Attempt) -> Outcome:
        """The canonical record."""
        job = attempt.job
        asked = json.loads(job.options)
        shown = Shown(
            image=job.image, threshold=asked.get("threshold"), with_map=asked.get("map", False)
        )
        target = Target(name=job.pack, version=job.wants.partition("@")[2] or None)

        def render(result: ImageResult, model: ServedModel) -> Outcome:
            made = record(result, model, shown).decode()
            return Outcome(result=made, version=model.identity.version)

        with attempt.opened_input() as photo:
            picture = PictureBytes(photo)
            while True:
                try:
                    return self._wait(attempt, self._plane.see(target, picture, render))
                except RetryLaterError:
                    if attempt.unwanted.wait(_BUSY_SECONDS):
                        raise

    def _wait(self, attempt: Attempt, work: Coroutine[Any, Any, Outcome]) -> Outcome:
        """Until it is done, or nobody wants it any more."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        while True:
            try:
                return future.result(_LOOK_UP_SECONDS)
            except LaterError:
                if future.done():
                    raise
                if attempt.unwanted.is_set():
                    future.cancel()
            except CancelledError as fault:
                raise HaversackError(
                    "job-broken-off",
                    "the job was broken off",
                    hint="It was cancelled, or its worker ended.",
                    kind=Kind.UNAVAILABLE,
                ) from fault
