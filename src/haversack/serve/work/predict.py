"""Jobs of kind predict: kept photos through the same data plane as every request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import ExitStack

from haversack.engine.devices import CPU
from haversack.engine.results import PhotoResult
from haversack.errors import HaversackError
from haversack.jobs.blobs import Buffer
from haversack.jobs.handler import Attempt, Outcome, Result
from haversack.jobs.job import Job
from haversack.serve.models.batches import Batches
from haversack.serve.models.model import ServedModel
from haversack.serve.plane.dataplane import DataPlane
from haversack.serve.plane.encoded_photo import PhotoBytes
from haversack.serve.plane.photos import BatchItem
from haversack.serve.plane.visits import Target
from haversack.serve.protocols.record import Shown, record
from haversack.serve.work.predict_kind import PREDICT
from haversack.serve.work.resources import ServerResources
from haversack.serve.work.waiting import until_free, wanted


class PredictHandler:
    """See `jobs.handler.BatchHandler`. Waits while the data plane is busy.

    `loop` is the one that the data plane belongs to; `run` is called from any other thread.
    """

    kind = PREDICT.name

    def __init__(self, plane: DataPlane, loop: asyncio.AbstractEventLoop) -> None:
        self._plane = plane
        self._loop = loop
        self._batches = Batches(plane.catalogue.loaded_models.policy.sizes, plane.options.threads)

    def packs(self) -> Sequence[str]:
        """Every pack on offer that takes photos, loaded or not, in each of its versions."""
        return self._plane.catalogue.offers.names(lambda manifest: manifest.takes_photos)

    def most_at_once(self, job: Job) -> int:
        """The batch that pays, by the measured curve of the job's pack; it is a CPU's."""
        if self._plane.options.device != CPU:
            return 1
        target = target_of(job)
        files = self._plane.catalogue.offers.find(target.name, target.version)
        return 1 if files is None else self._batches.most(files, self._plane.workspace.limit)

    def run(self, attempt: Attempt) -> Outcome:
        """The canonical record."""
        target = target_of(attempt.job)
        with attempt.opened_input() as photo:
            asked = _asked(attempt.job, photo)
            return until_free(
                self._loop,
                attempt.unwanted,
                lambda: self._plane.photos.predict(target, asked.photo, asked.render),
            )

    def run_together(self, attempts: Sequence[Attempt]) -> Sequence[Result]:
        """The canonical records, by one call of the model; where that fails, one by one."""
        target = target_of(attempts[0].job)
        results: list[Result | None] = [None] * len(attempts)
        with ExitStack() as stack:
            asked = []
            for number, attempt in enumerate(attempts):
                try:
                    photo = stack.enter_context(attempt.opened_input())
                    asked.append((number, _asked(attempt.job, photo)))
                except HaversackError as error:
                    results[number] = error
            try:
                work = self._plane.photos.predict_together(target, [one for _, one in asked])
                seen = wanted(self._loop, [one.unwanted for one in attempts], work)
                for (number, _), result in zip(asked, seen, strict=True):
                    results[number] = result
            except (HaversackError, MemoryError) as fault:
                for number, attempt in enumerate(attempts):
                    if attempt.unwanted.is_set():
                        results[number] = fault
        return [
            self._alone(attempt) if result is None else result
            for attempt, result in zip(attempts, results, strict=True)
        ]

    def _alone(self, attempt: Attempt) -> Result:
        """One of several that could not be done together: whose fault it was shows now."""
        try:
            return self.run(attempt)
        except Exception as error:
            return error

    def tidy(self) -> None:
        """Nothing is left."""


def handler(resources: ServerResources) -> PredictHandler:
    """Of a server, or of a worker beside it."""
    return PredictHandler(resources.plane, resources.loop)


def target_of(job: Job) -> Target:
    """The pack and version that a job wants."""
    return Target(name=job.pack, version=job.wants.partition("@")[2] or None)


def _asked(job: Job, photo: Buffer) -> BatchItem[Outcome]:
    asked = json.loads(job.options)
    shown = Shown(
        image=job.image, threshold=asked.get("threshold"), with_map=asked.get("map", False)
    )

    def render(result: PhotoResult, model: ServedModel) -> Outcome:
        made = record(result, model, shown).decode()
        return Outcome(result=made, version=model.identity.version)

    return BatchItem(photo=PhotoBytes(photo), render=render)
