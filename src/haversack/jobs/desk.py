"""Where jobs are handed in: the photo is kept first, then the row is put."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from haversack.errors import HaversackError, Kind
from haversack.jobs.blobs import BlobStore, Buffer, blob_name
from haversack.jobs.job import Job, NewJob, new_id
from haversack.jobs.store import JobStore, Usage
from haversack.units import format_bytes

_USAGE_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class DeskLimits:
    """How much may wait: jobs, and bytes of photos that are kept."""

    queued: int = 100_000
    input_bytes: int = 8 << 30


class Desk:
    """Takes in jobs. Any thread may call."""

    def __init__(
        self,
        store: JobStore,
        blobs: BlobStore,
        limits: DeskLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._limits = limits or DeskLimits()
        self._clock = clock
        self._lock = threading.Lock()
        self._usage = Usage(queued=0, input_bytes=0)
        self._counted = float("-inf")

    def submit(self, wish: NewJob, photo: Buffer) -> Job:
        """Accept a job; the photo and the row are on the disk when this returns.

        Args:
            wish: its id, input and input_bytes are set here.

        Raises:
            HaversackError: `jobs-full`, `idempotency-key-reused`, `blobs-away`, `database-away`.
        """
        self._check_room(len(photo))
        job_id = new_id(self._store.now())
        name = blob_name(photo, job_id)
        self._blobs.put(name, photo)
        new = replace(wish, id=job_id, input=name, input_bytes=len(photo))
        try:
            job = self._store.put(new)
        except HaversackError as error:
            # Where the database is away the row may be there all the same: `tidy` finds out.
            if error.kind is Kind.CONFLICT:
                self._blobs.delete(name)
            raise
        if job.id != job_id:
            self._blobs.delete(name)
        return job

    def _check_room(self, size_bytes: int) -> None:
        """Counted once a second: in that second a few too many may be let in."""
        with self._lock:
            if self._clock() - self._counted >= _USAGE_SECONDS:
                self._usage = self._store.usage()
                self._counted = self._clock()
            usage, limits = self._usage, self._limits
        if usage.queued >= limits.queued:
            raise _full(f"{usage.queued:,} jobs wait; the limit is {limits.queued:,}")
        if usage.input_bytes + size_bytes > limits.input_bytes:
            held, most = format_bytes(usage.input_bytes), format_bytes(limits.input_bytes)
            raise _full(f"the photos of jobs hold {held}; the limit is {most}")


def wish(pack: str, **values: object) -> NewJob:
    """What a caller asks for, before it has an id."""
    return NewJob(id="", pack=pack, input="", input_bytes=0, **values)  # type: ignore[arg-type]


def _full(message: str) -> HaversackError:
    return HaversackError(
        "jobs-full",
        message,
        hint="Wait until some are done, or start more workers.",
        kind=Kind.OVERLOADED,
    )
