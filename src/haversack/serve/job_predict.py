"""Jobs of kind predict: one kept photo through the same data plane as every request."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from haversack.engine.results import ImageResult
from haversack.jobs.handler import Attempt, Outcome
from haversack.serve.dataplane import DataPlane, PictureBytes, Target
from haversack.serve.job_waiting import until_done
from haversack.serve.model import ServedModel
from haversack.serve.record import Shown, record


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
        picture = PictureBytes(attempt.read_input())
        asked = json.loads(job.options)
        shown = Shown(
            image=job.image, threshold=asked.get("threshold"), with_map=asked.get("map", False)
        )
        target = Target(name=job.pack, version=job.wants.partition("@")[2] or None)

        def render(result: ImageResult, model: ServedModel) -> Outcome:
            made = record(result, model, shown).decode()
            return Outcome(result=made, version=model.identity.version)

        return until_done(
            self._loop, lambda: self._plane.see(target, picture, render), attempt.unwanted
        )

    def tidy(self) -> None:
        """Nothing is left."""
