"""Packs and memory of a server, lent to surveys that are jobs; see `survey.job.lending.Lender`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from haversack.engine.fitted import Fitted
from haversack.engine.photo import DecodedPhoto
from haversack.engine.results import identity_of
from haversack.engine.tasks.task import TaskOutcome
from haversack.errors import HaversackError, Kind
from haversack.packfile.archive import PackFiles
from haversack.packfile.tiles import can_survey
from haversack.serve.models.gate import Gate
from haversack.serve.plane.dataplane import DataPlane
from haversack.serve.plane.visits import Target
from haversack.serve.work.waiting import until_free


class PackLender:
    """Lends what is on offer. `loop` is the one that the data plane belongs to."""

    def __init__(self, plane: DataPlane, loop: asyncio.AbstractEventLoop) -> None:
        self._plane = plane
        self._loop = loop

    def packs(self) -> Sequence[str]:
        """Every pack on offer that detects in whole photos, in each of its versions."""
        return self._plane.catalogue.offers.names(can_survey)

    @contextmanager
    def lend(self, wants: str, unwanted: threading.Event) -> Iterator[SurveyPack]:
        """The pack; it is in memory only while it looks, so others may take its place between."""
        name, _, version = wants.partition("@")
        files = self._plane.catalogue.offers.find(name, version or None)
        if files is None:
            raise HaversackError(
                "pack-not-loaded",
                f"{wants} is not served here any more",
                hint="Load it again; the survey is tried again meanwhile.",
                kind=Kind.UNAVAILABLE,
            )
        yield SurveyPack(files, self._plane, self._loop, unwanted)


class SurveyPack:
    """One pack for one survey. Any thread may call.

    Attributes:
        files: the pack; identity: its.
        memory: what photos in flight take from.
        device: that the pack runs on.
        threads: as many as calls of the model at once.
    """

    def __init__(
        self,
        files: PackFiles,
        plane: DataPlane,
        loop: asyncio.AbstractEventLoop,
        unwanted: threading.Event,
    ) -> None:
        self.files = files
        self.identity = identity_of(files.manifest)
        self.memory = YieldingBudget(plane.memory)
        self.device = plane.options.device
        self.threads = plane.options.turns
        self._plane = plane
        self._loop = loop
        self._unwanted = unwanted
        self._target = Target(name=files.manifest.name, version=files.manifest.version)

    def fit(self, image: DecodedPhoto) -> Fitted:
        """The photo in the network's frame, on the caller's own thread."""
        catalogue = self._plane.catalogue
        while (model := catalogue.lease(self._target.name, self._target.version)) is None:
            until_free(self._loop, self._unwanted, partial(self._plane.bring, self._target))
        try:
            return model.predictor.fit(image)
        finally:
            catalogue.release(model)

    def infer(self, photos: Sequence[Fitted]) -> Sequence[TaskOutcome]:
        """What the model says of each, in turn with every request."""
        infer_fitted = partial(self._plane.photos.infer_fitted, self._target, photos)
        return until_free(self._loop, self._unwanted, infer_fitted)


class YieldingBudget:
    """A gate's budget for threads that let those who wait at the gate go first."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    @property
    def whole_bytes(self) -> int:
        """All there is."""
        return self._gate.limit

    def take(self, count: int) -> bool:
        """Take `count` bytes if they are free and nobody waits."""
        return not self._gate.waiting and self._gate.budget.take(count)

    def give(self, count: int) -> None:
        """Give `count` bytes back."""
        self._gate.budget.give(count)
