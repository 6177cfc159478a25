"""Takes jobs, from a thread of its own; a second one beats, and a third one tidies."""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from haversack.database.connection import Listener
from haversack.errors import HaversackError, Kind
from haversack.jobs.handler import Attempt, BatchHandler, Handler, Result
from haversack.jobs.job import Claimed, Progress
from haversack.jobs.lease_keeper import CurrentAttempt, LeaseKeeper, LeaseTimes
from haversack.jobs.reports import Report, Reports
from haversack.jobs.services import JobServices
from haversack.jobs.store import Claim, Retention
from haversack.jobs.tidier import Tidier

_log = logging.getLogger("haversack.jobs")
_TICK_SECONDS = 0.1


@dataclass(frozen=True, kw_only=True)
class WorkerOptions:
    """How a worker goes about.

    Attributes:
        name: in the rows that it takes.
        lease_times: of lease, heartbeat, sweep and tidying.
        keep: how long results and photos are kept; None for what the server was told.
        idle_seconds: between two looks for work, if nothing wakes it.
        away_seconds: between two tries to reach the database.
        drain_seconds: that jobs under way may take to finish when the worker is to end; then they
            are handed back.
        heed_seconds: that their handler may then take to end; after it the log says each time so
            long what is being waited for.
        delay_seconds: before the second attempt, by the kind of our own fault; doubled each time.
    """

    name: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    lease_times: LeaseTimes = field(default_factory=LeaseTimes)
    keep: Retention | None = None
    idle_seconds: float = 0.5
    away_seconds: float = 1.0
    drain_seconds: float = 10.0
    heed_seconds: float = 10.0
    delay_seconds: Mapping[Kind, float] = field(
        default_factory=lambda: {
            Kind.OVERLOADED: 2.0,
            Kind.DEADLINE: 5.0,
            Kind.UNAVAILABLE: 5.0,
            Kind.INTERNAL: 10.0,
        }
    )


