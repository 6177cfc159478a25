"""A survey from the first file to the report."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec

from haversack.engine.allocator import settle_for_tiles, trim
from haversack.engine.budget import MemoryBudget
from haversack.engine.cpus import usable_cpus
from haversack.engine.limits import memory_limit
from haversack.engine.predictor import Predictor, PredictorOptions
from haversack.engine.session import SessionOptions
from haversack.formats import report
from haversack.survey.flow.autotune import TuneOptions, first_tiles, tune
from haversack.survey.flow.open_photo import OpenPhoto
from haversack.survey.run.begin import REPORT, RETRY, check_folder, check_pack
from haversack.survey.run.facts import photo_reader, run_facts
from haversack.survey.run.loop import RunLoop
from haversack.survey.run.memory import photo_budget
from haversack.survey.run.opening import open_run, queue_photos
from haversack.survey.run.options import RunRecord, RunRequest, write_record
from haversack.survey.run.progress import Screen
from haversack.survey.run.resources import Resources
from haversack.survey.run.sources import find_photos
from haversack.survey.run.store import RunStore
from haversack.survey.run.telling import tuning_line
from haversack.units import format_bytes


@dataclass(frozen=True, kw_only=True)
class Summary:
    """How one go at a run ended.

    Attributes:
        folder: of the run.
        photos: of the run, by status.
        objects: found in all of them.
        seconds: of this go.
        interrupted: whether photos are left because it was stopped.
        incomplete: folders that could not be searched, and listed files that are not there.
    """

    folder: Path
    photos: dict[str, int]
    objects: int
    seconds: float
    interrupted: bool
    incomplete: int

    @property
    def has_failures(self) -> bool:
        """Whether any photo is not whole in the results."""
        bad = sum(self.photos.get(status, 0) for status in ("partial", "failed", "vanished"))
        return bool(bad or self.incomplete)


def run_survey(request: RunRequest, screen: Screen) -> Summary:
    """Look at every photo that is not done yet.

    Raises:
        HaversackError: before the first photo, for what is wrong with the request; afterwards
            `run-write-failed`, `photos-unreachable` or `run-failed` of the graph: then what was
            done is kept, and the same command goes on.
    """
    settle_for_tiles()
    check_pack(request.pack)
    check_folder(request.out)
    budget = photo_budget(request.memory_bytes, memory_limit().limit_bytes)
    screen.note("Looking for photos...")
    sources = find_photos(request.words, sys.stdin, skip=request.out)
    begun = open_run(request, sources, screen)
    predictor = _predictor(request, begun.record)
    request.out.mkdir(parents=True, exist_ok=True)
    with RunStore(request.out, write=True) as store:
        photos = queue_photos(request, store, begun, sources, screen)
        record = begun.record
        if photos and not record.speed.measured:
            record = _Measuring(request, record, budget, screen).measure(predictor, photos)
            write_record(request.out, record)
        run_loop = RunLoop(store=store, record=record, screen=screen, root=sources.root)
        resources = Resources(model=predictor, memory=MemoryBudget(budget), threads=request.threads)
        interrupted = bool(photos) and run_loop.work(resources, photos)
        write_retry(request.out, store, sources.root)
        if not interrupted:
            facts = run_facts(request.out, record, store)
            report.write(facts, photo_reader(store, record), request.out / REPORT)
        return Summary(
            folder=request.out,
            photos={status: one.photos for status, one in store.counts().items()},
            objects=sum(number for number, _ in store.found_by_class().values()),
            seconds=run_loop.seconds,
            interrupted=interrupted,
            incomplete=len(sources.missing) + len(sources.unreadable),
        )


def write_retry(folder: Path, store: RunStore, root: Path) -> int:
    """retry.txt: the whole path of each photo that is failed, partial or gone; none, no file.

    The list can be given to a survey as it is, or to a program that copies the files again.
    Returns how many there are.
    """
    path = folder / RETRY
    failures = store.failures()
    if not failures:
        path.unlink(missing_ok=True)
        return 0
    text = "".join(f"{root / failure.name}\n" for failure in failures)
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return len(failures)


def _predictor(request: RunRequest, record: RunRecord) -> Predictor:
    """One session for all threads; on a CPU each call of it stays on the thread that made it."""
    on_cpu = record.speed.device == "cpu"
    session = SessionOptions(
        device=record.speed.device, threads=1 if on_cpu else None, spin_between_calls=not on_cpu
    )
    predictor = Predictor(request.pack, PredictorOptions(session=session))
    trim()  # what loading a graph leaves behind
    return predictor


@dataclass(frozen=True)
class _Measuring:
    """Batch and threads, as asked for or measured, kept in the run's record."""

    request: RunRequest
    record: RunRecord
    budget: int
    screen: Screen

    def measure(self, predictor: Predictor, photos: list[OpenPhoto]) -> RunRecord:
        """The record with what is quickest."""
        options = TuneOptions(
            device=self.record.speed.device,
            threads=self.request.threads,
            batch=self.request.batch,
            most_threads=usable_cpus(),
            memory_bytes=self.budget,
        )
        views = []
        if options.threads is None or options.batch is None:
            self.screen.note("Measuring batch and threads on the first tiles...")
            views = first_tiles(photos, Path(self.record.root), self.record.grid, self.budget)
        best = tune(predictor, views, options, lambda t: self.screen.note(f"  {tuning_line(t)}"))
        views.clear()
        trim()
        if best.tiles_per_second:
            self.screen.note(
                f"Chosen: {tuning_line(best)}; photos in flight may take "
                f"{format_bytes(self.budget)}."
            )
        speed = msgspec.structs.replace(
            self.record.speed,
            batch=best.batch,
            threads=best.threads,
            measured=True,
            tiles_per_second=best.tiles_per_second,
        )
        return msgspec.structs.replace(self.record, speed=speed)
