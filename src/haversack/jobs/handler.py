"""What does a job of one kind."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from haversack.jobs.job import Job, Progress


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One attempt at a job.

    Attributes:
        job: its row when it was claimed.
        read_input: gives its photo.
        progress: to be told how far it is; seen at the next heartbeat.
        unwanted: set when no result will be taken: the job was cancelled, the lease lost, or the
            worker must end.
    """

    job: Job
    read_input: Callable[[], bytes]
    progress: Callable[[Progress], None]
    unwanted: threading.Event


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A result as JSON, the version of the pack that made it, and the bytes of its files."""

    result: str
    version: str
    files_bytes: int = 0


class Handler(Protocol):
    """Does jobs of one kind.

    Promises: `run` is called by one thread at a time, `packs` and `tidy` by any. `run` may be
    called again for a job that it has done already. An error of kind INVALID is the input's fault,
    any other our own. Once `unwanted` is set `run` ends soon, in whatever way.
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
