"""What does a job of one kind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from haversack.jobs.blobs import Buffer
from haversack.jobs.job import Job, Progress


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One attempt at a job.

    Attributes:
        job: its row when it was claimed.
        opened_input: gives its photo for the length of a block, mapped: no memory is taken by that.
        progress: to be told how far it is; seen at the next heartbeat.
        unwanted: set when no result will be taken: the job was cancelled, the lease lost, or the
            worker must end.
    """

    job: Job
    opened_input: Callable[[], AbstractContextManager[Buffer]]
    progress: Callable[[Progress], None]
    unwanted: threading.Event


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A result as JSON, the version of the pack that made it, and the bytes of its files."""

    result: str
    version: str
    files_bytes: int = 0


Result = Outcome | Exception
"""What came of an attempt."""


class Handler(Protocol):
    """Does jobs of one kind.

    Promises: `run` is called by one thread at a time, `packs` and `tidy` by any. `run` may be
    called again for a job that it has done already. Which kinds of errors are the input's fault,
    so that nobody tries again, stands in `reports`; any other is our own. Once `unwanted` is set
    `run` ends soon, in whatever way.
    """

    @property
    def kind(self) -> str:
        """Of the jobs."""
        ...

    def packs(self) -> Sequence[str]:
        """What it can do now: names, and name@version."""
        ...

    def run(self, attempt: Attempt) -> Outcome:
        """Do it. Raises HaversackError."""
        ...

    def tidy(self) -> None:
        """Take away what ended jobs have left on this machine; called now and then."""
        ...


@runtime_checkable
class BatchHandler(Handler, Protocol):
    """A handler that can do several jobs at once.

    Promises: `run_together` is called by the thread that calls `run`, with jobs that want the same
    pack and that nobody has tried before. What is wrong with one of them, or that it is cancelled
    meanwhile, changes nothing for the others; each result is what `run` would have given.
    """

    def most_at_once(self, job: Job) -> int:
        """How many jobs that want the same as `job` are best done in one go; 1 for it alone."""
        ...

    def run_together(self, attempts: Sequence[Attempt]) -> Sequence[Result]:
        """Do them: an outcome or an error for each, in their order."""
        ...
