"""What goes on beside the work: heartbeats, sweeping, tidying."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from haversack.errors import HaversackError
from haversack.jobs.handler import Handler
from haversack.jobs.job import Lease, Progress
from haversack.jobs.limits import read_limits
from haversack.jobs.setting import JobRoom
from haversack.jobs.store import Keep

_log = logging.getLogger("haversack.jobs")
_ORPHAN_SECONDS = 3600.0
_REMOVED_AT_ONCE = 1000


@dataclass(eq=False)
class Current:
    """An attempt that a worker is at.

    Attributes:
        progress: how far it is.
        unwanted: no result will be taken any more.
    """

    lease: Lease
    progress: Progress = field(default_factory=Progress)
    unwanted: threading.Event = field(default_factory=threading.Event)

    def report(self, progress: Progress) -> None:
        """Told by the handler, sent with the next heartbeat."""
        self.progress = progress


@dataclass(frozen=True, kw_only=True)
class Rhythm:
    """How often. A cancelled job is noticed after `beat_seconds` at most."""

    lease_seconds: float = 10.0
    beat_seconds: float = 2.0
    sweep_seconds: float = 1.0
    tidy_seconds: float = 60.0


class Keeper:
    """Beats, sweeps and tidies, whenever `tick` is called.

    Belongs to one thread, but for `take` and `drop`, which the worker's thread calls. Where the
    database is away nothing is raised; leases that ended meanwhile are given one lease more before
    they are swept, since their workers could not beat either.

    Args:
        keep: None for what the database's server was told, read anew each time.
    """

    def __init__(
        self, room: JobRoom, handlers: Sequence[Handler], rhythm: Rhythm, keep: Keep | None = None
    ) -> None:
        self._room = room
        self._store, self._blobs, self._files = room.store, room.blobs, room.files
        self._handlers = handlers
        self._rhythm = rhythm
        self._keep = keep
        self._clock: Callable[[], float] = time.monotonic
        self._next_beat = self._next_sweep = 0.0
        self._next_tidy = self._clock() + rhythm.tidy_seconds
        self._next_orphans = 0.0
        self._currents: tuple[Current, ...] = ()

    @property
    def currents(self) -> tuple[Current, ...]:
        """The attempts whose leases are renewed; any thread may look."""
        return self._currents

    def take(self, currents: Sequence[Current]) -> None:
        """Renew these leases from now on."""
        self._currents = tuple(currents)

    def drop(self, current: Current) -> None:
        """It was reported of: its lease is renewed no longer."""
        self._currents = tuple(one for one in self._currents if one is not current)

    def tick(self) -> None:
        """Do what is due."""
        now = self._clock()
        try:
            if now >= self._next_beat:
                self._next_beat = now + self._rhythm.beat_seconds
                self._beat()
            if now >= self._next_sweep:
                self._next_sweep = now + self._rhythm.sweep_seconds
                self._sweep()
            if now >= self._next_tidy:
                self._next_tidy = now + self._rhythm.tidy_seconds
                self.tidy()
        except HaversackError as error:
            self._next_sweep = self._clock() + self._rhythm.lease_seconds
            _log.debug("jobs are not looked after now: %s", error.message)

    def tidy(self) -> None:
        """Take away what age and quota say, and photos that no job has."""
        keep = self._keep or read_limits(self._store).keep
        removed = self._store.expire_results(keep)
        inputs = self._store.expire_inputs(keep)
        for name in inputs:
            self._blobs.delete(name)
        files = self._files.remove(keep.upload_seconds)
        for name in files:
            self._blobs.delete(name)
        if removed or inputs or files:
            photos = len(inputs) + len(files)
            _log.info("removed %d results and %d files of old jobs", removed, photos)
        for handler in self._handlers:
            handler.tidy()
        self._remove_jobs(keep)
        if self._clock() >= self._next_orphans:
            self._next_orphans = self._clock() + _ORPHAN_SECONDS
            for name in self._blobs.older_than(_ORPHAN_SECONDS):
                if not self._store.has_blob(name):
                    self._blobs.delete(name)

    def _remove_jobs(self, keep: Keep) -> None:
        """The rows of very old ones, a portion each time: nobody waits long for the database."""
        removed = self._store.remove_jobs(keep, _REMOVED_AT_ONCE)
        self._room.webhooks.remove()
        if removed:
            _log.info("removed %d old jobs of which nothing was left", removed)

    def _beat(self) -> None:
        for current in self._currents:
            if current.unwanted.is_set():
                continue
            held = self._store.beat(current.lease, self._rhythm.lease_seconds, current.progress)
            # It may have been reported of in this very moment.
            if not held and current in self._currents:
                current.unwanted.set()

    def _sweep(self) -> None:
        for job in self._store.sweep():
            _log.warning("job %s is %s: %s", job.id, job.state.value, job.error_message)
