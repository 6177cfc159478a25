"""Photos -> decoded under a byte budget -> tiles -> batches -> outcomes, by threads that do both.

On a CPU every thread decodes and infers: it infers while tiles wait, and decodes when none do. So
no core is idle, none is fought over, and about one photo a thread is in memory. On a GPU some
threads decode ahead, as far as the budget goes, and others feed the device.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from haversack.engine.budget import Budget
from haversack.engine.merge import MergeOptions
from haversack.engine.tiles import Tile, cut
from haversack.errors import HaversackError, Kind
from haversack.survey.flow.grid import GridTable
from haversack.survey.flow.open_photo import OpenPhoto
from haversack.survey.flow.outcome import FinishedPhoto, not_looked_at
from haversack.survey.flow.photo_job import PhotoJob, Piece, Reader
from haversack.survey.flow.reading import open_reader
from haversack.survey.flow.tile_inference import TileFinding, TileModel, TileView, infer_tiles

# A graph that fails on one photo fails that photo; on five in a row, and nothing else between
# them, the run.
_FAILURES_IN_A_ROW = 5
_IDLE_SECONDS = 0.5
_JOIN_SECONDS = 60.0
# In memory at once, where a photo is read in pieces: one is looked at, one is read.
_PIECES = 2
_Batch = tuple[tuple[Piece, Tile], ...]


@dataclass(frozen=True, kw_only=True)
class PipelineOptions:
    """How photos are worked on.

    Attributes:
        root: of their paths.
        grid, merge: see there.
        threads: that infer.
        batch: tiles of one call.
        memory: that photos in flight take from; others may take from it too.
        decoders: threads that only decode; 0 where every thread does both.
        across_photos: whether a batch may hold tiles of several photos, and is always full.
    """

    root: Path
    grid: GridTable
    merge: MergeOptions
    threads: int
    batch: int
    memory: Budget
    decoders: int = 0
    across_photos: bool = False


class Pipeline:
    """Outcomes of photos, in the order in which they are finished.

    Promises: each photo given has one outcome, unless the pipeline was stopped before it was
    begun, or dies; a fault of a photo is its outcome, never an exception; the boxes of a photo are
    the same for any number of threads; `close` joins every thread.
    """

    def __init__(
        self, model: TileModel, photos: Sequence[OpenPhoto], options: PipelineOptions
    ) -> None:
        self._model = model
        self._options = options
        self._budget = options.memory
        self._listed: deque[OpenPhoto] = deque(photos)
        self._planned: deque[PhotoJob] = deque()
        self._unfinished: deque[PhotoJob] = deque()
        self._tiles: deque[tuple[Piece, Tile]] = deque()
        self._outcomes: queue.SimpleQueue[FinishedPhoto | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._begun = self._reading = self._alive = 0
        self._stopping = self._abandoned = False
        self._fault: BaseException | None = None
        self._failures = 0
        self.tiles_done = 0
        roles = ["decode"] * options.decoders + ["infer"] * options.threads
        self._threads = [
            threading.Thread(target=self._work, args=(role,), name=f"survey-{role}", daemon=True)
            for role in roles
        ]

    def outcomes(self, every_seconds: float = 0.25) -> Iterator[FinishedPhoto | None]:
        """Start, and give each outcome; None now and then, so that the caller can look around.

        Raises:
            HaversackError: what stopped the work, such as a graph that fails on every photo.
        """
        self._alive = len(self._threads)
        for thread in self._threads:
            thread.start()
        while True:
            over = self._alive == 0
            outcome = None
            with contextlib.suppress(queue.Empty):
                outcome = self._outcomes.get(timeout=0 if over else every_seconds)
            if outcome is None and over and self._outcomes.empty():
                if self._fault is not None:
                    raise self._fault
                return
            yield outcome

    def stop(self) -> None:
        """Begin no other photo; those in flight are finished, but not one read in pieces."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def close(self) -> None:
        """Drop everything and join the threads, each after the call that it is in."""
        with self._changed:
            self._abandoned = True
            self._changed.notify_all()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout=_JOIN_SECONDS)

    @property
    def in_flight(self) -> int:
        """Photos begun and not finished."""
        return self._begun

    def _work(self, role: str) -> None:
        try:
            while (todo := self._next(role)) is not None:
                if isinstance(todo, tuple):
                    self._infer(todo)
                elif isinstance(todo, PhotoJob):
                    self._read(todo)
                else:
                    self._plan(todo)
        except BaseException as fault:  # whatever it is, the caller of `outcomes` must hear of it
            self._fault = fault
            with self._changed:
                self._abandoned = True
        finally:
            with self._changed:
                self._alive -= 1
                self._changed.notify_all()
            self._outcomes.put(None)  # wakes the caller, who looks whether any thread is left

    def _next(self, role: str) -> _Batch | PhotoJob | OpenPhoto | None:
        """What to do: tiles to look at, a photo to read on in, or one to plan; None at the end."""
        decodes = role == "decode" or not self._options.decoders
        with self._changed:
            while not self._abandoned:
                todo: _Batch | PhotoJob | OpenPhoto | None = None
                if role == "infer":
                    todo = self._batch()
                if todo is None and decodes:
                    todo = self._to_read()
                if todo is not None:
                    return todo
                if self._stopping:
                    self._drop_unread()
                if self._begun == 0 and (self._stopping or not self._listed):
                    return None
                # Every change notifies; the timeout is for what nobody foresaw.
                self._changed.wait(_IDLE_SECONDS)
            return None

    def _batch(self) -> _Batch | None:
        most, tiles = self._options.batch, self._tiles
        if not tiles:
            return None
        count = min(most, len(tiles))
        if self._options.across_photos:
            if count < most and self._reading:
                return None  # more will come
        else:
            piece = tiles[0][0]
            count = next((i for i in range(1, count) if tiles[i][0] is not piece), count)
        return tuple(tiles.popleft() for _ in range(count))

    def _to_read(self) -> PhotoJob | OpenPhoto | None:
        for job in self._unfinished:
            if job.pieces_alive < _PIECES and job.broken is None and not self._stopping:
                self._unfinished.remove(job)
                return self._reads(job)
        if self._stopping:
            return None
        if self._planned and self._budget.take(self._planned[0].reader.cost_bytes):
            job = self._planned.popleft()
            job.held_bytes = job.reader.cost_bytes
            return self._reads(job)
        if self._listed and len(self._planned) < max(1, self._options.decoders):
            self._begun += 1
            self._reading += 1
            return self._listed.popleft()
        return None

    def _reads(self, job: PhotoJob) -> PhotoJob:
        self._reading += 1
        job.being_read = True
        return job

    def _drop_unread(self) -> None:
        """While stopping: photos of which nothing, or not all, was read; they stay queued."""
        for jobs in (self._planned, self._unfinished):
            for job in [job for job in jobs if not job.pieces_alive]:
                jobs.remove(job)
                job.ended = True
                job.reader.close()
                self._budget.give(job.held_bytes)
                self._begun -= 1
                self._changed.notify_all()

    def _plan(self, photo: OpenPhoto) -> None:
        """Read the header, and queue the photo with its price."""
        options = self._options
        try:
            reader: Reader = open_reader(
                options.root / photo.name, photo, options.grid, self._budget.whole_bytes
            )
        except (HaversackError, OSError, MemoryError) as fault:
            self._end(not_looked_at(photo, self._model.identity, as_error(fault)))
            return
        finally:
            with self._changed:
                self._reading -= 1
                self._changed.notify_all()
        with self._changed:
            self._planned.append(PhotoJob(photo, reader))
            self._changed.notify_all()

    def _read(self, job: PhotoJob) -> None:
        """Read the next piece, and queue its tiles."""
        try:
            piece = job.reader.read(job)
        except (HaversackError, OSError, MemoryError) as fault:
            job.broken = as_error(fault)
            piece = None
        with self._changed:
            self._reading -= 1
            job.being_read = False
            if job.broken is not None:  # perhaps by tiles of an earlier piece
                piece = None
            if piece is not None:
                spare = max(0, job.held_bytes - job.reader.cost_bytes)
                job.held_bytes -= spare
                self._budget.give(spare)
                job.pieces_alive += 1
                self._tiles.extend((piece, tile) for tile in piece.tiles)
                if job.reader.has_more:
                    self._unfinished.append(job)
            is_over = piece is None and self._is_over(job)
            self._changed.notify_all()
        if is_over:
            self._finish(job)
        elif piece is not None and not piece.tiles:
            self._close_piece(job)

    def _infer(self, batch: _Batch) -> None:
        started = time.thread_time()
        fill_to = self._options.batch if self._options.across_photos else 1
        try:
            views = [_view(piece, tile) for piece, tile in batch]
            findings = infer_tiles(self._model, views, fill_to=fill_to)
        except (HaversackError, MemoryError) as fault:
            self._infer_apart(batch, as_error(fault))
            return
        if not all(finding.skipped for finding in findings):
            with self._changed:
                self._failures = 0
        self.tiles_done += len(batch)
        self._report(batch, findings, (time.thread_time() - started) / len(batch))

    def _infer_apart(self, batch: _Batch, fault: HaversackError) -> None:
        """Whose fault it was, where the tiles are of several photos: the others' come again."""
        by_photo: dict[PhotoJob, list[tuple[Piece, Tile]]] = {}
        for piece, tile in batch:
            by_photo.setdefault(piece.job, []).append((piece, tile))
        if len(by_photo) > 1:
            for part in by_photo.values():
                self._infer(tuple(part))
            return
        (job,) = by_photo
        self._break(job, batch, fault)

    def _break(self, job: PhotoJob, batch: _Batch, fault: HaversackError) -> None:
        """The photo fails with the graph's words, its tiles that wait are dropped; photo after
        photo, the run fails.
        """
        with self._changed:
            if job.broken is None:
                job.broken = fault
                self._failures += 1
                if self._failures >= _FAILURES_IN_A_ROW:
                    raise fault
            dropped = [one for one in self._tiles if one[0].job is job]
            if dropped:
                self._tiles = deque(one for one in self._tiles if one[0].job is not job)
        over = (*batch, *dropped)
        self._report(over, [TileFinding()] * len(over), 0.0)

    def _report(self, batch: _Batch, findings: Sequence[TileFinding], seconds: float) -> None:
        """Tell each piece of its tiles; `seconds` is the CPU time of each."""
        by_piece: dict[Piece, list[TileFinding]] = {}
        for (piece, _), finding in zip(batch, findings, strict=True):
            by_piece.setdefault(piece, []).append(finding)
        for piece, found in by_piece.items():
            if piece.job.report(piece, found, seconds * len(found)):
                self._close_piece(piece.job)

    def _close_piece(self, job: PhotoJob) -> None:
        with self._changed:
            job.pieces_alive -= 1
            is_over = self._is_over(job)
            self._changed.notify_all()
        if is_over:
            self._finish(job)

    def _is_over(self, job: PhotoJob) -> bool:
        """Whether nothing of it is left to read or to look at: true once, and the photo is the
        caller's to finish.

        In the hold of the lock in which the last piece went: whoever stops would drop it else.
        """
        if job.broken is not None and job in self._unfinished:
            self._unfinished.remove(job)
        elif job.broken is None and job.reader.has_more:
            return False
        if job.pieces_alive or job.being_read or job.ended:
            return False
        job.ended = True
        return True

    def _finish(self, job: PhotoJob) -> None:
        job.reader.close()
        outcome = self._outcome(job)
        self._budget.give(job.held_bytes)
        self._end(outcome)

    def _outcome(self, job: PhotoJob) -> FinishedPhoto:
        pack = self._model.identity
        if job.broken is None:
            try:
                return job.finished(pack, self._options.merge)
            except MemoryError as fault:
                job.broken = as_error(fault)
        return not_looked_at(job.photo, pack, job.broken, seconds=job.seconds_decode)

    def _end(self, outcome: FinishedPhoto) -> None:
        self._outcomes.put(outcome)
        with self._changed:
            self._begun -= 1
            self._changed.notify_all()


def as_error(fault: HaversackError | OSError | MemoryError) -> HaversackError:
    """Why a photo has no result, in our own words."""
    if isinstance(fault, HaversackError):
        return fault
    if isinstance(fault, FileNotFoundError):
        return HaversackError("photo-vanished", "the file is no longer there")
    if isinstance(fault, MemoryError):
        return HaversackError(
            "photo-out-of-memory",
            "the photo did not fit in memory beside the others",
            hint="Give less with --memory, or a smaller --batch.",
            kind=Kind.UNAVAILABLE,
        )
    return HaversackError("file-unreadable", f"the file cannot be read: {fault.strerror or fault}")


def _view(piece: Piece, tile: Tile) -> TileView:
    grid = piece.job.grid
    if grid is None:
        raise AssertionError("a piece has tiles of its photo's grid")
    pixels = cut(piece.pixels, tile.moved(-piece.left, -piece.top))
    return TileView(pixels=pixels, tile=tile, grid=grid)
