"""What a store of jobs promises; its form over SQL is `sql_store`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from haversack.database.connection import Listener
from haversack.jobs.job import (
    PLAIN,
    Claimed,
    Fault,
    Job,
    Lease,
    NewJob,
    Progress,
    ResultCost,
    State,
)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a worker can take.

    Attributes:
        kinds: of jobs.
        packs: names, and name@version for each version that it has.
        worker: its name, for the row.
        lease_seconds: after which the job is another's, unless renewed.
        count: at most so many.
        untried: only jobs of which no attempt was begun.
    """

    kinds: Sequence[str]
    packs: Sequence[str]
    worker: str
    lease_seconds: float = 10.0
    count: int = 1
    untried: bool = False


@dataclass(frozen=True, kw_only=True)
class Filter:
    """Which jobs are listed, the newest first.

    Attributes:
        kind: of the jobs.
        owner: None for everyone's.
        after: id of the last job of the page before.
    """

    state: State | None = None
    kind: str | None = None
    pack: str | None = None
    owner: str | None = None
    after: str | None = None
    limit: int = 50


@dataclass(frozen=True, kw_only=True)
class QueuePosition:
    """Where a waiting job stands.

    Attributes:
        before: jobs of its kind that are claimed earlier.
        photos_before: in them, and in those that run.
        photos: its own.
        workers: that have a job of its kind.
        cost_seconds: of one photo of this pack, lately; None where none was done yet.
    """

    before: int
    photos_before: int
    photos: int
    workers: int
    cost_seconds: float | None

    @property
    def eta_seconds(self) -> float | None:
        """Until a job at this place is done, where each photo takes as long as one did lately."""
        if self.cost_seconds is None:
            return None
        return (self.photos_before + self.photos) * self.cost_seconds / max(1, self.workers)


