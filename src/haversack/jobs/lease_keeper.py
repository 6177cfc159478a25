"""What keeps jobs alive beside the work: heartbeats and sweeping."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from haversack.errors import HaversackError
from haversack.jobs.job import Lease, Progress
from haversack.jobs.store import JobStore

_log = logging.getLogger("haversack.jobs")


@dataclass(eq=False)
class CurrentAttempt:
    """An attempt that a worker is at.

    Attributes:
        progress: how far it is.
        unwanted: no result will be taken any more.
        is_back: it was handed back, or is another's.
    """

    lease: Lease
    progress: Progress = field(default_factory=Progress)
    unwanted: threading.Event = field(default_factory=threading.Event)
    is_back: bool = False

    def report(self, progress: Progress) -> None:
        """Called by the handler; it is sent with the next heartbeat."""
        self.progress = progress


@dataclass(frozen=True, kw_only=True)
class LeaseTimes:
    """How long a lease lasts, and how often it is renewed and others' are looked at.

    A cancelled job is noticed after `beat_seconds` at most.
    """

    lease_seconds: float = 10.0
    beat_seconds: float = 2.0
    sweep_seconds: float = 1.0
    tidy_seconds: float = 60.0


class LeaseKeeper:
    """Renews a worker's leases, and puts back jobs whose lease has ended, when `tick` is called.

    Belongs to one thread, but for `take` and `drop`, which the worker's thread calls. Nothing that
    may take long is done here: a lease lasts 10 s. Where the database is away nothing is raised;
    leases that ended meanwhile are given one lease more before they are swept, since their workers
    could not beat either.
    """

    def __init__(self, store: JobStore, lease_times: LeaseTimes) -> None:
        self._store = store
        self._lease_times = lease_times
        self._next_beat = self._next_sweep = 0.0
        self._currents: tuple[CurrentAttempt, ...] = ()

    @property
    def currents(self) -> tuple[CurrentAttempt, ...]:
        """The attempts whose leases are renewed; any thread may look."""
        return self._currents

    def take(self, currents: Sequence[CurrentAttempt]) -> None:
        """Renew these leases from now on."""
        self._currents = tuple(currents)

    def drop(self, current: CurrentAttempt) -> None:
        """It was reported of: its lease is renewed no longer."""
        self._currents = tuple(one for one in self._currents if one is not current)

    def tick(self) -> None:
        """Do what is due."""
        now = time.monotonic()
        try:
            if now >= self._next_beat:
                self._next_beat = now + self._lease_times.beat_seconds
                self._beat()
            if now >= self._next_sweep:
                self._next_sweep = now + self._lease_times.sweep_seconds
                self._sweep()
        except HaversackError as error:
            self._next_sweep = time.monotonic() + self._lease_times.lease_seconds
            _log.debug("jobs are not looked after now: %s", error.message)

    def _beat(self) -> None:
        for current in self._currents:
            if current.unwanted.is_set():
                continue
            held = self._store.beat(
                current.lease, self._lease_times.lease_seconds, current.progress
            )
            # It may have been reported of in this very moment.
            if not held and current in self._currents:
                current.unwanted.set()

    def _sweep(self) -> None:
        for job in self._store.sweep():
            _log.warning("job %s is %s: %s", job.id, job.state.value, job.error_message)
