"""Batch and threads, measured on the first real tiles instead of believed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from haversack.engine.devices import Device, family
from haversack.engine.limits import resident_bytes
from haversack.engine.predictor import Predictor
from haversack.engine.tiles import cut
from haversack.errors import HaversackError
from haversack.survey.flow.grid import GridTable
from haversack.survey.flow.open_photo import OpenPhoto
from haversack.survey.flow.photo_job import PhotoJob
from haversack.survey.flow.reading import open_reader
from haversack.survey.flow.tile_inference import TileView, infer_tiles, is_constant

MOST_SECONDS = 20.0
_TRIAL_SECONDS = 1.2
_BATCHES = {"cpu": (1, 2, 4, 8), "cuda": (8, 16, 32, 64, 128)}
# Less is noise on a machine with other work, and a larger batch costs memory.
_WORTH = 1.1
_TILES = 32
_PHOTOS = 8


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """How the pack is run, and what was measured so; 0 tiles/s where nothing was."""

    batch: int
    threads: int
    tiles_per_second: float = 0.0


@dataclass(frozen=True, kw_only=True)
class TuneOptions:
    """What is tried.

    Attributes:
        device: that the pack is on.
        threads: as asked for, or None to measure.
        batch: as asked for, or None to measure.
        most_threads: CPUs that may be used.
        memory_bytes: that inference may add; a batch that needs more is not tried.
        trial_seconds: that one setting is measured for.
    """

    device: Device
    threads: int | None
    batch: int | None
    most_threads: int
    memory_bytes: int
    trial_seconds: float = _TRIAL_SECONDS


def tune(
    predictor: Predictor,
    views: Sequence[TileView],
    options: TuneOptions,
    tell: Callable[[Tuning], None] = lambda tuning: None,
) -> Tuning:
    """The quickest of a few settings, in 20 s at most; a larger batch must earn its memory.

    Nothing is measured where both are given or where there are no tiles.

    Args:
        tell: called with each setting as it is measured.
    """
    started, on_cpu = time.monotonic(), family(options.device) == "cpu"
    threads = options.threads or (options.most_threads if on_cpu else 2)
    batches = _BATCHES[family(options.device)] if options.batch is None else (options.batch,)
    if not predictor.batches:
        batches = (1,)
    first = Tuning(batch=batches[0], threads=threads)
    if not views or (options.threads is not None and options.batch is not None):
        return first
    best, last_seconds = first, 0.0
    before = resident_bytes()
    each = 0
    for batch in batches:
        too_dear = each * batch * threads > options.memory_bytes
        if too_dear or time.monotonic() - started + 3 * last_seconds > MOST_SECONDS:
            break
        trial_started = time.monotonic()
        setting = Tuning(batch=batch, threads=threads)
        told = _measure(predictor, views, setting, options.trial_seconds)
        last_seconds = time.monotonic() - trial_started
        if told is None:
            break
        tell(told)
        each = max(each, (resident_bytes() - before) // (batch * threads))
        if told.tiles_per_second < best.tiles_per_second * _WORTH:
            break
        best = told
    spare = MOST_SECONDS - (time.monotonic() - started)
    if options.threads is not None or 4 * last_seconds > spare:
        return best
    trial = _Trial(predictor, views, options, tell, each, started + MOST_SECONDS - 2 * last_seconds)
    return trial.fewer_threads(best) if on_cpu else trial.more_threads(best)


@dataclass(frozen=True)
class _Trial:
    """Settings beside the best batch.

    Attributes:
        each: bytes that a tile of a call has taken.
        until: by `time.monotonic`, after which no other setting is begun.
    """

    predictor: Predictor
    views: Sequence[TileView]
    options: TuneOptions
    tell: Callable[[Tuning], None]
    each: int
    until: float

    def more_threads(self, best: Tuning) -> Tuning:
        """Twice as many, while that pays: on a GPU they stack one batch while another is run."""
        while 2 * best.threads <= self.options.most_threads and time.monotonic() < self.until:
            more = Tuning(batch=best.batch, threads=2 * best.threads)
            if self.each * more.batch * more.threads > self.options.memory_bytes:
                break
            told = self._measure(more)
            if told is None or told.tiles_per_second < best.tiles_per_second * _WORTH:
                break
            best = told
        return best

    def fewer_threads(self, best: Tuning) -> Tuning:
        """Half as many, where that is quicker: threads that fight over a cache slow each other."""
        fewer = Tuning(batch=best.batch, threads=best.threads // 2)
        if not fewer.threads:
            return best
        # Both again, in turn: other work on the machine must not decide for a week of computing.
        trials = [told for one in (fewer, best, fewer) if (told := self._measure(one))]
        few = [told.tiles_per_second for told in trials if told.threads == fewer.threads]
        many = [told.tiles_per_second for told in trials if told.threads == best.threads]
        most = max([best.tiles_per_second, *many])
        if min(few, default=0.0) > most * _WORTH:
            return replace(fewer, tiles_per_second=max(few))
        return replace(best, tiles_per_second=most)

    def _measure(self, tuning: Tuning) -> Tuning | None:
        told = _measure(self.predictor, self.views, tuning, self.options.trial_seconds)
        if told is not None:
            self.tell(told)
        return told


def first_tiles(
    photos: Sequence[OpenPhoto], root: Path, grid: GridTable, limit_bytes: int
) -> list[TileView]:
    """Up to 32 tiles, none of one colour, of the first photo that can be read."""
    for photo in photos[:_PHOTOS]:
        try:
            reader = open_reader(root / photo.name, photo, grid, limit_bytes)
            try:
                piece = reader.read(PhotoJob(photo, reader))
            finally:
                reader.close()
        except (HaversackError, OSError, MemoryError):
            continue
        whole = piece.job.grid
        views = [
            TileView(pixels=pixels, tile=tile, grid=whole)
            for tile in piece.tiles[:_TILES]
            if whole is not None
            and not is_constant(pixels := cut(piece.pixels, tile.moved(-piece.left, -piece.top)))
        ]
        if views:
            return views
    return []


def _measure(
    predictor: Predictor, views: Sequence[TileView], tuning: Tuning, seconds: float
) -> Tuning | None:
    """Tiles a second of that setting; None where the device cannot hold the batch."""
    batch = [views[i % len(views)] for i in range(tuning.batch)]
    faults: list[HaversackError] = []
    done = [0] * tuning.threads
    stop_at = 0.0

    def work(number: int) -> None:
        try:
            while done[number] == 0 or time.monotonic() < stop_at:
                infer_tiles(predictor, batch)
                done[number] += len(batch)
        except HaversackError as fault:
            faults.append(fault)

    try:
        infer_tiles(predictor, batch)  # the first call allocates
    except HaversackError:
        return None
    started = time.monotonic()
    stop_at = started + seconds
    threads = [threading.Thread(target=work, args=(i,)) for i in range(tuning.threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        return None
    rate = sum(done) / (time.monotonic() - started)
    return Tuning(batch=tuning.batch, threads=tuning.threads, tiles_per_second=round(rate, 2))
