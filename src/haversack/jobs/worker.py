"""Takes jobs one at a time, from a thread of its own; heartbeats come from a second one."""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from haversack.database.connection import Listener
from haversack.errors import HaversackError, Kind
from haversack.jobs.blobs import BlobStore
from haversack.jobs.handler import Attempt, Handler
from haversack.jobs.job import Claimed, Fault
from haversack.jobs.keeper import Current, Keeper, Rhythm
from haversack.jobs.store import Claim, JobStore, Keep

_log = logging.getLogger("haversack.jobs")
_INPUT_FAULTS = frozenset({Kind.INVALID})
_TICK_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """How a worker goes about.

    Attributes:
        name: in the rows that it takes.
        rhythm: of lease, heartbeat, sweep and tidying.
        keep: how long results and photos are kept.
        idle_seconds: between two looks for work, if nothing wakes it.
        away_seconds: between two tries to reach the database.
        drain_seconds: that a job under way may take to finish when the worker is to end; then it
            is handed back.
        delay_seconds: before the second attempt, by the kind of our own fault; doubled each time.
    """

    name: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    rhythm: Rhythm = field(default_factory=Rhythm)
    keep: Keep = field(default_factory=Keep)
    idle_seconds: float = 0.5
    away_seconds: float = 1.0
    drain_seconds: float = 10.0
    delay_seconds: Mapping[Kind, float] = field(
        default_factory=lambda: {Kind.OVERLOADED: 2.0, Kind.UNAVAILABLE: 5.0, Kind.INTERNAL: 10.0}
    )


class Worker:
    """One job at a time, until it is stopped.

    Promises: `start` returns at once. `stop` lets the job under way finish, `drain_seconds` at
    most, else hands it back; when it returns both threads have ended, unless a handler does not
    heed `unwanted`. Nothing that a job does ends the worker's threads; only the process's own
    death does, and then the job's lease ends. Where the database is away it waits and goes on.
    """

    def __init__(
        self,
        store: JobStore,
        blobs: BlobStore,
        handlers: Sequence[Handler],
        options: WorkerOptions | None = None,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._handlers = {handler.kind: handler for handler in handlers}
        self._options = options or WorkerOptions()
        self._keeper = Keeper(store, blobs, self._options.rhythm, self._options.keep)
        self._ending = threading.Event()
        self._ended = threading.Event()
        self._threads = (
            threading.Thread(target=self._work, name="job-worker", daemon=True),
            threading.Thread(target=self._look_after, name="job-keeper", daemon=True),
        )

    def start(self) -> None:
        """Begin to take jobs."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no more; see the promises."""
        self._ending.set()
        work, keep = self._threads
        if work.ident is None:
            return
        work.join(self._options.drain_seconds)
        current = self._keeper.current
        if work.is_alive() and current is not None:
            current.unwanted.set()
            try:
                self._store.hand_back(current.lease)
            except HaversackError as error:
                _log.warning("job %s is left to its lease: %s", current.lease.id, error.message)
            work.join(self._options.drain_seconds)
        self._ended.set()
        keep.join()

    def _look_after(self) -> None:
        while not self._ended.wait(_TICK_SECONDS):
            try:
                self._keeper.tick()
            except Exception:
                _log.exception("looking after jobs failed; it goes on")

    def _work(self) -> None:
        listener: Listener | None = None
        is_away = False
        while not self._ending.is_set():
            try:
                listener = listener or self._store.listener()
                claimed = self._store.claim(self._claim())
                if is_away:
                    is_away = False
                    _log.info("the database is back")
                for one in claimed:
                    self._attempt(one)
                if not claimed:
                    listener.wait(self._options.idle_seconds)
            except HaversackError as error:
                if not is_away:
                    is_away = True
                    _log.warning("waiting: %s", error.message)
                self._ending.wait(self._options.away_seconds)
            except Exception:
                _log.exception("taking a job failed; it goes on")
                self._ending.wait(self._options.away_seconds)
        if listener is not None:
            listener.close()

    def _claim(self) -> Claim:
        packs = sorted({pack for one in self._handlers.values() for pack in one.packs()})
        return Claim(
            kinds=list(self._handlers),
            packs=packs,
            worker=self._options.name,
            lease_seconds=self._options.rhythm.lease_seconds,
        )

    def _attempt(self, claimed: Claimed) -> None:
        """Run one job and report; whatever it raises becomes its report."""
        current = Current(lease=claimed.lease)
        self._keeper.current = current
        try:
            report = self._run(claimed, current)
            if current.unwanted.is_set():
                _log.info("job %s: its result is not wanted any more", claimed.job.id)
                return
            self._send(report, current)
        finally:
            self._keeper.current = None

    def _run(self, claimed: Claimed, current: Current) -> Callable[[], bool]:
        """What there is to report."""
        job, lease = claimed.job, claimed.lease
        attempt = Attempt(
            job=job,
            opened_input=partial(self._blobs.opened, job.input),
            progress=current.report,
            unwanted=current.unwanted,
        )
        try:
            outcome = self._handlers[job.kind].run(attempt)
        except HaversackError as error:
            if error.kind in _INPUT_FAULTS:
                return partial(self._store.fail, lease, Fault.of(error))
            return self._own_fault(claimed, Fault.of(error), error.kind)
        except MemoryError:
            fault = Fault(code="memory-short", message="there was no memory left for this job")
            return self._own_fault(claimed, fault, Kind.OVERLOADED)
        except Exception as error:
            _log.exception("job %s failed by our own mistake", job.id)
            fault = Fault(code="server-fault", message=f"our mistake: {type(error).__name__}")
            return self._own_fault(claimed, fault, Kind.INTERNAL)
        return partial(self._store.done, lease, outcome.result, outcome.version)

    def _own_fault(self, claimed: Claimed, fault: Fault, kind: Kind) -> Callable[[], bool]:
        first = self._options.delay_seconds.get(kind, self._options.delay_seconds[Kind.INTERNAL])
        delay = first * 2 ** (claimed.job.attempts - 1)
        return partial(self._store.release, claimed.lease, fault, delay)

    def _send(self, report: Callable[[], bool], current: Current) -> None:
        """Until it is taken or refused: a result is not thrown away because the database is off."""
        while not current.unwanted.is_set():
            try:
                if not report():
                    _log.warning(
                        "job %s was taken from this worker; its report is refused",
                        current.lease.id,
                    )
                return
            except HaversackError as error:
                _log.warning("job %s cannot be reported of now: %s", current.lease.id, error)
            if self._ending.wait(self._options.away_seconds):
                return