class Worker:
    """One job at a time, or several alike where their handler says so, until it is stopped.

    A job that was tried before is done alone, whatever its handler says: one that ends its worker
    takes others with it once at most, and none of them twice.

    Promises: `start` returns at once. `stop` lets what is under way finish, `drain_seconds` at
    most, else hands it back, and tries so again where the database is away; when it returns every
    thread has ended, so that the database may be closed. A handler that does not heed `unwanted`
    holds it up for ever: its job is another's by then, so whoever does not want to wait ends the
    process, and loses nothing. Nothing that a job does ends the worker's threads; only the
    process's own death does, and then the job's lease ends. Where the database is away it waits
    and goes on. However long tidying takes, heartbeats come in time.
    """

    def __init__(
        self,
        services: JobServices,
        handlers: Sequence[Handler],
        options: WorkerOptions | None = None,
    ) -> None:
        self._store, self._blobs = services.store, services.blobs
        self._handlers = {handler.kind: handler for handler in handlers}
        self._options = options or WorkerOptions()
        self._reports = Reports(store=services.store, delay_seconds=self._options.delay_seconds)
        self._lease_keeper = LeaseKeeper(services.store, self._options.lease_times)
        self._ending = threading.Event()
        self._ended = threading.Event()
        self._next_try = 0.0  # to hand back what could not be before
        self._tidier = Tidier(services, handlers, self._options.keep, self._ending)
        self._threads = (
            threading.Thread(target=self._work, name="job-worker", daemon=True),
            threading.Thread(target=self._look_after, name="job-keeper", daemon=True),
            threading.Thread(target=self._tidy, name="job-tidier", daemon=True),
        )

    def start(self) -> None:
        """Begin to take jobs."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take no more; see the promises."""
        self._ending.set()
        work, keep, tidy = self._threads
        if work.ident is None:
            return
        work.join(self._options.drain_seconds)
        self._join(work, self._hand_back_rest, self._what_is_held)
        self._ended.set()
        keep.join()
        self._join(tidy, lambda: None, lambda: "it deletes, and what is left goes another time")

    def _join(
        self, thread: threading.Thread, press: Callable[[], None], what: Callable[[], str]
    ) -> None:
        """However long it takes: the database is closed next."""
        told = began = time.monotonic()
        while thread.is_alive():
            press()
            thread.join(_TICK_SECONDS)
            now = time.monotonic()
            if thread.is_alive() and now - told >= self._options.heed_seconds:
                told = now
                _log.warning(
                    "the worker is to end, and %s still works after %.0f s: %s; a second Ctrl-C or "
                    "SIGTERM ends the process at once, and loses nothing",
                    thread.name,
                    now - began,
                    what(),
                )

    def _what_is_held(self) -> str:
        currents = self._lease_keeper.currents
        back = [one.lease.id for one in currents if one.is_back]
        held = [one.lease.id for one in currents if not one.is_back]
        told = [f"handed back are {', '.join(back)}"] if back else []
        told += [f"left to their leases are {', '.join(held)}"] if held else []
        return ", ".join(told) or "it has no job"

    def _hand_back_rest(self) -> None:
        rest = [one for one in self._lease_keeper.currents if not one.is_back]
        if rest and time.monotonic() >= self._next_try and not self._hand_back(rest):
            self._next_try = time.monotonic() + self._options.away_seconds

    def _hand_back(self, currents: Sequence[CurrentAttempt]) -> bool:
        """Whether every one was; their handlers are told to end all the same."""
        is_first = not all(one.unwanted.is_set() for one in currents)
        for current in currents:
            current.unwanted.set()
        for current in currents:
            try:
                self._store.hand_back(current.lease)
                current.is_back = True
            except HaversackError as error:
                level = logging.WARNING if is_first else logging.DEBUG
                _log.log(level, "job %s is left to its lease: %s", current.lease.id, error.message)
        return all(one.is_back for one in currents)

    def _look_after(self) -> None:
        while not self._ended.wait(_TICK_SECONDS):
            try:
                self._lease_keeper.tick()
            except Exception:
                _log.exception("looking after jobs failed; it goes on")

    def _tidy(self) -> None:
        while not self._ending.wait(self._options.lease_times.tidy_seconds):
            try:
                self._tidier.tidy()
            except HaversackError as error:
                _log.debug("jobs are not tidied now: %s", error.message)
            except Exception:
                _log.exception("tidying jobs failed; it goes on")

    def _work(self) -> None:
        listener: Listener | None = None
        is_away = False
        while not self._ending.is_set():
            try:
                listener = listener or self._store.listener()
                claimed = self._take()
                if is_away:
                    is_away = False
                    _log.info("the database is back")
                if claimed and self._ending.is_set():
                    self._hand_back([_current(one) for one in claimed])
                elif claimed:
                    self._attempt(claimed)
                else:
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
            lease_seconds=self._options.lease_times.lease_seconds,
        )

    def _take(self) -> list[Claimed]:
        """The next job, and jobs that want the same where they are best done with it."""
        claimed = self._store.claim(self._claim())
        if not claimed:
            return []
        job = claimed[0].job
        handler = self._handlers[job.kind]
        if job.attempts > 1 or not isinstance(handler, BatchHandler):
            return claimed
        more = handler.most_at_once(job) - 1
        if more < 1:
            return claimed
        alike = replace(self._claim(), kinds=[job.kind], packs=[job.wants])
        try:
            return claimed + self._store.claim(replace(alike, count=more, untried=True))
        except HaversackError as error:
            _log.debug("job %s is done alone: %s", job.id, error.message)
            return claimed

    def _attempt(self, batch: Sequence[Claimed]) -> None:
        """Run jobs and report of each; whatever they raise becomes the report."""
        currents = [_current(one) for one in batch]
        self._lease_keeper.take(currents)
        try:
            results = self._run(batch, currents)
            for claimed, current, result in zip(batch, currents, results, strict=True):
                if current.unwanted.is_set():
                    _log.info("job %s: its result is not wanted any more", claimed.job.id)
                else:
                    self._send(self._reports.of(claimed, result, len(batch)), current)
                self._lease_keeper.drop(current)
        finally:
            self._lease_keeper.take(())

    def _run(
        self, batch: Sequence[Claimed], currents: Sequence[CurrentAttempt]
    ) -> Sequence[Result]:
        """What came of each."""
        handler = self._handlers[batch[0].job.kind]
        attempts = [
            Attempt(
                job=claimed.job,
                opened_input=partial(self._blobs.opened, claimed.job.input),
                progress=current.report,
                unwanted=current.unwanted,
            )
            for claimed, current in zip(batch, currents, strict=True)
        ]
        try:
            if len(attempts) > 1 and isinstance(handler, BatchHandler):
                return handler.run_together(attempts)
            return [handler.run(attempt) for attempt in attempts]
        except Exception as error:
            return [error] * len(attempts)

    def _send(self, report: Report, current: CurrentAttempt) -> None:
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


def _current(claimed: Claimed) -> CurrentAttempt:
    job = claimed.job
    return CurrentAttempt(
        lease=claimed.lease, progress=Progress(job.progress_done, job.progress_total)
    )
