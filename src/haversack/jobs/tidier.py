"""Takes away what is kept of jobs no longer: by age, by quota, and what no job has."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import TypeVar

from haversack.jobs.files import Role
from haversack.jobs.handler import Handler
from haversack.jobs.limits import read_limits
from haversack.jobs.services import JobServices
from haversack.jobs.store import Retention

_log = logging.getLogger("haversack.jobs")
_ORPHAN_SECONDS = 3600.0
_TURN = "tidying"
# One that is killed keeps the others from tidying for so long at most.
_TURN_SECONDS = 300.0
# A store elsewhere deletes a few tens of blobs a second: a portion is over long before the turn.
_BLOBS_AT_ONCE = 100
# The rows of very old ones: nobody waits long for the database.
_ROWS_AT_ONCE = 1000
# Keys in memory at once, 2 MB of them: looking for what is to go reads every row that is kept.
_LOOKED_FOR = 10_000
_T = TypeVar("_T")


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
        services: JobServices,
        handlers: Sequence[Handler],
        keep: Retention | None = None,
        ending: threading.Event | None = None,
    ) -> None:
        self._services = services
        self._store, self._blobs, self._files = services.store, services.blobs, services.files
        self._handlers = handlers
        self._keep = keep
        self._ending = ending or threading.Event()
        self._next_orphans = 0.0
        self._name = secrets.token_hex(8)

    def tidy(self) -> None:
        """Take away what age and quota say, and photos that no job has.

        Raises:
            HaversackError: `database-away`, `blobs-away`.
        """
        for handler in self._handlers:  # what lies on this machine
            try:
                handler.tidy()
            except Exception as fault:  # a folder that cannot be read keeps nothing else from going
                _log.warning("what %s jobs left on this machine stays: %s", handler.kind, fault)
        if not self._has_turn():
            return
        try:
            self._tidy_shared()
        finally:
            self._store.end_turn(_TURN, self._name)

    def _tidy_shared(self) -> None:
        store, keep = self._store, self._keep or read_limits(self._store).keep
        results = self._portions(
            partial(store.old_results, keep, _LOOKED_FOR), store.expire_results, _ROWS_AT_ONCE
        )
        files = self._portions(
            partial(store.old_inputs, keep, _LOOKED_FOR),
            lambda jobs: self._delete(store.expire_inputs(jobs)),
            _BLOBS_AT_ONCE,
        )
        files += self._remove_files(keep.upload_seconds)
        if results or files:
            _log.info("removed %d results and %d files of old jobs", results, files)
        jobs = self._portions(
            partial(store.old_jobs, keep, _LOOKED_FOR), store.remove_jobs, _ROWS_AT_ONCE
        )
        self._services.webhooks.remove()
        if jobs:
            _log.info("removed %d old jobs of which nothing was left", jobs)
        if time.monotonic() >= self._next_orphans:
            self._next_orphans = time.monotonic() + _ORPHAN_SECONDS
            self._delete_orphans()

    def _remove_files(self, upload_seconds: float) -> int:
        files = self._files
        if not self._ending.is_set():
            files.end_old(upload_seconds)
        removed = 0
        for role in Role:
            removed += self._portions(
                partial(files.old, role, _LOOKED_FOR),
                partial(self._delete_files, role),
                _BLOBS_AT_ONCE,
            )
        return removed

    def _delete_files(self, role: Role, blobs: Sequence[str]) -> int:
        return self._delete(self._files.remove(role, blobs))

    def _portions(
        self,
        look: Callable[[], Sequence[_T]],
        take: Callable[[Sequence[_T]], int],
        at_once: int,
    ) -> int:
        """Look for what is to go, and take it in portions until nothing is left or it is time to
        end; the sum of what `take` says. It is looked for again only where not all was found.
        """
        total = 0
        before: Sequence[_T] | None = None
        while not self._ending.is_set() and (found := look()) != before:
            for start in range(0, len(found), at_once):
                if not self._has_turn():
                    return total
                total += take(found[start : start + at_once])
            if len(found) < _LOOKED_FOR:
                break
            before = found
        return total

    def _delete(self, names: Sequence[str]) -> int:
        """Of jobs whose photos are files the name is empty; how many blobs were deleted."""
        deleted = 0
        for name in filter(None, dict.fromkeys(names)):
            if self._ending.is_set():
                break
            self._blobs.delete(name)
            deleted += 1
        return deleted

    def _delete_orphans(self) -> None:
        for number, name in zip(count(1), self._blobs.older_than(_ORPHAN_SECONDS), strict=False):
            if self._ending.is_set() or (number % _BLOBS_AT_ONCE == 0 and not self._has_turn()):
                return
            if not self._store.has_blob(name):
                self._blobs.delete(name)

    def _has_turn(self) -> bool:
        """Whether to go on; the turn is taken, or kept."""
        return not self._ending.is_set() and self._store.take_turn(_TURN, self._name, _TURN_SECONDS)