@dataclass(frozen=True, kw_only=True)
class Usage:
    """How much is held: jobs that wait, and bytes of inputs."""

    queued: int
    input_bytes: int


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long and how much is kept of jobs that ended; the oldest goes first.

    Attributes:
        result_seconds, result_bytes: of results.
        input_seconds, input_bytes: of photos; bytes of those that wait count too.
        upload_seconds: of an upload, after its last photo.
        job_seconds: of the job itself, once its result and photos are gone.
    """

    result_seconds: float = 7 * 86_400.0
    result_bytes: int = 1 << 30
    input_seconds: float = 86_400.0
    input_bytes: int = 4 << 30
    upload_seconds: float = 86_400.0
    job_seconds: float = 90 * 86_400.0


@dataclass(frozen=True, kw_only=True)
class OldJob:
    """A job of which something is to go, and when it ended, as it was found."""

    id: str
    finished: float


class JobStore(Protocol):
    """Jobs, by id.

    Promises:
        threads: any thread and any process may call at any time.
        at least once: a job whose `put` returned is claimed until an attempt reports of it, a
            caller cancels it, its deadline passes, or its attempts are used up.
        effects once: of all attempts one report is taken at most. A report by a lease that is no
            longer the job's changes nothing and returns False.
        order: by priority, then by due time, then by id. Of several claims at once no two get the
            same job.
        survives a crash: what `put`, `done`, `fail`, `cancel` and `retry` returned is on the disk.
            Claims and heartbeats may be lost with the machine; the attempt is then made again.
        away: every method raises `database-away` where the database cannot be reached, and works
            again when it can.
    """

    def now(self) -> float:
        """Seconds since 1970, by the clock that all who share the store agree on."""
        ...

    def put(self, new: NewJob) -> Job:
        """Accept a job; on the disk when this returns.

        A job of the same owner and idempotency key is returned instead, whatever became of it.

        Raises:
            HaversackError: `idempotency-key-reused` where that job is of something else.
        """
        ...

    def claim(self, claim: Claim) -> list[Claimed]:
        """Take waiting jobs, in order: one statement does claim, lease and token."""
        ...

    def beat(self, lease: Lease, lease_seconds: float, progress: Progress) -> bool:
        """Renew the lease and tell progress. False: it was lost, or the job was cancelled."""
        ...

    def done(self, lease: Lease, result: str, version: str, cost: ResultCost = PLAIN) -> bool:
        """The result, as JSON; False where the lease was lost."""
        ...

    def fail(self, lease: Lease, fault: Fault) -> bool:
        """The input's fault: failed. False where the lease was lost."""
        ...

    def release(self, lease: Lease, fault: Fault, delay_seconds: float) -> bool:
        """Our own fault: queued again, due later, or dead after the last attempt."""
        ...

    def hand_back(self, lease: Lease) -> bool:
        """Not begun or broken off in good order: queued again at once, no attempt is counted."""
        ...

    def sweep(self) -> list[Job]:
        """Jobs whose lease ended -> queued or dead; whose deadline passed unstarted -> expired."""
        ...

    def cancel(self, job_id: str) -> Job:
        """Queued or running -> cancelled. Raises `job-finished`, `job-not-found`."""
        ...

    def retry(self, job_id: str) -> Job:
        """Failed or dead -> queued, for one more attempt.

        Raises:
            HaversackError: `job-not-retryable`, `job-input-removed`, `job-not-found`.
        """
        ...

    def find(self, job_id: str) -> Job:
        """One job. Raises `job-not-found`."""
        ...

    def listed(self, chosen: Filter) -> list[Job]:
        """A page of jobs."""
        ...

    def queue_position(self, job: Job) -> QueuePosition:
        """Where a waiting job stands."""
        ...

    def result(self, job_id: str) -> str:
        """Raises `job-not-found`, `job-not-done`, `job-result-removed`."""
        ...

    def usage(self) -> Usage:
        """How much is held now."""
        ...

    def old_results(self, keep: Retention, most: int) -> list[OldJob]:
        """Jobs whose results are to go by age and quota: the oldest, at most `most`."""
        ...

    def expire_results(self, jobs: Sequence[OldJob]) -> int:
        """Take away the results of these jobs; returns how many were there."""
        ...

    def old_inputs(self, keep: Retention, most: int) -> list[OldJob]:
        """Ended jobs whose inputs are to go by age and quota: the oldest, at most `most`."""
        ...

    def expire_inputs(self, jobs: Sequence[OldJob]) -> list[str]:
        """Mark the inputs of these jobs as removed, but of those that were retried meanwhile.

        Returns the blobs to delete: "" for each job whose photos are files.
        """
        ...

    def old_jobs(self, keep: Retention, most: int) -> list[OldJob]:
        """Jobs to delete by age, of which result and input are gone: the oldest, at most `most`."""
        ...

    def remove_jobs(self, jobs: Sequence[OldJob]) -> int:
        """Delete these jobs where their result and input are gone; returns how many.

        A deleted job is not found any more, and its idempotency key is free.
        """
        ...

    def has_blob(self, name: str) -> bool:
        """Whether any job, upload or pack has this blob and still keeps it."""
        ...

    def fact(self, name: str, value: str) -> str:
        """Set a fact if nobody has, and return what it is."""
        ...

    def known_fact(self, name: str) -> str | None:
        """What a fact is; None where nobody has set it."""
        ...

    def change_fact(self, name: str, value: str) -> None:
        """Set a fact, whatever it was."""
        ...

    def take_turn(self, name: str, holder: str, seconds: float) -> bool:
        """Whether what only one may do at a time is this one's for so long.

        The holder takes it again before that time is over; after it anybody may, and anybody may
        where the clock was set back, so that it would last longer than twice `seconds` from now.
        """
        ...

    def end_turn(self, name: str, holder: str) -> None:
        """It may be another's at once; nothing happens where it is another's already."""
        ...

    def listener(self) -> Listener:
        """Waits for something to do."""
        ...

    def close(self) -> None:
        """Let go of the database."""
        ...
