"""One go at a run: outcomes are written as they come, and a person is told and heard."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from haversack.engine.cpus import usable_cpus
from haversack.engine.merge import MergeOptions
from haversack.engine.results import PhotoResult
from haversack.errors import HaversackError, Kind
from haversack.survey.flow.open_photo import OpenPhoto
from haversack.survey.flow.outcome import FinishedPhoto
from haversack.survey.flow.pipeline import Pipeline, PipelineOptions
from haversack.survey.run.facts import current_merge
from haversack.survey.run.options import RunRecord
from haversack.survey.run.progress import Rate, RunProgress, Screen
from haversack.survey.run.resources import Resources
from haversack.survey.run.signals import Interrupts
from haversack.survey.run.store import RunStore
from haversack.survey.run.telling import device_name

_FAILURES_TOLD = 50


@dataclass(kw_only=True)
class RunLoop:
    """One go at a run: outcomes are written as they come, and the screen is kept up to date.

    `halted` tells several times a second whether to break off at once, dropping what is in flight.
    """

    store: RunStore
    record: RunRecord
    screen: Screen
    root: Path
    halted: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.monotonic
    seconds: float = 0.0
    _done_bytes: int = 0
    _failures: int = 0
    _found: int = 0
    _outcomes: int = 0
    _told_failures: int = 0
    _stopping: bool = False
    _sizes: dict[int, int] = field(default_factory=dict)

    def work(self, resources: Resources, photos: list[OpenPhoto]) -> bool:
        """Look at the photos. Returns whether it was stopped before the end."""
        on_gpu = self.record.speed.device != "cpu"
        merge = current_merge(self.record, self.store)
        pipeline = Pipeline(
            resources.model,
            photos,
            PipelineOptions(
                root=self.root,
                grid=self.record.grid,
                merge=MergeOptions(rule=merge.rule, threshold=merge.threshold),
                threads=resources.threads or self.record.speed.threads,
                batch=self.record.speed.batch,
                memory=resources.memory,
                decoders=usable_cpus() if on_gpu else 0,
                across_photos=on_gpu,
            ),
        )
        self._sizes = {photo.id: photo.size_bytes for photo in photos}
        started, earlier = self.clock(), float(self.store.meta("seconds", "0"))
        counts = self.store.counts()
        before = sum(one.photos for one in counts.values()) - len(photos)
        self._found = sum(number for number, _ in self.store.found_by_class().values())
        self._failures = sum(
            one.photos for key, one in counts.items() if key not in ("done", "queued")
        )
        rate = Rate(self.clock)
        try:
            with Interrupts() as interrupts:
                for outcome in pipeline.outcomes():
                    if self.halted():
                        break
                    self.seconds = self.clock() - started
                    if outcome is not None:
                        self._write(outcome, earlier + self.seconds)
                    if interrupts.count and not self._told(interrupts, pipeline):
                        pipeline.stop()
                    standing = self._standing(before, len(photos), pipeline, rate)
                    self.screen.show(standing)
        finally:
            pipeline.close()
            self.screen.close()
        return self._outcomes < len(photos)

    def _told(self, interrupts: Interrupts, pipeline: Pipeline) -> bool:
        if self._stopping:
            return True
        self._stopping = True
        self.screen.note(
            f"Stopping after the {pipeline.in_flight} photos in flight; "
            "press Ctrl-C again to drop them."
        )
        return False

    def _write(self, photo: FinishedPhoto, seconds_so_far: float) -> None:
        result = photo.result
        if result.status == "vanished" and not self.root.is_dir():
            raise HaversackError(
                "photos-unreachable",
                f"the folder of the photos, {self.root}, is no longer there",
                hint="Bring it back (a disk, a network drive) and give the same command again: "
                "what was done is kept.",
                kind=Kind.UNAVAILABLE,
            )
        self.store.finish(photo, seconds_so_far=seconds_so_far)
        self._outcomes += 1
        self._done_bytes += self._sizes[result.id]
        self._found += len(result.detections)
        if result.status != "done":
            self._failures += 1
            self._tell_failure(result)

    def _tell_failure(self, result: PhotoResult) -> None:
        self._told_failures += 1
        if self._told_failures <= _FAILURES_TOLD:
            self.screen.note(f"{result.status}: {result.image}: {result.error_message}")
        elif self._told_failures == _FAILURES_TOLD + 1:
            self.screen.note("More photos fail; `haversack survey status --all` lists them.")

    def _standing(self, before: int, open_now: int, pipeline: Pipeline, rate: Rate) -> RunProgress:
        left = sum(self._sizes.values()) - self._done_bytes
        quick = self.seconds / self._done_bytes if self._done_bytes else None
        return RunProgress(
            photos=before + open_now,
            photos_done=before + self._outcomes,
            found=self._found,
            failures=self._failures,
            tiles_per_second=rate.per_second(pipeline.tiles_done),
            seconds_left=None if quick is None else left * quick,
            in_flight=pipeline.in_flight,
            device=device_name(self.record),
            stopping=self._stopping,
        )
