"""Takes away what is kept of jobs no longer: by age, by quota, and what no job has."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from itertools import count

from haversack.jobs.handler import Handler
from haversack.jobs.limits import read_limits
from haversack.jobs.setting import JobRoom
from haversack.jobs.store import Keep

_log = logging.getLogger("haversack.jobs")
_ORPHAN_SECONDS = 3600.0
_TURN = "tidying"
# One that is killed keeps the others from tidying for so long at most.
_TURN_SECONDS = 300.0
# A store elsewhere deletes a few tens of blobs a second: a portion is over long before the turn.
_BLOBS_AT_ONCE = 100
# The rows of very old ones: nobody waits long for the database.
_ROWS_AT_ONCE = 1000


class Tidier:
    """Tidies when `tidy` is called, which may take as long as it takes: it needs its own thread.

    Promises: of all that share a database one tidies at a time. It goes in portions, and is over
    soon after `ending` is set: blobs that were to go by then, and are in no row any more, go when
    blobs that no job has are looked for, once an hour.

    Args:
        keep: None for what the database's server was told, read anew each time.
        ending: set when the worker is to end.
    """

    def __init__(
        self,
        room: JobRoom,
        handlers: Sequence[Handler],
        keep: Keep | None = None,
        ending: threading.Event | None = None,
    ) -> None:
        self._room = room
        self._store, self._blobs, self._files = room.store, room.blobs, room.files
        self._handlers = handlers
        self._keep = keep
        self._ending = ending or threading.Event()
        self._clock: Callable[[], float] = time.monotonic
        self._next_orphans = 0.0
        self._name = secrets.token_hex(8)

    def tidy(self) -> None:
        """Take away what age and quota say, and photos that no job has.

        Raises:
            HaversackError: `database-away`, `blobs-away`.
        """
        for handler in self._handlers:  # what lies on this machine
            handler.tidy()
        if not self._has_turn():
            return
        try:
            self._tidy_shared()
        finally:
            self._store.end_turn(_TURN, self._name)

    def _tidy_shared(self) -> None:
        keep = self._keep or read_limits(self._store).keep
        upload_seconds = keep.upload_seconds
        results = self._portions(lambda: self._store.expire_results(keep, _ROWS_AT_ONCE))
        files = self._portions(
            lambda: self._delete(self._store.expire_inputs(keep, _BLOBS_AT_ONCE))
        )
        files += self._portions(
            lambda: self._delete(self._files.remove(upload_seconds, _BLOBS_AT_ONCE))
        )
        if results or files:
            _log.info("removed %d results and %d files of old jobs", results, files)
        jobs = self._portions(lambda: self._store.remove_jobs(keep, _ROWS_AT_ONCE))
        self._room.webhooks.remove()
        if jobs:
            _log.info("removed %d old jobs of which nothing was left", jobs)
        if self._clock() >= self._next_orphans:
            self._next_orphans = self._clock() + _ORPHAN_SECONDS
            self._delete_orphans()

    def _portions(self, portion: Callable[[], int]) -> int:
        """One after the other, until there is nothing more or it is time to end; how many."""
        total = 0
        while self._has_turn() and (done := portion()):
            total += done
        return total

    def _delete(self, names: Sequence[str]) -> int:
        for name in filter(None, names):
            if self._ending.is_set():
                break
            self._blobs.delete(name)
        return len(names)

    def _delete_orphans(self) -> None:
        for number, name in zip(count(1), self._blobs.older_than(_ORPHAN_SECONDS), strict=False):
            if self._ending.is_set() or (number % _BLOBS_AT_ONCE == 0 and not self._has_turn()):
                return
            if not self._store.has_blob(name):
                self._blobs.delete(name)

    def _has_turn(self) -> bool:
        """Whether to go on; the turn is taken, or kept."""
        return not self._ending.is_set() and self._store.take_turn(_TURN, self._name, _TURN_SECONDS)
